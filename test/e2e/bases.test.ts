import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CloneInstance } from "../../index";
import { ensureImage } from "../../tools/images";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const run = promisify(execFile);

/** Gold images and template domains: what depends on them, and what a new one means. */
describe("bases", function () {
	this.timeout(300_000);
	let bench: Bench;
	/** A file system without reflink. */
	let folder: string;
	let mounted: string | undefined;

	before(async () => {
		// The host sees only what has been mounted before it starts.
		folder = await mkdtemp(join(tmpdir(), "clones-ext4-"));
		await chmod(folder, 0o755);
		await mkdir(join(folder, "mounted"));
		await writeFile(join(folder, "ext4.img"), "");
		await truncate(join(folder, "ext4.img"), 64 * 2 ** 20);
		await run("mkfs.ext4", ["-q", join(folder, "ext4.img")]);
		await run("mount", ["-o", "loop", join(folder, "ext4.img"), join(folder, "mounted")]);
		mounted = join(folder, "mounted");
		bench = await startBench({ program: "test/e2e/fixtures/bases", config: { onBaseChange: "keep" } });
		await bench.project.up();
	});
	after(async () => {
		await bench?.stop();
		if (mounted) await run("umount", [mounted]);
		if (folder) await rm(folder, { recursive: true, force: true });
	});

	describe("a changed gold image", () => {
		it("leaves clones on the old one with keep, which stays and is said to", async () => {
			const before = await machines();
			const old = (await golds())[0]!;
			await useImage(2);
			await bench.project.setConfig("machines", "4");
			const { changes, stdout } = await bench.project.up();
			assert.deepEqual([changes.create, changes.replace, changes.update], [2, 1, undefined]);
			assert.match(stdout, new RegExp(`${old} cannot be deleted: these 3 use it: .*web-0.*It stays for as long as`));
			assert.equal((await golds()).length, 2);
			const after = await machines();
			assert.deepEqual(after.slice(0, 3), before);
			assert.equal(await backingOf(before[0]!), join(bench.poolPath, old));
			assert.notEqual(await backingOf(after[3]!), join(bench.poolPath, old));
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.refresh(["--expect-no-changes"]);
		});

		it("replaces all that are on another one with replace, and only those", async () => {
			const before = await machines();
			await bench.project.setConfig("onBaseChange", "replace");
			const { changes, stdout } = await bench.project.preview();
			assert.equal(changes.replace, 6, stdout);
			assert.match(stdout, /base: replace: it is a clone of another base: .* what was written to it is lost/);
			await bench.project.up();
			const after = await machines();
			assert.deepEqual(after[3], before[3]);
			for (const index of [0, 1, 2]) {
				assert.notEqual(after[index]!.uuid, before[index]!.uuid);
				assert.equal(await backingOf(after[index]!), await backingOf(after[3]!));
			}
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("replaces one after the other with rolling, and stops at the first that fails", async () => {
			const before = await machines();
			const [kept, old] = await golds();
			assert.ok(kept && old);
			await bench.project.setConfig("onBaseChange", "rolling");
			await useImage(3);
			const obstacle = join(bench.poolPath, "somebody-elses.qcow2");
			await makeOverlay(before[1]!.volumePath, obstacle);
			const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			assert.match(failed.stdout, /web-1-\w+\.qcow2 cannot be deleted: this uses it: volume \S*somebody-elses\.qcow2/);
			const uuids = await Promise.all([0, 2, 3].map((index) => bench.host.virsh("domuuid", `web-${index}`)));
			assert.notEqual(uuids[0], before[0]!.uuid);
			assert.deepEqual(uuids.slice(1), [before[2]!.uuid, before[3]!.uuid]);

			await rm(obstacle);
			const { stdout } = await bench.project.up();
			const order = [...stdout.matchAll(/Domain (web-\d) created replacement/g)].map(([, name]) => name);
			assert.deepEqual([...new Set(order)], ["web-1", "web-2", "web-3"]);
			const after = await machines();
			assert.equal(after[0]!.uuid, uuids[0]);
			const bases = new Set(await Promise.all(after.map(backingOf)));
			assert.equal(bases.size, 1);
			const left = await golds();
			assert.equal(left.filter((name) => bases.has(join(bench.poolPath, name))).length, 1);
			assert.equal(left.length, 2, `nobody uses the second image any more; there are ${left.join(", ")}`);
			await bench.project.preview(["--expect-no-changes"]);
		});
	});

	describe("a template domain", () => {
		it("is cloned with its hardware, and its clones are machines of their own", async () => {
			await bench.project.setConfig("copies", "true");
			const { stdout } = await bench.project.preview();
			assert.match(stdout, /template +: /);
			await bench.project.up();
			const { copies } = await bench.project.outputs<{ copies: CloneInstance[] }>();
			assert.deepEqual(
				copies.map(({ name }) => name),
				["copy-running", "copy-off"],
			);
			const master = await bench.host.virsh("domuuid", "master");
			for (const { name, uuid, lineage } of copies) {
				assert.notEqual(uuid, master);
				assert.match(lineage!.base, /master-disk-\w+\.qcow2$/);
				const xml = await bench.host.virsh("dumpxml", "--inactive", name);
				assert.match(xml, /<watchdog model='i6300esb' action='reset'/);
				assert.match(xml, /<target dev='sda' bus='scsi'\/>/);
			}
			assert.equal(await inGuest(bench.host, "copy-running", "hostname"), "copy-running");
			assert.match(await bench.host.virsh("dumpxml", "copy-running"), /<memory unit='KiB'>262144</);
			assert.match(await bench.host.virsh("dumpxml", "copy-off"), /<currentMemory unit='KiB'>196608</);
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.refresh(["--expect-no-changes"]);
		});
	});

	describe("cloning by reflink", () => {
		it("is refused where the file system cannot, with what can be done instead, and leaves no file", async () => {
			await bench.project.setConfig("plainPath", join(mounted!, "pool"));
			const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			assert.match(
				failed.stdout,
				/a reflink of \S+raw-gold\S* in the pool "plain" is not possible: the file system does not support it \(.*XFS.*btrfs.*\)\. Use .*overlay.*, or cloning: "copy", which copies all 8 MiB/,
			);
			const { stdout } = await run("ls", ["-A", join(mounted!, "pool")]);
			assert.match(stdout, /^raw-gold-\w+\.raw\n$/);
			await bench.project.must(["config", "rm", "plainPath"]);
			await bench.project.up();
			assert.equal((await run("ls", ["-A", join(mounted!, "pool")])).stdout, "");
		});
	});

	describe("that somebody else needs", () => {
		it("are not removed by a destroy, which names who it is, and are by the next", async () => {
			const base = (await machines())[0]!.lineage!.base;
			const overlay = join(bench.host.poolDirectory, "elsewhere", "theirs.qcow2");
			await mkdir(join(overlay, ".."));
			await bench.host.virsh("pool-define-as", "elsewhere", "dir", "--target", join(overlay, ".."));
			await bench.host.virsh("pool-start", "elsewhere");
			await makeOverlay(base, overlay);
			const failed = await bench.project.run(["destroy", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			assert.match(
				failed.stdout,
				new RegExp(
					`${base} cannot be deleted: this uses it: volume ${overlay} \\(an overlay on it\\)\\. Remove these first`,
				),
			);
			assert.ok((await golds()).some((name) => base.endsWith(name)));
			await rm(overlay);
			await bench.host.virsh("pool-destroy", "elsewhere");
			await bench.host.virsh("pool-undefine", "elsewhere");
			const { stdout } = await bench.project.destroy();
			// The image that keep has left: the state has known it no more since.
			const [orphan, ...others] = (await leftOn(bench)).filter((name) => name !== "images");
			assert.deepEqual([orphan?.startsWith("gold-"), others], [true, []]);
			assert.match(stdout, new RegExp(`left in place: volume \\S*${orphan}`));
		});
	});

	async function machines(): Promise<CloneInstance[]> {
		return (await bench.project.outputs<{ machines: CloneInstance[] }>()).machines;
	}

	/** Names of the gold images that are there, oldest first. */
	async function golds(): Promise<string[]> {
		const { stdout } = await bench.host.exec("ls", ["-tr", bench.poolPath]);
		return stdout.split("\n").filter((name) => name.startsWith("gold-"));
	}

	async function backingOf({ volumePath }: CloneInstance): Promise<string> {
		const { stdout } = await bench.host.exec("qemu-img", ["info", "-U", "--output=json", volumePath]);
		return JSON.parse(stdout)["backing-filename"];
	}

	async function makeOverlay(base: string, path: string): Promise<void> {
		await bench.host.exec("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", path]);
	}

	/** The same guest in other bytes. */
	async function useImage(number: number): Promise<void> {
		const path = join(bench.host.directory, `gold-${number}.qcow2`);
		await copyFile((await ensureImage("micro")).disk, path);
		await bench.host.exec("qemu-io", ["-c", `write -P ${number} 60M 64k`, path]);
		await bench.project.setConfig("image", path);
	}
});
