import * as assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { InitInstance } from "../../index";
import { inject } from "../../provider/init/inject/guestfs";
import { NOTHING } from "../../provider/init/inject/placed";
import { type Bench, inGuest, leftOn, startBench } from "../e2e/hosts";
import { withLibguestfs } from "../host/inject-lab";
import { run } from "../host/volume-lab";

describe("scripts in the source itself, which is a volume", function () {
	this.timeout(300_000);
	withLibguestfs();
	let bench: Bench;

	/** Whether the source has scripts; it is not changed. */
	async function hasScripts(): Promise<boolean> {
		const { source } = await bench.project.outputs<{ source: string }>();
		const overlay = join(bench.host.directory, "look.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", source, "-F", "qcow2", overlay]);
		try {
			return (await inject({ path: overlay, format: "qcow2" }, NOTHING, { kvm: false, log: () => {} })).changed;
		} finally {
			await rm(overlay);
		}
	}

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/init-source", config: { clones: "0" } });
		await bench.project.up();
		assert.equal(await hasScripts(), false);
	});
	after(() => bench?.stop());

	it("are written into its file, and its clones run them", async () => {
		await bench.project.setConfig("clones", "1");
		const { stdout } = await bench.project.preview(["--diff"]);
		assert.match(stdout, /files are put into \S+ itself by libguestfs/);
		await bench.project.up();
		assert.equal(await hasScripts(), true);
		const { machines } = await bench.project.outputs<{ machines: InitInstance[] }>();
		assert.deepEqual(
			machines[0]!.scripts.map(({ state }) => state),
			["done"],
		);
		assert.equal(await inGuest(bench.host, "web-0", "hostname"), "web-01");
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("stay as they are while clones stand on it", async () => {
		await bench.project.edit("index.ts", "web-{instance + 1:02}", "node-{instance + 1:02}");
		const { code, stdout } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /the volume \S+ cannot be given scripts: .*volume \S*web-image\S* \(an overlay on it\)/);
		await bench.project.edit("index.ts", "node-{instance + 1:02}", "web-{instance + 1:02}");
		await bench.project.up();
		assert.equal(await inGuest(bench.host, "web-0", "hostname"), "web-01");
	});

	it("are taken out of it with the component", async () => {
		await bench.project.setConfig("clones", "0");
		const { stdout } = await bench.project.up();
		assert.equal(await hasScripts(), false, stdout);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
