import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { guestExec } from "../../provider/domain/agent";
import { finishRefreshes } from "../../provider/volume/refresh";
import { forgetUses } from "../../provider/volume/uses";
import { imageInfo, run, VolumeLab, type VolumeState } from "./volume-lab";

const MIB = 2 ** 20;
const tag = createHash("sha256").update("org/project/stack").digest("hex").slice(0, 8);

describe("safety of volumes", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
		await lab.pool("pool");
		await lab.pool("other");
	});
	after(() => lab?.stop());
	afterEach(() => lab.newProcess());

	it("a volume that a running domain uses is not deleted, one of a deleted domain is at once", async () => {
		const disk = await lab.volume("used.qcow2", { sizeMiB: 16 });
		const guest = await lab.domain("user", { disks: [{ volume: disk.key }] });
		await assert.rejects(lab.delete(disk), /used\.qcow2 cannot be deleted: this uses it: domain user \(running\)/);
		await lab.deleteDomain(guest);
		await lab.delete(disk);
		assert.ok(!(await readdir(lab.path("pool"))).includes("used.qcow2"));
	});

	it("destroying many clones scans the host a few times, not once each", async () => {
		const base = await lab.volume("many.qcow2", { sizeMiB: 16 });
		const clones = await Promise.all(
			Array.from({ length: 100 }, (_, i) => lab.volume(`many-${i}.qcow2`, { base: base.key })),
		);
		await lab.newProcess();
		const list = lab.host.domains.listWithXml;
		let scans = 0;
		lab.host.domains.listWithXml = (...args) => {
			scans++;
			return list(...args);
		};
		const started = performance.now();
		await Promise.all(clones.map((clone) => lab.delete(clone)));
		await lab.delete(base);
		assert.ok(scans <= 1 + (performance.now() - started) / 1000, `${scans} scans`);
	});

	describe("a size", () => {
		it("grows: shut off through libvirt, running through the domain, in the guest at once", async () => {
			const image = await lab.bootFiles();
			const gold = await lab.volume("gold.qcow2", { source: { file: image.disk } });
			const disk = await lab.volume("root.qcow2", { base: gold.key });
			const larger = await lab.update(disk, { base: gold.key, sizeMiB: 100 });
			assert.deepEqual([larger.capacityBytes, larger.timings], [100 * MIB, disk.timings]);
			assert.equal((await imageInfo(disk.path))["virtual-size"], 100 * MIB);
			const guest = await lab.domain("grown", {
				disks: [{ volume: disk.key }],
				waitFor: { agent: true, timeoutSeconds: 60 },
			});
			const largest = await lab.update(larger, { base: gold.key, sizeMiB: 200 });
			const { stdout } = await lab.machine.exec("virsh", ["-q", "domblkinfo", "grown", "vda"]);
			assert.match(stdout, new RegExp(`Capacity: +${200 * MIB}`));
			const sectors = await guestExec(lab.host, guest.uuid, "/bin/cat", ["/sys/block/vda/size"]);
			assert.equal(Number(sectors) * 512, 200 * MIB);
			assert.deepEqual(await lab.read(largest), largest);
			await lab.deleteDomain(guest);
			await lab.delete(largest);
			await lab.delete(gold);
		});

		it("of raw volumes grows, too", async () => {
			const raw = await lab.volume("raw.raw", { format: "raw", sizeMiB: 16 });
			assert.equal((await lab.update(raw, { format: "raw", sizeMiB: 32 })).capacityBytes, 32 * MIB);
			assert.equal((await stat(raw.path)).size, 32 * MIB);
			await lab.delete(raw);
		});
	});

	describe("a volume that exists already", () => {
		it("is ours by its name, and finished where it was left: grown to its size", async () => {
			const name = `mine-${tag}.qcow2`;
			const made = await lab.volume(name, { sizeMiB: 16 });
			await lab.newProcess();
			const again = await lab.volume(name, { sizeMiB: 32 });
			assert.deepEqual([again.key, again.made, again.capacityBytes], [made.key, "empty", 32 * MIB]);
			await lab.newProcess();
			await assert.rejects(
				lab.volume(name, { sizeMiB: 16 }),
				/carries this stack's mark; it has 32 MiB instead of 16 MiB/,
			);
			await lab.delete(again);
		});

		it("and is ours is kept with what was written to it", async () => {
			const base = await lab.volume("kept-base.qcow2", { sizeMiB: 16 });
			const name = `kept-${tag}.qcow2`;
			const made = await lab.volume(name, { base: base.key });
			await run("qemu-io", ["-c", "write -P 9 0 1M", made.path]);
			await lab.newProcess();
			const again = await lab.volume(name, { base: base.key });
			assert.deepEqual({ ...again, timings: made.timings }, made);
			assert.doesNotMatch((await run("qemu-io", ["-c", "read -P 9 0 1M", made.path])).stdout, /Pattern/);
			const other = await lab.volume("other-base.qcow2", { sizeMiB: 16 });
			await lab.newProcess();
			await assert.rejects(
				lab.volume(name, { base: other.key }),
				/its backing store is .*kept-base\.qcow2 instead of .*other-base\.qcow2/,
			);
			for (const state of [again, base, other]) await lab.delete(state);
		});

		it("under a name of the user's is taken over only when fresh and unused", async () => {
			const base = await lab.volume("fresh-base.qcow2", { sizeMiB: 16 });
			const make = () => lab.volume("named.qcow2", { base: base.key });
			await make();
			await lab.newProcess();
			const again = await make();
			await run("qemu-io", ["-c", "write -P 9 0 4k", again.path]);
			await lab.newProcess();
			await assert.rejects(make(), /"named\.qcow2" exists already .* was not made by this resource; it may hold data/);
			await lab.delete(again);
			const unwritten = await make();
			const guest = await lab.domain("holder", { disks: [{ volume: unwritten.key }], running: false });
			await lab.newProcess();
			await assert.rejects(make(), /it is used by domain holder/);
			await lab.deleteDomain(guest);

			const adopted = await lab.volume("named.qcow2", { adopt: true, sizeMiB: 64 });
			assert.deepEqual([adopted.made, adopted.capacityBytes, adopted.lineage?.base], ["adopted", 64 * MIB, base.path]);
			await lab.newProcess();
			await assert.rejects(
				lab.volume("named.qcow2", { adopt: true, format: "raw", sizeMiB: 64 }),
				/it is qcow2, which adopt does not convert: set format to that/,
			);
			await assert.rejects(
				lab.volume("named.qcow2", { adopt: true, sizeMiB: 32 }),
				/it has 64 MiB, and volumes never shrink: leave sizeMiB out or give that/,
			);
			await lab.delete(adopted);
			await lab.delete(base);
		});

		it("is not shared by two resources of one run", async () => {
			const { volume } = await import("../../provider/volume/lifecycle.js");
			const first = await lab.volume("shared.qcow2", { sizeMiB: 16 });
			const second = {
				...(await lab.volumeInputs("shared.qcow2", { sizeMiB: 16 })),
				ownerId: "org/project/stack/second",
			};
			await assert.rejects(
				volume.create(second, lab.context),
				/"org\/project\/stack\/shared\.qcow2" has made or taken it over in this run/,
			);
			await lab.delete(first);
		});

		it("and is taken over by its own replacement survives the delete of its old generation", async () => {
			const name = `replaced-${tag}.qcow2`;
			const old = await lab.volume(name, { sizeMiB: 16 });
			await lab.newProcess();
			const replacement = await lab.volume(name, { sizeMiB: 16 });
			await lab.delete(old);
			assert.match(lab.logged.join("\n"), /stays: its replacement has taken it over/);
			assert.ok((await readdir(lab.path("pool"))).includes(name));
			await lab.delete(replacement);
			assert.ok(!(await readdir(lab.path("pool"))).includes(name));
		});

		it("right after its file was removed is made anew", async () => {
			const first = await lab.volume("again.qcow2", { sizeMiB: 16 });
			await finishRefreshes();
			await lab.volume("near.qcow2", { base: first.key }).then((near) => lab.delete(near));
			await lab.delete(first);
			const second = await lab.volume("again.qcow2", { sizeMiB: 16 });
			assert.equal(second.key, first.key);
			await lab.delete(second);
		});
	});

	describe("drift", () => {
		let base: VolumeState;
		before(async () => {
			base = await lab.volume("drift-base.qcow2", { sizeMiB: 16 });
		});

		it("shows a volume that is gone, here and far away", async () => {
			await lab.farPool("far");
			for (const pool of ["pool", "far"]) {
				const made = await lab.volume("gone.qcow2", { pool, sizeMiB: 16 });
				await finishRefreshes();
				assert.deepEqual(await lab.read(made), made);
				await lab.machine.exec("rm", [made.path]);
				assert.equal(await lab.read(made), undefined, pool);
				await lab.delete(made);
			}
		});

		it("shows a size that was grown and a backing store that was changed", async () => {
			const made = await lab.volume("drift.qcow2", { base: base.key, sizeMiB: 32 });
			await finishRefreshes();
			await run("qemu-img", ["resize", "-q", made.path, "48M"]);
			await lab.newProcess();
			const grown = await lab.read(made);
			assert.deepEqual([grown?.sizeMiB, grown?.capacityBytes], [48, 48 * MIB]);
			await run("qemu-img", ["rebase", "-q", "-b", "", made.path]);
			await lab.newProcess();
			const flat = await lab.read(made);
			assert.deepEqual(flat?.lineage, { ...made.lineage, chain: [] });
			await lab.delete(made);
		});

		it("leaves the volumes of a pool that is not active as they are recorded", async () => {
			const made = await lab.volume("asleep.qcow2", { pool: "other", sizeMiB: 16 });
			await lab.machine.virsh("pool-destroy", "other");
			await lab.newProcess();
			assert.deepEqual(await lab.read(made), made);
			assert.match(lab.logged.join("\n"), /"other" is not active: its volumes were not looked at/);
			await assert.rejects(lab.delete(made), /storage pool "other" .* is not active: start it/);
			await lab.machine.virsh("pool-start", "other");
			await lab.newProcess();
			await lab.delete(made);
		});
	});

	it("a failure in the middle leaves nothing behind", async () => {
		const before = await readdir(lab.path("pool"));
		const file = lab.path("small.img");
		await writeFile(file, Buffer.alloc(MIB, 1));
		const { resize } = lab.host.volumes;
		lab.host.volumes.resize = async () => {
			throw new Error("made up");
		};
		await assert.rejects(
			lab.volume("undone.img", { source: { file }, format: "raw", sizeMiB: 8 }),
			(error: Error) => error.message === "made up",
		);
		lab.host.volumes.resize = resize;
		await finishRefreshes();
		assert.deepEqual(await readdir(lab.path("pool")), before);
		assert.equal((await readFile(file)).length, MIB);
		forgetUses(lab.host);
	});
});
