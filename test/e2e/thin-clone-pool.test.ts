import assert from "node:assert/strict";
import type { CloneInstance } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/thin-clone-pool", function () {
	this.timeout(400_000);
	let bench: Bench;
	let machines: Map<string, CloneInstance>;
	/** Path of the first gold image. */
	let former: string;

	const read = async () => {
		const outputs = await bench.project.outputs<{ machines: CloneInstance[] }>();
		machines = new Map(outputs.machines.map((machine) => [machine.name, machine]));
	};

	before(async () => {
		bench = await startBench({ program: "examples/thin-clone-pool", config: { workers: "1" } });
	});
	after(() => bench?.stop());

	it("previews, makes the machines, and shows no change afterwards", async () => {
		const { changes } = await bench.project.preview();
		const made = await bench.project.up();
		assert.equal(made.changes.create, changes.create);
		await bench.project.preview(["--expect-no-changes"]);
		await read();
		assert.deepEqual([...machines.keys()].sort(), ["role-cache", "role-database", "worker-0"]);
	});

	it("customises through the guest agent", async () => {
		assert.equal(await inGuest(bench.host, "worker-0", "hostname"), "worker-0");
		assert.equal(await inGuest(bench.host, "worker-0", "cat /etc/worker.conf"), "index=0");
		assert.match(await inGuest(bench.host, "worker-0", "cat /sys/block/vdb/serial"), /^scratch/);
	});

	it("lets named machines differ", async () => {
		assert.equal(await bench.host.virsh("domstate", "role-cache"), "shut off");
		assert.match(await bench.host.virsh("dominfo", "role-database"), /Max memory: +196608 KiB/);
	});

	it("grows", async () => {
		await bench.project.setConfig("workers", "2");
		const { changes } = await bench.project.up();
		assert.deepEqual([changes.create, changes.update, changes.replace], [3, undefined, undefined]);
		assert.equal(await inGuest(bench.host, "worker-1", "hostname"), "worker-1");
	});

	it("is refreshed onto a new gold image one machine after the other, and keeps those that are told to stay", async () => {
		await read();
		const before = machines;
		former = before.get("role-database")!.lineage!.base;
		// The same guest in other bytes: a new cluster at the end makes another image of it.
		const next = `${bench.poolPath}/../next.qcow2`;
		await bench.host.exec("sh", [
			"-c",
			'cp "$1" "$2" && qemu-io -c "write -P 1 60M 64k" "$2"',
			"sh",
			(await goldOf()).image,
			next,
		]);
		await bench.project.setConfig("image", next);
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /worker-0/);
		await bench.project.up();
		await read();
		for (const name of ["worker-0", "worker-1"]) {
			assert.notEqual(machines.get(name)!.lineage!.baseContentId, before.get(name)!.lineage!.baseContentId);
			assert.deepEqual(machines.get(name)!.macs, before.get(name)!.macs);
			assert.equal(await inGuest(bench.host, name, "hostname"), name);
		}
		assert.deepEqual(machines.get("role-database"), before.get("role-database"));
	});

	it("destroys, and leaves nothing but the former gold image, which it names", async () => {
		const { stdout } = await bench.project.destroy();
		const left = await leftOn(bench);
		assert.equal(left.length, 1, String(left));
		assert.equal(`${bench.poolPath}/${left[0]}`, former);
		assert.match(stdout, new RegExp(`left in place: volume ${former}`));
	});

	async function goldOf(): Promise<{ image: string }> {
		return { image: (await bench.project.must(["config", "get", "image"])).stdout.trim() };
	}
});
