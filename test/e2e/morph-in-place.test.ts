import assert from "node:assert/strict";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const MACHINES = ["web-0", "web-1"];

describe("examples/morph-in-place", function () {
	this.timeout(400_000);
	let bench: Bench;
	let booted: string[];

	before(async () => {
		bench = await startBench({ program: "examples/morph-in-place" });
	});
	after(() => bench?.stop());

	const inEach = (command: string) => Promise.all(MACHINES.map((name) => inGuest(bench.host, name, command)));
	const bootIds = () => inEach("cat /proc/sys/kernel/random/boot_id");

	it("makes machines with room to grow", async () => {
		await bench.project.up();
		assert.deepEqual(await inEach("nproc"), ["1", "1"]);
		booted = await bootIds();
		const { stdout } = await bench.project.commandLine("morph", "options", ...MACHINES, "--uri", bench.host.uri);
		assert.match(stdout, /^nano +1 +512 +live$/m);
		assert.match(stdout, /^micro +1 +1024 +live$/m);
		assert.match(stdout, /^small +1 +2048 +reboot +web-0: 2048 MiB are beyond/m);
	});

	it("shows every step of another instance type before, and takes it while they run", async () => {
		await bench.project.setConfig("instanceType", "web-large");
		const { stdout, changes } = await bench.project.preview();
		assert.equal(changes.update, 2);
		assert.match(stdout, /instanceType: live: 1 vCPU\(s\) and 192 MiB to 2 vCPU\(s\) and 320 MiB/);
		const steps = [
			"live, in 4 step\\(s\\)",
			"1\\. preMigration: run /bin/sh",
			"2\\. hotPlug: 192 to 320 MiB: virtio-mem",
		];
		const last = ["3\\. hotPlug: 1 to 2 vCPUs", "4\\. postMigration: run /bin/sh"];
		assert.match(stdout, new RegExp(`morph: ${[...steps, ...last].join(".*")}`, "s"));
		await bench.project.up();
		assert.deepEqual(await inEach("nproc; cat /run/web.state"), ["2\ndraining\nserving", "2\ndraining\nserving"]);
		assert.deepEqual(await bootIds(), booted);
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("refuses a wrong template before it touches anything, naming the step and what is allowed", async () => {
		await bench.project.edit("drain.yaml", "postMigration:", "afterwards:");
		const { code, stdout } = await bench.project.run(["preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /template drain\.yaml: afterwards: there is no such property/);
		const checked = await bench.project.commandLine("morph", "check", "drain.yaml");
		assert.notEqual(checked.code, 0);
		assert.match(checked.stderr, /template drain\.yaml: afterwards/);
		await bench.project.edit("drain.yaml", "afterwards:", "postMigration:");
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
