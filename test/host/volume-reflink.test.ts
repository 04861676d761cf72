import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageInfo, run, VolumeLab } from "./volume-lab";

/** Bytes that the file system of a directory has allocated, once everything is on disk. */
async function allocated(directory: string): Promise<number> {
	await run("sync", ["-f", directory]);
	const { stdout } = await run("df", ["--output=used", "-B1", directory]);
	return Number(stdout.trim().split("\n").pop());
}

describe("clones on a file system with reflink", () => {
	let lab: VolumeLab;
	let folder: string;
	let mounted: string;
	let contents: Buffer;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "reflink-test-"));
		const image = join(folder, "xfs.img");
		await writeFile(image, "");
		await truncate(image, 2 * 2 ** 30);
		await run("mkfs.xfs", ["-q", "-m", "reflink=1", image]);
		mounted = join(folder, "xfs");
		await mkdir(mounted);
		await run("mount", ["-o", "loop", image, mounted]);
		lab = await VolumeLab.start({ poolDirectory: mounted });
		await lab.pool("pool");
		contents = randomBytes(20 * 2 ** 20);
		await writeFile(lab.path("pool", "base.img"), contents);
	});
	after(async () => {
		await lab?.stop();
		if (mounted) await run("umount", [mounted]);
		await rm(folder, { recursive: true, force: true });
	});

	it("share all blocks of a raw base", async () => {
		const before = await allocated(mounted);
		const base = lab.path("pool", "base.img");
		const made = [];
		for (let i = 0; i < 3; i++) made.push(await lab.volume(`clone-${i}.img`, { base, format: "raw" }));
		const grown = (await allocated(mounted)) - before;
		assert.ok(grown < 2 ** 20, `${grown} bytes for 3 clones of ${contents.length}`);
		assert.deepEqual(
			[made[0]!.made, made[0]!.capacityBytes, made[0]!.lineage?.chain],
			["reflink", contents.length, []],
		);
		await run("qemu-io", ["-f", "raw", "-c", "write -P 1 0 1M", made[0]!.path]);
		assert.deepEqual(await readFile(base), contents, "the base is untouched");
		assert.deepEqual(await readFile(made[1]!.path), contents);
		assert.deepEqual(await lab.read(made[1]!), made[1]);
	});

	it("of a qcow2 base are possible, and keep its backing store", async () => {
		const gold = await lab.volume("gold.qcow2", { sizeMiB: 64 });
		await run("qemu-io", ["-c", "write -P 5 0 1M", gold.path]);
		const overlay = await lab.volume("overlay.qcow2", { base: gold.key });
		const made = await lab.volume("reflinked.qcow2", { base: overlay.key, cloning: "reflink", sizeMiB: 96 });
		const info = await imageInfo(made.path);
		assert.deepEqual([info["backing-filename"], info["virtual-size"]], [gold.path, 96 * 2 ** 20]);
		assert.deepEqual([made.lineage?.base, made.lineage?.chain], [overlay.path, [gold.path]]);
		assert.doesNotMatch((await run("qemu-io", ["-c", "read -P 5 0 1M", made.path])).stdout, /Pattern/);
		await assert.rejects(lab.delete(gold), /reflinked\.qcow2/);
	});

	it("grow to the size asked for", async () => {
		const made = await lab.volume("larger.img", { base: lab.path("pool", "base.img"), format: "raw", sizeMiB: 40 });
		const bytes = await readFile(made.path);
		assert.equal(bytes.length, 40 * 2 ** 20);
		assert.deepEqual(bytes.subarray(0, contents.length), contents);
	});

	it("are made by libvirt where this code does not run on the storage host, of raw volumes only", async () => {
		const hidden = lab.path("hidden");
		await mkdir(hidden);
		const image = join(folder, "hidden.img");
		await writeFile(image, "");
		await truncate(image, 400 * 2 ** 20);
		await run("mkfs.xfs", ["-q", "-m", "reflink=1", image]);
		await lab.machine.exec("mount", ["-o", "loop", image, hidden]);
		try {
			await lab.pool("hidden");
			const base = await lab.volume("base.img", { pool: "hidden", format: "raw", sizeMiB: 50 });
			await lab.machine.exec("dd", ["if=/dev/urandom", `of=${base.path}`, "bs=1M", "count=50", "conv=notrunc"]);
			const used = async () => {
				await lab.machine.exec("sync", ["-f", hidden]);
				return Number((await lab.machine.exec("df", ["--output=used", "-B1", hidden])).stdout.trim().split("\n").pop());
			};
			const before = await used();
			const made = await lab.volume("clone.img", { pool: "hidden", base: base.key, format: "raw" });
			assert.ok((await used()) - before < 2 ** 20);
			await lab.machine.exec("cmp", [base.path, made.path]);
			const qcow2 = await lab.volume("base.qcow2", { pool: "hidden", sizeMiB: 50 });
			await assert.rejects(
				lab.volume("clone.qcow2", { pool: "hidden", base: qcow2.key, cloning: "reflink" }),
				/not possible: libvirt, .* makes reflinks of raw volumes only\. Use cloning: "overlay", or cloning: "copy"/,
			);
			assert.deepEqual(await readdir(hidden), []);
		} finally {
			await lab.machine.virsh("pool-destroy", "hidden").catch(() => {});
			await lab.machine.exec("umount", [hidden]);
		}
	});
});

