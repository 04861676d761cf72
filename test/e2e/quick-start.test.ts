import assert from "node:assert/strict";
import type { CloneInstance } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("the quick start", function () {
	this.timeout(300_000);
	let bench: Bench;
	let machines: CloneInstance[];

	before(async () => {
		bench = await startBench({
			program: ".",
			files: ["Pulumi.yaml", "examples/quick-start"],
			config: { machines: "2" },
		});
	});
	after(() => bench?.stop());

	it("previews each machine and touches nothing", async () => {
		const { changes, stdout } = await bench.project.preview();
		// Stack, guard, pool, network, gold image, component; and a disk, a seed and a domain for each machine.
		assert.equal(changes.create, 12, stdout);
		assert.deepEqual(await leftOn(bench), []);
	});

	it("makes machines that can be reached at the addresses it tells", async () => {
		await bench.project.up();
		({ machines } = await bench.project.outputs<{ machines: CloneInstance[] }>());
		assert.deepEqual(
			machines.map(({ name }) => name),
			["web-0", "web-1"],
		);
		for (const { name, uuid, macs, addresses, timings } of machines) {
			assert.equal(await bench.host.virsh("domuuid", name), uuid);
			assert.match(addresses[0]!, /^192\.168\.150\.\d+$/);
			await bench.host.ping(addresses[0]!);
			assert.equal(await inGuest(bench.host, name, "hostname"), name);
			assert.equal(await inGuest(bench.host, name, "cat /sys/class/net/eth0/address"), macs[0]);
			assert.ok(timings.firstGuestActionMs! > timings.defineMs);
		}
	});

	it("copies no data: the clones are overlays of the gold image", async () => {
		for (const { volumePath, lineage } of machines) {
			const info = JSON.parse(
				(await bench.host.exec("qemu-img", ["info", "-U", "--output=json", volumePath])).stdout,
			) as Record<string, unknown>;
			assert.equal(info["backing-filename"], lineage!.base);
			assert.match(lineage!.baseContentId, /^sha256:[0-9a-f]{64}$/);
		}
	});

	it("lets the engine know the line of the program that made each resource", async () => {
		const { resources = [] } = (await bench.project.state()).deployment;
		const ours = resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/clones:"));
		assert.equal(ours.length, 10);
		for (const { urn, sourcePosition } of ours)
			assert.match(sourcePosition!, /^project:\/\/\/examples\/quick-start\/index\.ts#\d+,\d+$/, urn);
	});

	it("shows no change in a second preview, nor after a refresh", async () => {
		const { changes, stdout } = await bench.project.preview(["--expect-no-changes"]);
		assert.equal(changes.same, 12, stdout);
		const refreshed = await bench.project.refresh(["--expect-no-changes"]);
		assert.equal(refreshed.changes.same, 12, refreshed.stdout);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("grows by the difference alone", async () => {
		await bench.project.setConfig("machines", "3");
		const { changes } = await bench.project.up();
		assert.deepEqual([changes.create, changes.same], [3, 12]);
		const after = await bench.project.outputs<{ machines: CloneInstance[] }>();
		assert.deepEqual(after.machines.slice(0, 2), machines);
	});

	it("finds a machine that was deleted and one that was switched off behind its back", async () => {
		await bench.host.virsh("destroy", "web-0");
		await bench.host.virsh("destroy", "web-2");
		await bench.host.virsh("undefine", "web-2");
		const refreshed = await bench.project.refresh();
		assert.deepEqual([refreshed.changes.update, refreshed.changes.delete], [1, 1], refreshed.stdout);
		const { changes } = await bench.project.up();
		assert.deepEqual([changes.create, changes.update], [1, 1]);
		assert.equal(await bench.host.virsh("domstate", "web-0"), "running");
		assert.equal(await bench.host.virsh("domstate", "web-2"), "running");
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("shrinks by the difference alone", async () => {
		await bench.project.setConfig("machines", "1");
		const { changes } = await bench.project.up();
		assert.deepEqual([changes.delete, changes.same], [6, 9]);
		assert.equal(await bench.host.virsh("domuuid", "web-0"), machines[0]!.uuid);
	});

	it("does not let the gold image go while a clone depends on it", async () => {
		const { code, stdout } = await bench.project.run(["destroy", "--yes", "--skip-preview", "--target", "**gold"]);
		assert.notEqual(code, 0, stdout);
		assert.equal((await leftOn(bench)).filter((name) => name.startsWith("gold-")).length, 1);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
