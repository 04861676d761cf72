import assert from "node:assert/strict";
import type { InitInstance } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("clones with scripts of a machine that runs", function () {
	this.timeout(300_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/init-machine" });
		await bench.project.up();
		await inGuest(bench.host, "origin", "echo grown here > /etc/grown; hostname origin");
		await bench.project.setConfig("clones", "2");
	});
	after(() => bench?.stop());

	it("are previewed with what becomes of it", async () => {
		const { stdout } = await bench.project.preview(["--diff"]);
		assert.match(stdout, /origin runs: its disk's own file is copied, for which it stands still/);
		assert.match(stdout, /origin is shut down once all clones are up/);
	});

	it("have what it had by then, are who they compute, and take its place", async () => {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: InitInstance[] }>();
		assert.deepEqual(
			machines.map(({ name, parameters, scripts }) => [name, parameters.hostname, scripts[0]?.state]),
			[
				["web-0", "web-01", "done"],
				["web-1", "web-02", "done"],
			],
		);
		assert.equal(await inGuest(bench.host, "web-1", "cat /etc/grown; hostname"), "grown here\nweb-02");
		assert.equal(await bench.host.virsh("domstate", "origin"), "shut off");
	});

	it("leave it off from then on", async () => {
		await bench.project.setConfig("running", "false");
		await bench.project.up();
		await bench.project.preview(["--expect-no-changes"]);
		assert.equal(await bench.host.virsh("domstate", "origin"), "shut off");
	});

	it("are made of it while it is off, for which the preview says that it is started", async () => {
		await bench.project.setConfig("later", "true");
		const { stdout } = await bench.project.preview(["--diff"]);
		assert.match(stdout, /origin is started for its scripts, and is off again afterwards/);
		await bench.project.up();
		const { fromOff } = await bench.project.outputs<{ fromOff: InitInstance[] }>();
		assert.deepEqual(
			fromOff.map(({ name, scripts }) => [name, scripts[0]?.state]),
			[["later-0", "done"]],
		);
		assert.equal(await inGuest(bench.host, "later-0", "cat /etc/grown; hostname"), "grown here\nlater");
		assert.equal(await bench.host.virsh("domstate", "origin"), "shut off");
	});

	it("leave nothing themselves", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
