import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { logs, Machine, type Shell } from "./world";

for (const shell of ["dash", "busybox"] satisfies Shell[]) {
	describe(`the runner in the guest, in ${shell}`, () => {
		let machine: Machine;
		beforeEach(() => {
			machine = new Machine(shell);
		});
		afterEach(() => machine.remove());

		const named = { kind: "init" as const, name: "hostname", content: logs("$CLONE_NAME $*"), arguments: ["name"] };

		it("gives scripts parameters of the machine's own, as environment and as arguments", async () => {
			await machine.install({
				identifier: ["mac 1", "uuid"],
				parameters: { name: "web-{instance:03}", "odd-one": `it's "$HOME" \\ and {id("uuid")}` },
				scripts: [
					named,
					{
						kind: "init",
						name: "own",
						content: logs("$CLONE_ID $CLONE_IDENTIFIER $CLONE_INSTANCE $CLONE_NAME $CLONE_SCRIPT $CLONE_RUN"),
						identifier: ["serial"],
					},
					{ kind: "init", name: "all", content: logs("$CLONE_ID $CLONE_IDENTIFIER $CLONE_ODD_ONE") },
				],
			});
			machine.hardware({
				macs: ["52:54:00:00:00:01", "52:54:00:00:01:02"],
				uuid: "AABBCCDD-0000-0000-0000-000000000001",
				serial: "x-77",
			});
			const { status, said } = machine.boot();
			assert.equal(status, 0, said);
			const uuid = "aabbccdd-0000-0000-0000-000000000001";
			assert.deepEqual(machine.log, [
				"web-258 web-258",
				"x-77 serial 77 web-077 02-own 1",
				`52:54:00:00:01:02/${uuid} mac 1/uuid it's "$HOME" \\ and ${uuid}`,
			]);
			const report = machine.report();
			assert.equal(report.status, "running");
			assert.equal(report.id, `52:54:00:00:01:02/${uuid}`);
			assert.equal(report.identifier, "mac 1/uuid");
			assert.equal(report.instance, 258);
			assert.deepEqual(report.parameters, { name: "web-258", "odd-one": `it's "$HOME" \\ and ${uuid}` });
			assert.deepEqual(
				report.scripts.map(({ name, state, exitCode }) => [name, state, exitCode]),
				[
					["hostname", "done", 0],
					["own", "done", 0],
					["all", "done", 0],
				],
			);
		});

		it("runs nothing on the machine that the image is of", async () => {
			const notOn = { "mac 0": "52:54:00:10:00:05", uuid: "99999999-4455-6677-8899-aabbccddeeff" };
			await machine.install({ parameters: { name: "x" }, scripts: [named], notOn });
			const { status } = machine.boot();
			assert.equal(status, 0);
			assert.deepEqual(machine.log, []);
			assert.equal(machine.report().status, "source");
			assert.deepEqual(readdirSync(machine.path("var/lib/clones-init/ids")), []);
			machine.hardware({ macs: ["52:54:00:10:00:06"] });
			machine.starts();
			machine.boot();
			assert.deepEqual(machine.log, ["x x"]);
		});

		it("runs each script in its stage, and of a stage in their order", async () => {
			await machine.install({
				scripts: [
					{ kind: "cleanup", name: "last", content: logs("last") },
					{ kind: "customize", name: "beside", content: logs("beside"), after: "first" },
					{ kind: "customize", name: "then", content: logs("then") },
					{ kind: "init", name: "first", content: logs("first") },
					{ kind: "init", name: "second", content: logs("second") },
					{ kind: "init", name: "early", content: logs("early"), stage: "early" },
				],
			});
			machine.boot("early");
			assert.deepEqual(machine.log, ["early"]);
			machine.boot("network");
			machine.boot("late");
			assert.deepEqual(machine.log, ["early", "first", "beside", "second", "then", "last"]);
		});

		it("stops after one that fails, cleans up, and says how it was", async () => {
			await machine.install({
				scripts: [
					{
						kind: "init",
						name: "bad",
						content: `#!/bin/sh\nhead -c 9000 /dev/zero | tr '\\0' x\necho; echo no goods >&2; exit 3\n`,
					},
					{ kind: "customize", name: "never", content: logs("never") },
					{ kind: "cleanup", name: "clean", content: logs("clean") },
				],
			});
			const { status, said } = machine.boot();
			assert.equal(status, 1);
			assert.match(said, /01-bad failed: it ended with exit code 3/);
			assert.deepEqual(machine.log, ["clean"]);
			const [bad, never, clean] = machine.report().scripts;
			assert.equal(bad?.state, "failed");
			assert.equal(bad?.exitCode, 3);
			assert.equal(bad?.reason, "ended with exit code 3");
			assert.equal(bad?.output.length, 4096);
			assert.match(bad?.output ?? "", /x\nno goods\n$/);
			assert.equal(never?.state, "pending");
			assert.equal(clean?.state, "done");
			machine.starts();
			machine.boot();
			assert.deepEqual(machine.log, ["clean"], "a failed script is not begun again by itself");
		});

		it("ends a script that takes too long, with all that it has started", async () => {
			// The tool of most systems ends a whole group by itself, busybox' does not.
			if (shell === "dash") machine.write("usr/bin/timeout", readFileSync("/usr/bin/timeout"), 0o755);
			const content = logs("begun", `sh -c 'sleep 2; echo late >> "$CLONES_INIT_ROOT/log"' &\nsleep 20\n`);
			await machine.install({ scripts: [{ kind: "init", name: "slow", content, timeoutSeconds: 1 }] });
			machine.boot();
			assert.equal(machine.script("slow").reason, "was ended after 1 seconds, its time limit");
			await new Promise((resolve) => setTimeout(resolve, 1300));
			assert.deepEqual(machine.log, ["begun"]);
		});

		it("tells when there is no such interpreter", async () => {
			await machine.install({ scripts: [{ kind: "init", name: "odd", content: "#!/no/such/program\n" }] });
			machine.boot();
			const { state, output } = machine.script("odd");
			assert.equal(state, "failed");
			assert.match(output, /script/);
		});

		it("skips what is for other machines, and says why", async () => {
			machine.write("etc/os-release", 'NAME=x\nID="debian"\n');
			machine.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
			const only = (name: string, onlyOn: object) => ({ kind: "init" as const, name, content: logs(name), onlyOn });
			await machine.install({
				scripts: [
					only("linux", { os: "linux", hypervisor: "qemu", firmware: "bios" }),
					only("debian", { os: "debian" }),
					only("this", { instanceIds: { from: 5, to: 5 } }),
					only("others", { instanceIds: { from: 6 } }),
					only("former", { instanceIds: { from: 0, to: 4 } }),
					only("windows", { os: "windows" }),
					only("arch", { arch: "mips" }),
					only("vmware", { hypervisor: "vmware" }),
					only("uefi", { firmware: "uefi" }),
				],
			});
			machine.boot();
			assert.deepEqual(machine.log, ["linux", "debian", "this"]);
			assert.equal(machine.script("others").reason, "it is for the instances 6 to 65535, and this is 5");
			assert.equal(machine.script("former").reason, "it is for the instances 0 to 4, and this is 5");
			assert.equal(machine.script("windows").reason, "it is for windows, and this is debian");
			assert.match(machine.script("arch").reason ?? "", /^it is for mips, and this is /);
			assert.equal(machine.script("vmware").reason, "it is for vmware, and this is qemu");
			assert.equal(machine.script("uefi").reason, "it is for uefi, and this is bios");
		});

		it("tells a machine without the id, and one that no parameter is for", async () => {
			await machine.install({ identifier: ["serial"], scripts: [named], parameters: { name: "x" } });
			assert.equal(machine.boot().status, 1);
			assert.equal(machine.report().problem, "this machine has no serial, which it was to be told by");
			await machine.install({ scripts: [named], parameters: { name: { table: { "7": "seven" } } } });
			machine.starts();
			assert.equal(machine.boot().status, 1);
			const { status, problem } = machine.report();
			assert.equal(status, "problem");
			assert.match(problem ?? "", /^parameter name got /);
			assert.deepEqual(machine.log, []);
		});

		it("carries on with what was broken off, and gives up after three times", async () => {
			// The machine stops in the middle of it.
			const content = logs("run $CLONE_RUN", 'kill -9 $(cat "$CLONES_INIT_ROOT/run/clones-init/lock-boot.1")\n');
			await machine.install({
				scripts: [
					{ kind: "init", name: "before", content: logs("before") },
					{ kind: "init", name: "stops", content },
				],
			});
			for (const state of ["running", "running", "running", "failed"]) {
				machine.boot();
				assert.equal(machine.script("stops").state, state);
				machine.starts();
				machine.write("run/clones-init/hash", machine.read("var/lib/clones-init/current"));
			}
			assert.deepEqual(machine.log, ["before", "run 1", "run 2", "run 3"]);
		});

		it("keeps no output of a script with secrets", async () => {
			const content = "#!/bin/sh\necho the-secret\nexit 1\n";
			await machine.install({ scripts: [{ kind: "init", name: "quiet", content, secret: true }] });
			const { said } = machine.boot();
			assert.doesNotMatch(said, /the-secret/);
			assert.equal(machine.script("quiet").output, "");
			assert.equal(machine.script("quiet").state, "failed");
		});
	});
}
