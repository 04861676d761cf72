import assert from "node:assert/strict";
import type { InitInstance } from "../../index";
import { ensureAppliance } from "../../tools/images/appliance";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/init-scripts", function () {
	this.timeout(400_000);
	let bench: Bench;

	const machines = async () => (await bench.project.outputs<{ machines: InitInstance[] }>()).machines;
	const inside = (name: string, command: string) => inGuest(bench.host, name, command);

	before(async () => {
		const env = { LIBGUESTFS_PATH: await ensureAppliance() };
		bench = await startBench({ program: "examples/init-scripts", config: { nodes: "2" }, env });
	});
	after(() => bench?.stop());

	it("previews what the machines will compute, makes them, and shows no change afterwards", async () => {
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /parameters *: \{\s+address *: "192\.168\.158\.11\/24"\s+hostname *: "node-02"/);
		await bench.project.up();
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("has each machine compute its own name and address from its hardware, and run the scripts with them", async () => {
		const made = await machines();
		assert.deepEqual(
			made.map(({ name, instanceId, parameters }) => [name, instanceId, parameters]),
			[
				["node-0", 0, { hostname: "node-01", address: "192.168.158.10/24", role: "leader" }],
				["node-1", 1, { hostname: "node-02", address: "192.168.158.11/24", role: "worker" }],
			],
		);
		for (const { name, parameters, scripts } of made) {
			assert.deepEqual(
				scripts.map((script) => `${script.name} ${script.state}`),
				["hostname done", "static-address done", "role done"],
			);
			assert.equal(await inside(name, "hostname"), parameters.hostname);
			assert.match(await inside(name, "ip -o -4 addr"), new RegExp(` ${parameters.address!.replaceAll(".", "\\.")} `));
			assert.equal(await inside(name, "cat /etc/role"), `${parameters.hostname} is a ${parameters.role}`);
		}
	});

	it("makes one more without touching the image and the others", async () => {
		const [first] = await machines();
		await bench.project.setConfig("nodes", "3");
		const { changes } = await bench.project.up();
		assert.deepEqual([changes.create, changes.update, changes.replace], [2, undefined, undefined]);
		const made = await machines();
		assert.deepEqual(made[0], first);
		assert.equal(await inside("node-2", "hostname"), "node-03");
	});

	it("keeps machines as they are when a script changes, and makes new ones with it", async () => {
		await bench.project.edit("index.ts", "is a $CLONE_ROLE", "is the $CLONE_ROLE");
		await bench.project.setConfig("nodes", "4");
		const { changes } = await bench.project.up();
		// The image alone.
		assert.deepEqual([changes.create, changes.update, changes.replace], [2, undefined, 1]);
		assert.equal(await inside("node-0", "cat /etc/role"), "node-01 is a leader");
		assert.equal(await inside("node-3", "cat /etc/role"), "node-04 is the worker");
	});

	it("brings machines up to date by their agent, where that is asked for", async () => {
		await bench.project.edit("index.ts", "count: config", 'onScriptChange: "rerun",\n\tcount: config');
		await bench.project.up();
		assert.equal(await inside("node-0", "cat /etc/role"), "node-01 is the leader");
		const booted = await inside("node-0", "cut -d. -f1 /proc/uptime");
		await bench.project.edit("index.ts", "is the $CLONE_ROLE", "is our $CLONE_ROLE");
		const { changes } = await bench.project.up();
		assert.equal(changes.update, 4);
		for (const [name, text] of [
			["node-0", "node-01 is our leader"],
			["node-3", "node-04 is our worker"],
		] as const) {
			assert.equal(await inside(name, "cat /etc/role"), text);
		}
		assert.ok(Number(await inside("node-0", "cut -d. -f1 /proc/uptime")) > Number(booted), "it was restarted");
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("brings machines up to date by their init scripts alone, where that is asked for", async () => {
		await bench.project.edit("index.ts", '"rerun"', '"parametersOnly"');
		await bench.project.edit("index.ts", 'hostname: "node-{', 'hostname: "unit-{');
		await bench.project.edit("index.ts", "is our $CLONE_ROLE", "is any $CLONE_ROLE");
		const booted = await inside("node-0", "cat /proc/sys/kernel/random/boot_id");
		await bench.project.up();
		for (const [name, number, role] of [
			["node-0", "01", "leader"],
			["node-3", "04", "worker"],
		] as const) {
			assert.equal(await inside(name, "hostname"), `unit-${number}`);
			// That script is of kind customize.
			assert.equal(await inside(name, "cat /etc/role"), `node-${number} is our ${role}`);
		}
		assert.equal(await inside("node-0", "cat /proc/sys/kernel/random/boot_id"), booted);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("fails with what a script said, and goes on when it is mended", async () => {
		await bench.project.edit("index.ts", "set -eu\\necho", "set -eu\\necho cannot go on >&2\\nexit 3\\necho");
		await bench.project.setConfig("nodes", "5");
		const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(failed.code, 0);
		assert.match(failed.stdout, /role of node-4 ended with exit code 3; it said: cannot go on/);
	});

	it("destroys, and leaves nothing but the images of former scripts, which it names", async () => {
		const { stdout } = await bench.project.destroy();
		const left = await leftOn(bench);
		assert.ok(left.length > 0);
		for (const name of left) {
			assert.match(name, /^(gold|node-image)-/);
			assert.match(stdout, new RegExp(`left in place: .*${name}`));
		}
	});
});
