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
			assert.match(
				stdout,
				/the state does not know it: `pulumi-libvirt-clones gc` removes an image once nothing needs/,
			);
			assert.equal((await golds()).length, 2);
			const after = await machines();
			assert.deepEqual(after.slice(0, 3), before);
			assert.equal(await backingOf(before[0]!), join(bench.poolPath, old));
			assert.notEqual(await backingOf(after[3]!), join(bench.poolPath, old));
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.refresh(["--expect-no-changes"]);
			const { stdout: found } = await gc();
			assert.match(found, new RegExp(`^left volume \\S+${old}: used by volume \\S+web-0.*\n$`), "and nothing else");
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

		it("shows no clone as changed in the preview of one that only grows", async () => {
			await bench.project.setConfig("goldSizeMiB", "80");
			const { changes, stdout } = await bench.project.preview();
			assert.deepEqual([changes.update, changes.replace], [1, undefined], stdout);
			await bench.project.configure({ goldSizeMiB: undefined });
		});

		it("does not hide what the first size of a clone comes to, and refuses one that is too small", async () => {
			await bench.project.setConfig("diskSizeGiB", "0.125");
			const { stdout } = await bench.project.preview();
			assert.match(stdout, /sizeMiB: live: the volume grows from 64 MiB to 128 MiB while in use/);
			await bench.project.setConfig("diskSizeGiB", "0.03125");
			const refused = await bench.project.run(["preview"]);
			assert.notEqual(refused.code, 0);
			assert.match(refused.stdout, /sizeMiB: got 32; the volume has 64 MiB and never shrinks/);
			await bench.project.configure({ diskSizeGiB: undefined });
		});

		it("replaces one after the other with rolling and a pause between, and stops at the first that fails", async () => {
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
			await bench.project.setConfig("pauseSeconds", "3");
			const { stdout } = await bench.project.up();
			const order = [...stdout.matchAll(/Domain (web-\d) created replacement/g)].map(([, name]) => name);
			assert.deepEqual([...new Set(order)], ["web-1", "web-2", "web-3"]);
			const { resources = [] } = (await bench.project.state()).deployment;
			const madeAt = (end: string) =>
				Date.parse((resources.find(({ urn }) => urn.endsWith(end)) as unknown as { created: string }).created);
			assert.ok(madeAt("Volume::web-2") >= madeAt("Domain::web-1") + 3000, "a batch begins after the pause");
			assert.ok(madeAt("Volume::web-3") >= madeAt("Domain::web-2") + 3000, "and so does the next");
			await bench.project.configure({ pauseSeconds: undefined });
			const after = await machines();
			assert.equal(after[0]!.uuid, uuids[0]);
			const bases = new Set(await Promise.all(after.map(backingOf)));
			assert.equal(bases.size, 1);
			const left = await golds();
			assert.equal(left.filter((name) => bases.has(join(bench.poolPath, name))).length, 1);
			assert.equal(left.length, 2, `nobody uses the second image any more; there are ${left.join(", ")}`);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("leaves the machines and what is on their disks with rebase, and the old one goes", async () => {
			const before = await machines();
			const old = before[0]!.lineage!.base;
			await bench.host.exec("qemu-io", ["-c", "write -P 77 50M 64k", before[0]!.volumePath]);
			const content = await contentOf(before[0]!);
			await bench.project.setConfig("onBaseChange", "rebase");
			await useImage(4);
			const { changes } = await bench.project.up();
			assert.equal(changes.replace, 1, "the image");
			const after = await machines();
			assert.deepEqual(
				after.map(({ uuid }) => uuid),
				before.map(({ uuid }) => uuid),
			);
			for (const { name, lineage } of after) {
				assert.notEqual(lineage!.base, old);
				const metadata = await bench.host.virsh("metadata", name, "urn:pulumi-libvirt-clones:1");
				assert.ok(metadata.includes(`>${lineage!.base}</`) && metadata.includes(lineage!.baseContentId), metadata);
			}
			assert.ok(!(await golds()).some((name) => old.endsWith(name)));
			assert.equal(await contentOf(after[0]!), content);
			await bench.project.preview(["--expect-no-changes"]);
		});
	});

	describe("clones that are to stand alone", () => {
		it("do after an update that says what is copied, and nothing else changes", async () => {
			const before = await machines();
			await bench.project.setConfig("independent", "true");
			const { stdout, changes } = await bench.project.preview();
			assert.match(stdout, /independent: live: what it shares with its base is copied into it/);
			assert.match(stdout, /independent: at most \d+ MiB are copied/);
			assert.equal(changes.replace, undefined);
			await bench.project.up();
			const after = await machines();
			for (const [index, machine] of after.entries()) {
				assert.equal(machine.uuid, before[index]!.uuid);
				assert.deepEqual(machine.lineage, { ...before[index]!.lineage, chain: [] });
				assert.equal(await backingOf(machine), undefined);
			}
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.refresh(["--expect-no-changes"]);
		});
	});

	describe("a rolling change", () => {
		const uuidsNow = () => Promise.all([0, 1, 2].map((index) => bench.host.virsh("domuuid", `roll-${index}`)));
		const image = (number: number) => join(bench.host.directory, `gold-${number}.qcow2`);
		const token = "hunter2-of-the-check";

		it("makes the first machines all at once", async () => {
			await bench.project.must(["config", "set", "--secret", "token", "--", token]);
			await bench.project.setConfig("healthyUpTo", "4");
			await makeImage(2);
			await bench.project.setConfig("rollImage", image(2));
			await bench.project.up();
			const { resources = [] } = (await bench.project.state()).deployment;
			const last = resources.find(({ urn }) => urn.endsWith("Volume::roll-2")) as unknown as { dependencies: string[] };
			assert.ok(!last.dependencies.some((urn) => urn.includes("Domain")), "it has waited for none of the others");
		});

		it("stops after a batch that is not healthy; the rest goes on as it was", async () => {
			const before = await uuidsNow();
			await makeImage(9);
			await bench.project.setConfig("rollImage", image(9));
			const { stdout: preview } = await bench.project.preview();
			assert.match(preview, /base: replace: batch 1 of 2: it is a clone of another base/);
			assert.match(preview, /base: replace: batch 2 of 2, after roll-0 and roll-1 are healthy: it is a clone/);
			const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			const said = failed.stdout.replace(/\s+/g, " ");
			assert.match(
				said,
				/roll-[01] is not healthy after \d+ attempts in up to 10 s .*ended with exit code 3; it said: number 9/,
			);
			assert.ok(!said.includes(token), "the check's secret is shown");
			const now = await uuidsNow();
			assert.deepEqual([now[0] === before[0], now[1] === before[1], now[2] === before[2]], [false, false, true]);
			assert.equal((await bench.host.virsh("domstate", "roll-2")).trim(), "running");
		});

		it("goes on with the failed ones once they are healthy", async () => {
			const before = await uuidsNow();
			await bench.project.setConfig("healthyUpTo", "9");
			await bench.project.up();
			const now = await uuidsNow();
			assert.deepEqual([now[0] === before[0], now[1] === before[1], now[2] === before[2]], [true, true, false]);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("is taken back by naming the old image again", async () => {
			await makeImage(10);
			await bench.project.setConfig("rollImage", image(10));
			const before = await uuidsNow();
			assert.notEqual((await bench.project.run(["up", "--yes", "--skip-preview"])).code, 0);
			await bench.project.setConfig("rollImage", image(9));
			await bench.project.up();
			const now = await uuidsNow();
			assert.equal(now[2], before[2]);
			const { rolled } = await bench.project.outputs<{ rolled: CloneInstance[] }>();
			assert.equal(new Set(rolled.map(({ lineage }) => lineage!.base)).size, 1);
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.configure({ rollImage: undefined });
			await bench.project.up();
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
			await bench.project.configure({ plainPath: undefined });
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
			assert.match(stdout, new RegExp(`left in place: volume \\S*${orphan}: an image that no state knows`));
		});

		it("and an image that no state knows goes when gc is told to remove it", async () => {
			const [path] = await golds();
			await bench.host.virsh("pool-define-as", "images", "dir", "--target", bench.poolPath);
			await bench.host.virsh("pool-start", "images");
			const state = join(bench.host.directory, "state.json");
			await writeFile(state, (await bench.project.must(["stack", "export"])).stdout);
			const refused = await gc("--state", state);
			assert.match(refused.stderr, /the state of organization\/bases\/dev has no guard for \S+, .*it has none at all/);
			assert.match((await gc()).stdout, new RegExp(`^would remove volume \\S+${path}\nNothing was changed`));
			assert.deepEqual((await golds()).length, 1);
			assert.match((await gc("--yes")).stdout, new RegExp(`^removed volume \\S+${path}\n$`));
			assert.deepEqual(await golds(), []);
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

	/** Hash of what a guest would read. */
	async function contentOf({ volumePath }: CloneInstance): Promise<string> {
		const script = 'qemu-img convert -O raw "$1" "$2" && sha256sum < "$2"; rm "$2"';
		const raw = join(bench.host.directory, "content.raw");
		return (await bench.host.exec("sh", ["-c", script, "sh", volumePath, raw])).stdout;
	}

	async function makeOverlay(base: string, path: string): Promise<void> {
		await bench.host.exec("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", path]);
	}

	function gc(...more: string[]) {
		return bench.project.commandLine("gc", "--stack", "organization/bases/dev", "--uri", bench.host.uri, ...more);
	}

	async function useImage(number: number): Promise<void> {
		await bench.project.setConfig("image", await makeImage(number));
	}

	/** The same guest in other bytes. @returns its path */
	async function makeImage(number: number): Promise<string> {
		const path = join(bench.host.directory, `gold-${number}.qcow2`);
		await copyFile((await ensureImage("micro")).disk, path);
		await bench.host.exec("qemu-io", ["-c", `write -P ${number} 60M 64k`, path]);
		return path;
	}
});
