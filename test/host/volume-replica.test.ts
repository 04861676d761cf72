import * as assert from "node:assert/strict";
import { copyFile, mkdir, readdir, stat, truncate } from "node:fs/promises";
import { stackTag } from "../../provider/owner";
import { fileSha256 } from "../../provider/volume/file-hash";
import { planLines } from "../../provider/volume/plan";
import { ensureImage } from "../../tools/images";
import { imageInfo, run, temporaryFiles, VolumeLab, type VolumeState } from "./volume-lab";

const MIB = 2 ** 20;

describe("a volume that holds what one on another host holds", function () {
	this.timeout(120_000);
	const temporary = temporaryFiles();
	let here: VolumeLab;
	let there: VolumeLab;
	let image: VolumeState;

	before(async () => {
		[here, there] = [await VolumeLab.start(), await VolumeLab.start()];
		for (const lab of [here, there]) {
			await mkdir(lab.path("pool"));
			await copyFile((await ensureImage("micro")).disk, lab.path("pool", "gold.qcow2"));
			await lab.pool("pool");
		}
		image = await here.volume("image.qcow2", { base: "gold.qcow2" });
		// As scripts would: something is written into it.
		await run("qemu-io", ["-f", "qcow2", "-c", "write -P 7 8M 1M", image.path]);
	});

	after(async () => {
		await here?.stop();
		await there?.stop();
	});

	const inputs = (more: Record<string, unknown> = {}) => ({
		replicaOf: { uri: here.machine.uri, volume: image.path, contentId: "sha256:1" },
		...more,
	});
	const plan = async (name: string, more?: Record<string, unknown>) =>
		(await planLines(await there.volumeInputs(name, inputs(more)), there.context)).join("\n");
	/** The very same for a guest. */
	const holdsTheSame = (path: string) => run("qemu-img", ["compare", path, image.path]);

	it("is a whole copy, which stands alone", async () => {
		assert.match(await plan("whole.qcow2"), /copy of .*image.qcow2 of .* with all that is below it: at most \d+ MiB/);
		const whole = await there.volume("whole.qcow2", inputs());
		assert.deepEqual([whole.made, whole.contentId, whole.lineage], ["replica", "sha256:1", undefined]);
		assert.equal((await imageInfo(whole.path))["backing-filename"], undefined);
		await holdsTheSame(whole.path);
		assert.deepEqual((await there.read(whole))?.path, whole.path);
		await there.delete(whole);
	});

	it("is thin on a base that holds the same", async () => {
		const base = there.path("pool", "gold.qcow2");
		const given = { base, baseContentId: "sha256:0" };
		assert.match(await plan("thin.qcow2", given), /copy of .*, thin on .*gold.qcow2: at most [12] MiB are copied/);
		const thin = await there.volume("thin.qcow2", inputs(given));
		const info = await imageInfo(thin.path);
		assert.equal(info["backing-filename"], base);
		assert.ok(info["actual-size"] < 3 * MIB, `${info["actual-size"]} bytes`);
		await holdsTheSame(thin.path);
		assert.deepEqual(thin.lineage, { base, baseContentId: "sha256:0", chain: [base] });
		assert.deepEqual((await there.read(thin))?.lineage, thin.lineage);
		await there.delete(thin);
	});

	it("is the same file where both hosts have it, and stays when it is deleted", async () => {
		const shared = await there.pool("shared", { path: here.path("pool") });
		assert.match(await plan("x.qcow2", { pool: "shared" }), /which both hosts have: nothing is copied/);
		const same = await there.volume("x.qcow2", inputs({ pool: "shared" }));
		assert.deepEqual([same.made, same.path], ["shared", image.path]);
		assert.deepEqual(same.lineage?.chain, [here.path("pool", "gold.qcow2")]);
		assert.deepEqual((await there.read(same))?.path, image.path);
		await there.delete(same);
		assert.deepEqual((await readdir(here.path("pool"))).sort(), ["gold.qcow2", "image.qcow2"]);
		await there.host.pools.destroy(shared.uuid);
		await there.host.pools.undefine(shared.uuid);
	});

	it("is made again where it was cut off, and taken as it is where something depends on it", async () => {
		// By which it is known as this stack's.
		const name = `image-0123abcd-${stackTag("org/project/stack/image")}.qcow2`;
		const first = await there.volume(name, inputs());
		const sha256 = await fileSha256(first.path);
		await truncate(first.path, MIB);
		await there.newProcess();
		const again = await there.volume(name, inputs());
		assert.equal(again.path, first.path);
		assert.equal(await fileSha256(first.path), sha256);
		const clone = await there.volume("clone.qcow2", { base: first.path });
		const { ino } = await stat(first.path);
		await there.newProcess();
		const taken = await there.volume(name, inputs());
		assert.equal(taken.contentId, "sha256:1");
		assert.equal((await stat(first.path)).ino, ino);
		await there.delete(clone);
		await there.delete(taken);
	});

	it("leaves nothing where it cannot be made", async () => {
		const gone = { replicaOf: { uri: here.machine.uri, volume: "/nowhere/x.qcow2" } };
		await assert.rejects(there.volume("gone.qcow2", gone), /the volume \/nowhere\/x.qcow2 is gone from/);
		await here.farPool("far");
		const far = await here.volume("far.qcow2", { pool: "far", sizeMiB: 8 });
		const elsewhere = { replicaOf: { uri: here.machine.uri, volume: far.path } };
		await assert.rejects(
			there.volume("far.qcow2", elsewhere),
			/cannot be sent to .*files are not files of this machine/,
		);
		assert.deepEqual(await readdir(there.path("pool")), ["gold.qcow2"]);
		assert.deepEqual(await temporary(), []);
	});
});
