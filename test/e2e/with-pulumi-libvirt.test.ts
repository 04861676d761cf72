import assert from "node:assert/strict";
import type { CloneInstance } from "../../index";
import { linkPulumiLibvirt } from "../../tools/bridge";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/with-pulumi-libvirt", function () {
	this.timeout(300_000);
	let bench: Bench;
	let machines: CloneInstance[];

	before(async () => {
		bench = await startBench({ program: "examples/with-pulumi-libvirt", config: { machines: "1" } });
		await bench.project.setConfig("libvirt:uri", bench.host.uri);
		await linkPulumiLibvirt(bench.project);
	});
	after(() => bench?.stop());

	it("previews each machine and touches nothing", async () => {
		const { changes, stdout } = await bench.project.preview();
		assert.deepEqual(await leftOn(bench), []);
		assert.equal(changes.create, 8, stdout);
	});

	it("makes clones of a base, in a pool and on a network of theirs", async () => {
		await bench.project.up();
		({ machines } = await bench.project.outputs<{ machines: CloneInstance[] }>());
		assert.equal(await inGuest(bench.host, machines[0]!.name, "hostname"), "web-0");
	});

	it("shows no change afterwards", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