describe("clones on a file system without reflink", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start();
		await lab.pool("pool");
		await writeFile(lab.path("pool", "base.img"), randomBytes(3 * 2 ** 20));
	});
	after(() => lab?.stop());

	it("are refused with the reason and the alternatives, and leave nothing", async () => {
		const base = lab.path("pool", "base.img");
		const { stdout } = await run("stat", ["-f", "-c", "%T", lab.path("pool")]);
		assert.match(stdout, /ext2\/ext3|tmpfs/, "the test needs a file system without reflink");
		for (const cloning of ["auto", "reflink"]) {
			await assert.rejects(
				lab.volume("clone.img", { base, format: "raw", cloning }),
				/reflink of .*base\.img in the pool "pool" is not possible: the file system does not support it .*format: "qcow2" with cloning: "overlay".*cloning: "copy", which copies all 3 MiB/,
			);
		}
		await lab.farPool("far");
		await lab.volume("base.img", { pool: "far", format: "raw", sizeMiB: 2 });
		await assert.rejects(
			lab.volume("clone.img", { pool: "far", base: lab.path("far", "base.img"), format: "raw" }),
			/reflink of .* is not possible: /,
		);
		assert.deepEqual(await readdir(lab.path("pool")), ["base.img"]);
		assert.equal((await lab.machine.exec("ls", [lab.path("far")])).stdout.trim(), "base.img");
		await assert.rejects(
			lab.volume("clone.qcow2", { base, cloning: "reflink" }),
			/the base is raw and the clone would have to be qcow2/,
		);
	});

	it("are copied when asked for, in any format, flattened", async () => {
		const base = lab.path("pool", "base.img");
		const raw = await lab.volume("copy.img", { base, format: "raw", cloning: "copy" });
		assert.deepEqual(await readFile(raw.path), await readFile(base));
		const overlay = await lab.volume("overlay.qcow2", { base });
		const copy = await lab.volume("copy.qcow2", { base: overlay.key, cloning: "copy", sizeMiB: 8 });
		const info = await imageInfo(copy.path);
		assert.deepEqual([info["backing-filename"], info["virtual-size"]], [undefined, 8 * 2 ** 20]);
		assert.deepEqual(
			[copy.made, copy.capacityBytes, copy.lineage?.base, copy.lineage?.chain],
			["copy", 8 * 2 ** 20, overlay.path, []],
		);
		const start = (await readFile(base)).subarray(0, 16);
		await run("qemu-img", ["convert", "-O", "raw", copy.path, lab.path("flat")]);
		assert.deepEqual((await readFile(lab.path("flat"))).subarray(0, 16), start);
		assert.match(lab.logged.join("\n"), /copying .*overlay\.qcow2 \(3 MiB\)\ncopied in/);
		assert.deepEqual(await lab.read(copy), copy);
	});
});

describe("clones of a base of 1 GiB incompressible data", () => {
	it("copy no data block", async () => {
		const lab = await VolumeLab.start();
		try {
			await lab.pool("pool");
			const base = await lab.volume("base.qcow2", { sizeMiB: 1024 });
			const raw = lab.path("random");
			await run("sh", ["-c", `head -c ${2 ** 30} /dev/urandom > ${raw}`]);
			await run("qemu-img", ["convert", "-O", "qcow2", raw, base.path]);
			const du = async () => Number((await run("du", ["-sB1", lab.path("pool")])).stdout.split("\t")[0]);
			const bytes = await du();
			assert.ok(bytes > 2 ** 30, `the base has ${bytes} bytes`);
			for (let i = 0; i < 3; i++) {
				const made = await lab.volume(`clone-${i}.qcow2`, { base: base.key });
				assert.equal((await imageInfo(made.path))["virtual-size"], 2 ** 30);
			}
			assert.ok((await du()) - bytes <= 64 * 1024, `${(await du()) - bytes} bytes for 3 clones`);
		} finally {
			await lab.stop();
		}
	});
});
