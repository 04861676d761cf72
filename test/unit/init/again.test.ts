import assert from "node:assert/strict";
import { logs, Machine, type Shell } from "./world";

for (const shell of ["dash", "busybox"] satisfies Shell[]) {
	describe(`scripts that ran before, in ${shell}`, () => {
		let machine: Machine;
		beforeEach(() => {
			machine = new Machine(shell);
		});
		afterEach(() => machine.remove());

		const scripts = [
			{ kind: "init" as const, name: "init", content: logs("init") },
			{ kind: "init" as const, name: "always", content: logs("always"), when: { everyBoot: true } },
			{ kind: "customize" as const, name: "customize", content: logs("customize") },
		];
		const all = ["init", "always", "customize"];
		/** What runs at the next boot, as another machine where a MAC is given. */
		const next = (mac?: string) => {
			if (mac) machine.hardware({ macs: [mac] });
			machine.write("log", "");
			machine.starts();
			const { status, said } = machine.boot();
			assert.equal(status, 0, said);
			return machine.log;
		};

		it("stay as they are at the next boot, and run again on a clone of the clone", async () => {
			await machine.install({ scripts });
			assert.deepEqual(next(), all);
			assert.deepEqual(next(), ["always"]);
			assert.deepEqual(next("52:54:00:00:00:99"), all);
			assert.deepEqual(next(), ["always"]);
		});

		it("run again at each boot, all or those that set up parameters, as the policy says", async () => {
			await machine.install({ scripts, policy: { reboot: "rerun" } });
			assert.deepEqual(next(), all);
			assert.deepEqual(next(), all);
			machine.boot();
			assert.deepEqual(machine.log, all, "not twice in the same boot");
			await machine.install({ scripts, policy: { reboot: "parametersOnly", changed: "keep" } });
			assert.deepEqual(next(), ["init", "always"]);
		});

		it("are the parent's on a clone of the clone, where the policy says so", async () => {
			await machine.install({ scripts, policy: { reclone: "keep" } });
			assert.deepEqual(next(), all);
			assert.deepEqual(next("52:54:00:00:00:99"), ["always"]);
			await machine.install({ scripts, policy: { reclone: "parametersOnly", changed: "keep" } });
			assert.deepEqual(next("52:54:00:00:00:77"), ["init", "always"]);
		});

		it("run again when they are others now, as the policy says", async () => {
			await machine.install({ scripts });
			next();
			const changed = scripts.map((script) =>
				script.name === "always" ? script : { ...script, content: logs(`new ${script.name}`) },
			);
			await machine.install({ scripts: [...changed, { kind: "customize", name: "more", content: logs("more") }] });
			assert.deepEqual(next(), ["new init", "always", "new customize", "more"]);
			await machine.install({ scripts, policy: { changed: "keep" } });
			assert.deepEqual(next(), ["always"]);
			const newest = changed.map((script) => ({ ...script, content: script.content.replace("new", "newest") }));
			await machine.install({ scripts: newest, policy: { changed: "parametersOnly" } });
			assert.deepEqual(next(), ["newest init", "always"]);
		});

		it("run at once on a machine that is another one without a boot", async () => {
			const notOn = { uuid: "00112233-4455-6677-8899-aabbccddeeff" };
			await machine.install({ scripts, notOn });
			assert.deepEqual(next(), []);
			assert.equal(machine.report().status, "source");
			machine.write("sys/class/net/eth9/address", "52:54:00:00:00:99\n");
			machine.run(["fork"]);
			assert.deepEqual(machine.log, all);
			assert.equal(machine.report().id, "52:54:00:00:00:99");
		});

		it("go by what such a machine is told of its hardware, until it sees that itself", async () => {
			const every = { kind: "init" as const, name: "every", content: logs("$CLONE_ID"), when: { everyBoot: true } };
			const later = { ...every, name: "later", stage: "early" as const, content: logs("early $CLONE_NAME") };
			const parameters = { name: 'n{instance}-{id("uuid")}' };
			await machine.install({ scripts: [later, every], parameters });
			const uuid = "00000000-0000-4000-8000-000000000099";
			machine.write("run/clones-init-told", `id mac 0 52:54:00:00:00:99\nid uuid ${uuid}\n`);
			machine.run(["fork", "early"]);
			assert.deepEqual(machine.log, [`early n153-${uuid}`]);
			machine.boot("network", "late");
			assert.deepEqual(machine.log.slice(1), ["52:54:00:00:00:99"]);
			assert.equal(machine.report().id, "52:54:00:00:00:99");
			// Other scripts in the same boot.
			await machine.install({ scripts: [later, { ...every, content: logs("other $CLONE_ID") }], parameters });
			machine.boot();
			assert.deepEqual(machine.log.slice(2), ["other 52:54:00:00:00:99"]);
			machine.hardware({ macs: ["52:54:00:00:00:98"], uuid: "00112233-4455-6677-8899-aabbccddeeff" });
			assert.deepEqual(next(), ["early n152-00112233-4455-6677-8899-aabbccddeeff", "other 52:54:00:00:00:98"]);
		});
	});
}
