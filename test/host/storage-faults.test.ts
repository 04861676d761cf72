import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestExec } from "../../provider/domain/agent";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import { waitForAddress } from "../../provider/domain/wait";
import { pool } from "../../provider/pool/lifecycle";
import { finishRefreshes } from "../../provider/volume/refresh";
import { settle } from "../../provider/volume/settle";
import { type DomainState, run, VolumeLab, type VolumeState, wire } from "./volume-lab";

const MIB = 1024 * 1024;

/** What goes wrong with the storage of a host, what is said about it, and what the next run makes of it. */
describe("faults of the storage", () => {
	let lab: VolumeLab;
	/** A small file system, mounted where this process and the host see it. */
	let mounted: string;
	let image: string;
	let base: VolumeState;

	before(async () => {
		mounted = await mkdtemp(join(tmpdir(), "clones-faults-"));
		await run("mount", ["-t", "tmpfs", "-o", "size=12m,mode=0755", "tmpfs", mounted]);
		lab = await VolumeLab.start({ poolDirectory: mounted });
		await lab.pool("pool");
		image = join(lab.machine.directory, "image.img");
		await writeFile(image, randomBytes(24 * MIB));
		base = await lab.volume("base.qcow2", { sizeMiB: 64 });
		await finishRefreshes();
		await lab.newProcess();
	});
	after(async () => {
		await lab?.stop();
		await run("umount", [mounted]).catch(() => {});
		await rm(mounted, { recursive: true, force: true });
	});
	afterEach(() => lab.newProcess());

	const remount = (options: string) => lab.machine.exec("mount", ["-o", `remount,${options}`, mounted]);
	const files = async () => (await readdir(lab.path("pool"))).sort();

	describe("that is full", () => {
		const fill = async () => {
			await writeFile(lab.path("ballast"), Buffer.alloc(11 * MIB, 1));
			await lab.machine.exec("sh", ["-c", 'dd if=/dev/zero of="$1" bs=4k 2>/dev/null || true', "sh", lab.path("rest")]);
		};
		const free = () => Promise.all(["ballast", "rest"].map((name) => rm(lab.path(name), { force: true })));

		it("tell in the middle of an upload, leave nothing, and go on once there is room", async () => {
			const before = await files();
			const upload = () => lab.volume("upload.img", { source: { file: image }, format: "raw" });
			await assert.rejects(
				upload(),
				/storage pool "pool" \(.*\) on .* is full \(\d+ of 12 MiB are free now\): .*\n.*pulumi up again/,
			);
			assert.deepEqual(await files(), before);
			await remount("size=64m");
			const made = await upload();
			assert.deepEqual(await readFile(made.path), await readFile(image));
			await lab.delete(made);
			await remount("size=12m");
		});

		for (const [what, more] of [
			["an overlay is made", () => ({ base: base.key })],
			["an empty volume is made", () => ({ sizeMiB: 64 })],
			["a seed is made", () => ({ format: "raw", source: { cloudInit: { userData: "x".repeat(MIB) } } })],
			["a base is copied", () => ({ base: base.key, cloning: "copy" })],
		] as Array<[string, () => Record<string, unknown>]>) {
			it(`tell when ${what}, leave nothing, and go on once there is room`, async () => {
				const before = await files();
				await fill();
				await assert.rejects(lab.volume("late.qcow2", more()), /"pool" .* is full .*: .*\n.*Free space there/s);
				await free();
				assert.deepEqual(await files(), before);
				await lab.newProcess();
				await lab.delete(await lab.volume("late.qcow2", more()));
			});
		}
	});

	describe("that fills up below a machine", () => {
		const CONTENT = "what the guest writes\n";
		const LENGTH = 8 * MIB;
		let guest: DomainState;
		let data: VolumeState;
		let ballast: string;

		before(async () => {
			await remount("size=160m");
			const { disk } = await lab.bootFiles();
			const gold = await lab.volume("gold.qcow2", { source: { file: disk } });
			const root = await lab.volume("root.qcow2", { base: gold.key });
			data = await lab.volume("data.qcow2", { sizeMiB: 16 });
			guest = wire(
				await lab.domain("writer", {
					disks: [{ volume: root.key }, { volume: data.key }],
					waitFor: { agent: true, timeoutSeconds: 100 },
				}),
			);
			ballast = lab.path("ballast");
			await lab.machine.exec("sh", ["-c", 'dd if=/dev/zero of="$1" bs=64k 2>/dev/null || true', "sh", ballast]);
			const write = `yes '${CONTENT.trim()}' | dd of=/dev/vdb bs=1M count=${LENGTH / MIB} iflag=fullblock conv=fsync`;
			await lab.host.domains.agent(guest.uuid, "guest-exec", { path: "/bin/sh", arg: ["-c", write] });
			await poll(60, async () => ((await lab.host.domains.state(guest.uuid)).state === "paused" ? true : undefined));
		});

		const complaint =
			/writer is paused by an I\/O error: disk vd[ab] \(\S+\) found no space in the storage pool "pool" \(\S+\) on .* \(\d+ of 160 MiB are free now\)\. Free space there .* pulumi refresh and pulumi up: the machine goes on where it stopped/;

		it("is told of by a refresh and by the preview of what follows", async () => {
			const found = wire((await domain.read(guest.uuid, guest, lab.context))!);
			assert.deepEqual(found, { ...guest, running: false });
			assert.match(lab.logged.join("\n"), complaint);
			assert.match((await domain.plan!(guest, lab.context)).join("\n"), complaint);
		});

		it("is told of by the next run, for as long as there is no room", async () => {
			await assert.rejects(
				domain.update(guest.uuid, { ...guest, running: false }, guest, lab.context),
				(error: Error) => {
					assert.match(error.message, complaint);
					assert.match(error.message, /It was resumed, and stopped again/);
					return true;
				},
			);
			const waiting = { ...guest, waitFor: { agent: false, address: "lease" as const, timeoutSeconds: 1 } };
			const waited = waitForAddress(lab.host, guest.uuid, waiting, { macs: [] }, [], () => 0);
			await assert.rejects(waited, (error: Error) => complaint.test(error.message.replaceAll("\n", " ")));
		});

		it("loses nothing: the next run with room lets the machine go on, and all that it writes arrives", async () => {
			await rm(ballast);
			const updated = await domain.update(guest.uuid, { ...guest, running: false }, guest, lab.context);
			assert.deepEqual(wire(updated), guest);
			await guestExec(lab.host, guest.uuid, "/bin/sh", ["-c", "while pidof dd; do usleep 100000; done"]);
			await lab.deleteDomain(guest);
			const raw = join(lab.machine.directory, "data.img");
			await run("qemu-img", ["convert", "-O", "raw", data.path, raw]);
			const written = (await readFile(raw)).subarray(0, LENGTH);
			assert.ok(written.equals(Buffer.alloc(LENGTH, CONTENT)));
		});
	});

	it("tell of a file system that is read-only, change nothing, and go on once it is writable", async () => {
		const before = await files();
		await remount("ro");
		for (const more of [{ sizeMiB: 1 }, { base: base.key }, { source: { file: image }, format: "raw" }]) {
			await assert.rejects(
				lab.volume("late.qcow2", more),
				/"pool" .* is on a file system that is read-only: .*\n.*Mount it writable/s,
			);
		}
		await assert.rejects(lab.delete(base), /read-only/i);
		await remount("rw");
		assert.deepEqual(await files(), before);
		await lab.newProcess();
		assert.deepEqual(await lab.read(base), base);
		await lab.delete(await lab.volume("late.qcow2", { base: base.key }));
	});

	describe("whose pool", () => {
		const recorded = async () => wire({ ...(await lab.pool("pool")) });

		it("is not defined any more keep their volumes recorded, and get it back by the next run", async () => {
			const state = await recorded();
			await lab.machine.virsh("pool-destroy", "pool");
			await lab.machine.virsh("pool-undefine", "pool");
			await lab.newProcess();
			assert.deepEqual(await lab.read(base), base);
			assert.match(lab.logged.join("\n"), /the pool "pool" is not defined: its volumes were not looked at/);
			await assert.rejects(
				lab.delete(base),
				/cannot be deleted: its pool "pool" is not defined .* pulumi up .* pulumi state delete/,
			);
			await assert.rejects(
				lab.volume("late.qcow2", { sizeMiB: 1 }),
				/there is no storage pool "pool" on .*; there are: none/,
			);
			const found = wire((await pool.read(state.uuid, state, lab.context))!);
			assert.equal(found.incomplete, true);
			const { incomplete: _, uuid: __, ...inputs } = found;
			assert.deepEqual(pool.changes(found, inputs), []);
			assert.deepEqual(wire(await pool.update(state.uuid, found, inputs, lab.context)), state);
			await lab.newProcess();
			assert.deepEqual(await lab.read(base), base);
			await lab.delete(await lab.volume("late.qcow2", { base: base.key }));
		});

		it("is lost in the middle of a run tell so, leave nothing, and go on once it is back", async () => {
			const state = await recorded();
			const clone = () => lab.volume("clone.qcow2", { base: base.key });
			await lab.delete(await clone());
			const before = await files();
			const { uuid: _, ...inputs } = state;
			for (const [how, expected] of [
				[["pool-destroy"], /the storage pool "pool" .* is not active: start it/],
				[["pool-destroy", "pool-undefine"], /there is no storage pool "pool" on .*; there are: none/],
			] as Array<[string[], RegExp]>) {
				for (const command of how) await lab.machine.virsh(command, "pool");
				for (const make of [
					() => lab.volume("late.qcow2", { sizeMiB: 1 }),
					() => lab.volume("upload.img", { source: { file: image }, format: "raw" }),
					() => lab.volume("seed.iso", { format: "raw", source: { cloudInit: { userData: "x" } } }),
					() => lab.volume("copy.qcow2", { base: base.key, cloning: "copy" }),
				]) {
					await assert.rejects(make(), expected);
				}
				assert.deepEqual(await files(), before);
				await pool.update(state.uuid, state, inputs, lab.context);
				await lab.delete(await clone());
			}
		});

		it("is not defined any more, and whose file is gone, is gone", async () => {
			const state = await recorded();
			const lost = await lab.volume("lost.qcow2", { sizeMiB: 1 });
			await lab.machine.virsh("pool-destroy", "pool");
			await lab.machine.virsh("pool-undefine", "pool");
			await rm(lost.path);
			await lab.newProcess();
			assert.equal(await lab.read(lost), undefined);
			await lab.delete(lost);
			const { uuid: _, ...inputs } = state;
			await pool.update(state.uuid, state, inputs, lab.context);
		});

		it("is renamed stay what they are, in the preview, in the run and afterwards", async () => {
			const state = await recorded();
			const { uuid: _, ...inputs } = state;
			const news = { ...inputs, name: "renamed" };
			const ours = await lab.volumeInputs("base.qcow2", { pool: "renamed", sizeMiB: 64 });
			const before = await lab.volumeInputs("base.qcow2", { sizeMiB: 64 });
			const settled = async () => (await settle(before, ours, lab.context)).pool;
			await pool.settle!(inputs, news, lab.context);
			assert.equal(await settled(), "pool", "in the preview");
			await lab.newProcess();
			await pool.settle!(inputs, news, lab.context);
			await pool.update(state.uuid, state, news, lab.context);
			assert.equal(await settled(), "pool", "in the run");
			await lab.newProcess();
			assert.equal(await settled(), "pool", "afterwards");
			assert.deepEqual(await lab.read(base), base);
			const { poolUuid: __, ...older } = base;
			assert.deepEqual(await lab.read(older), base, "of which nothing but the former name is known");
			await pool.update(state.uuid, { ...state, ...news }, inputs, lab.context);
		});
	});

	it("and of libvirt itself: it does not run, and the next call finds it again", async () => {
		await lab.machine.killLibvirtd("SIGTERM");
		await lab.newProcess();
		await assert.rejects(
			lab.volume("late.qcow2", { sizeMiB: 1 }),
			/cannot connect to .*Is libvirt running there\? Start it/s,
		);
		await lab.machine.startLibvirtd();
		await lab.delete(await lab.volume("late.qcow2", { sizeMiB: 1 }));
	});
});
