import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { logs, Machine, type Shell } from "./world";

const RUN = '"$CLONES_INIT_ROOT/usr/lib/clones-init/run"';

for (const shell of ["dash", "busybox"] satisfies Shell[]) {
	describe(`the end of the scripts, in ${shell}`, () => {
		let machine: Machine;
		beforeEach(() => {
			machine = new Machine(shell);
			machine.write("etc/inittab", "::sysinit:/etc/rc\n");
			machine.write("etc/init.d/.depend.boot", "networking: mountall.sh\n");
			// An OpenRC that reads sysvinit's scripts.
			machine.write("lib/rc/bin/lsb2rcconf", "");
		});
		afterEach(() => machine.remove());

		const secret = "correct-horse-battery-staple";
		const scripts = [
			{ kind: "init" as const, name: "password", content: logs("password", `: ${secret}\n`) },
			{ kind: "customize" as const, name: "later", content: logs("later"), when: { dailyAt: "03:00" } },
		];
		const found = (text: string) =>
			spawnSync("grep", [
				"-rl",
				text,
				machine.path("usr"),
				machine.path("var"),
				machine.path("etc"),
				machine.path("run"),
			]).stdout.toString();

		it("is that nothing of them is left, but for what has become of them", async () => {
			const cleanup = { kind: "cleanup" as const, name: "clean", content: `#!/bin/sh\nexec ${RUN} remove\n` };
			await machine.install({ parameters: { token: secret }, scripts: [...scripts, cleanup] });
			// A second name for the same content shows that it was overwritten.
			const script = machine.path("usr/lib/clones-init/plan/scripts/01-password/script");
			spawnSync("ln", [script, machine.path("copy")]);
			assert.notEqual(found(secret), "");
			assert.equal(readdirSync(machine.path("etc/runlevels/sysinit")).length, 1);
			const { said } = machine.boot();
			assert.match(said, /03-clean is done/);
			assert.match(machine.read("copy"), /^\0+$/);
			assert.equal(found(secret), "");
			assert.equal(existsSync(machine.path("usr/lib/clones-init/plan")), false);
			assert.deepEqual(
				readdirSync(machine.path("etc/systemd/system")).filter((name) => name.startsWith("clones")),
				[],
			);
			assert.deepEqual(readdirSync(machine.path("etc/systemd/system/multi-user.target.wants")), []);
			assert.equal(machine.read("etc/inittab"), "::sysinit:/etc/rc\n");
			assert.deepEqual(readdirSync(machine.path("etc/init.d")), [".depend.boot"]);
			assert.equal(machine.read("etc/init.d/.depend.boot"), "networking: mountall.sh\n");
			assert.deepEqual(readdirSync(machine.path("etc/rcS.d")), []);
			assert.deepEqual(readdirSync(machine.path("etc/runlevels/sysinit")), []);
			const { status, scripts: left, version } = machine.report();
			assert.equal(status, "left");
			assert.match(version, /^[0-9a-f]{64}$/);
			assert.deepEqual(
				left.map(({ name, state, reason }) => [name, state, reason]),
				[
					["password", "done", undefined],
					["later", "skipped", "removed before its time"],
					["clean", "done", undefined],
				],
			);
			machine.starts();
			assert.equal(machine.boot().status, 0);
			assert.deepEqual(machine.log, ["password"]);
			assert.equal(machine.report().status, "left");
		});

		it("comes by itself when all have ended well, and not before", async () => {
			const one = scripts.slice(0, 1);
			const bad = { kind: "customize" as const, name: "bad", content: "#!/bin/sh\ntest -e $CLONES_INIT_ROOT/fixed\n" };
			await machine.install({ scripts: [...one, bad], afterwards: "remove" });
			machine.boot();
			assert.equal(machine.report().status, "running");
			await machine.install({ scripts: one, afterwards: "remove" });
			machine.starts();
			machine.boot();
			assert.equal(machine.report().status, "left");
			assert.equal(found(secret), "");
		});

		it("is that they stay and do not run any more", async () => {
			await machine.install({ scripts, policy: { reboot: "rerun" } });
			machine.boot();
			assert.equal(machine.run(["disable"]).status, 0);
			machine.starts();
			machine.boot();
			assert.deepEqual(machine.log, ["password"]);
			assert.equal(machine.report().status, "disabled");
			assert.notEqual(found(secret), "");
		});

		it("is that they lie in another folder", async () => {
			await machine.install({ scripts });
			machine.boot();
			assert.match(machine.run(["move", "etc"]).said, /got "etc"; allowed is the absolute path/);
			assert.match(machine.run(["move", "/etc"]).said, /\/etc is there already/);
			assert.equal(machine.run(["move", "/root/kept/scripts"]).status, 0);
			assert.match(machine.read("root/kept/scripts/scripts/01-password/script"), new RegExp(secret));
			assert.equal(machine.read("etc/inittab"), "::sysinit:/etc/rc\n");
			machine.starts();
			machine.boot();
			assert.deepEqual(machine.log, ["password"]);
			assert.equal(machine.script("later").reason, "moved to /root/kept/scripts before its time");
		});
	});
}
