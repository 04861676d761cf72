import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { guestExec } from "../../provider/domain/agent";
import { changes } from "../../provider/volume/changes";
import { volume } from "../../provider/volume/lifecycle";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { type DomainState, imageInfo, run, VolumeLab, type VolumeState } from "./volume-lab";

/** Clones that get rid of their base, or get another one, with what guests have written to them. */
describe("clones and their bases", function () {
	this.timeout(120_000);
	let lab: VolumeLab;
	let root: VolumeState;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
		await lab.pool("pool");
		root = await lab.volume("root.qcow2", { source: { file: (await lab.bootFiles()).disk } });
		await mkdir(lab.path("tight"));
		await lab.machine.exec("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", lab.path("tight")]);
		await lab.pool("tight");
	});
	after(() => lab?.stop());

	/** A base whose first 32 MiB are this byte. */
	async function baseOf(name: string, byte: number): Promise<VolumeState> {
		const base = await lab.volume(name, { sizeMiB: 64 });
		await run("qemu-io", ["-c", `write -P ${byte} 0 32M`, base.path]);
		return base;
	}
	/** Boots a disk of its own, and has the clone as its second. */
	const machine = async (name: string, disk: VolumeState, more = {}) =>
		lab.domain(name, {
			disks: [
				{ volume: (await lab.volume(`${name}-root.qcow2`, { base: root.key })).key, format: "qcow2" },
				{ volume: disk.key, format: "qcow2" },
			],
			waitFor: { agent: true, timeoutSeconds: 60 },
			lineage: { base: disk.lineage!.base, baseContentId: disk.lineage!.baseContentId },
			...more,
		});
	const sh = async ({ uuid }: DomainState, script: string) =>
		(await guestExec(lab.host, uuid, "/bin/sh", ["-c", script])).trim();
	const WRITE = "printf written | dd of=/dev/vdb bs=1M seek=40 conv=notrunc,fsync 2>/dev/null; sync";
	const READ =
		"dd if=/dev/vdb bs=1M skip=40 count=1 2>/dev/null | head -c 7; dd if=/dev/vdb bs=1 skip=1000 count=1 2>/dev/null | od -An -tu1";
	/** What a guest would read, as a hash. */
	async function contentOf({ path }: VolumeState): Promise<string> {
		const raw = lab.path(`${createHash("sha256").update(path).digest("hex").slice(0, 8)}.raw`);
		await run("qemu-img", ["convert", "-U", "-O", "raw", path, raw]);
		const hash = createHash("sha256")
			.update(await readFile(raw))
			.digest("hex");
		await rm(raw);
		return hash;
	}
	const domains = async () => (await lab.host.domains.list()).map(({ name }) => name).sort();

	/** Nothing depends on the base, and the next preview shows nothing. */
	async function standsAlone(state: VolumeState, more: Record<string, unknown>): Promise<void> {
		assert.deepEqual(state.lineage?.chain, []);
		assert.equal((await imageInfo(state.path))["backing-filename"], undefined);
		assert.deepEqual(await lab.read(state), state);
		assert.deepEqual(changes(state, await lab.volumeInputs(state.name, more)), []);
	}

	it("are made independent under a running machine, which keeps what it wrote; the base can go then", async () => {
		const base = await baseOf("base-1.qcow2", 7);
		let clone = await lab.volume("live.qcow2", { base: base.key });
		const guest = await machine("live", clone);
		await sh(guest, WRITE);
		const inputs = { base: base.key, independent: true };
		assert.deepEqual(
			await volume.plan!(await lab.volumeInputs("live.qcow2", inputs), { ...lab.context, makes: false }),
			["independent: at most 33 MiB are copied"],
		);
		await assert.rejects(lab.delete(base), /cannot be deleted: .*live\.qcow2/);
		clone = await lab.update(clone, inputs);
		assert.match(
			lab.logged.join("\n"),
			/copying up to 33 MiB of \S+base-1\.qcow2 and below into .* while live runs on it/,
		);
		await lab.delete(base);
		assert.equal(await sh(guest, READ), "written   7");
		await standsAlone(clone, inputs);
		const recorded = recordedIn(parse(await lab.host.domains.xml(guest.uuid, { inactive: true })));
		assert.equal(recorded?.lineage?.base, base.path, "what it came from is still told");
		await lab.deleteDomain(guest);
		await lab.delete(clone);
	});

	it("are made independent when no machine runs, by a guest that is gone afterwards", async () => {
		const base = await baseOf("base-2.qcow2", 8);
		for (const kind of ["off", "alone"]) {
			let clone = await lab.volume(`${kind}.qcow2`, { base: base.key });
			const guest = kind === "off" ? await machine("off", clone, { running: false, waitFor: undefined }) : undefined;
			await run("qemu-io", ["-c", "write -P 9 50M 64k", clone.path]);
			const before = await contentOf(clone);
			const inputs = { base: base.key, independent: true };
			clone = await lab.update(clone, inputs);
			await standsAlone(clone, inputs);
			assert.equal(await contentOf(clone), before);
			assert.deepEqual(await domains(), guest ? ["off"] : []);
			if (guest) await lab.deleteDomain(guest);
		}
		await lab.delete(base);
	});

	it("are made independent at once when they are new", async () => {
		const base = await baseOf("base-3.qcow2", 3);
		const clone = await lab.volume("new.qcow2", { base: base.key, independent: true });
		assert.equal(clone.lineage?.base, base.path);
		await standsAlone(clone, { base: base.key, independent: true });
		assert.equal(await contentOf(clone), await contentOf(base));
		await lab.delete(base);
	});

	it("that were being made independent when the run was called off are whole, and the next run goes on", async () => {
		const base = await baseOf("base-4.qcow2", 4);
		let clone = await lab.volume("cut.qcow2", { base: base.key });
		const guest = await machine("cut", clone);
		await sh(guest, WRITE);
		const calledOff = new AbortController();
		const slowly = async (uuid: string, disk: string) => {
			await lab.machine.virsh("blockpull", uuid, disk, "--bandwidth", "4");
			setTimeout(() => calledOff.abort(), 1500);
		};
		const host = { ...lab.host, uri: lab.host.uri, domains: { ...lab.host.domains, blockPull: slowly } };
		Object.setPrototypeOf(host, lab.host);
		const inputs = await lab.volumeInputs("cut.qcow2", { base: base.key, independent: true });
		await assert.rejects(
			volume.update(clone.key, clone, inputs, { host, log: () => {}, signal: calledOff.signal }),
			/copying into \S+cut\.qcow2 was called off; the next `pulumi up` goes on/,
		);
		assert.equal((await imageInfo(clone.path))["backing-filename"], base.path);
		assert.equal(await lab.host.domains.blockJob(guest.uuid, "vdb"), undefined, "no job is left");
		assert.equal(await sh(guest, READ), "written   4");

		// A run that was killed leaves the job going: it is waited for, not begun again.
		await lab.machine.virsh("blockpull", guest.uuid, "vdb", "--bandwidth", "16");
		clone = await lab.update(clone, { base: base.key, independent: true });
		await standsAlone(clone, { base: base.key, independent: true });
		assert.equal(await sh(guest, READ), "written   4");
		await lab.deleteDomain(guest);
		await lab.delete(base);
	});

	it("are not made independent where there is no room for it", async () => {
		const base = await baseOf("base-5.qcow2", 5);
		const clone = await lab.volume("tight.qcow2", { pool: "tight", base: base.key });
		await assert.rejects(
			lab.update(clone, { pool: "tight", base: base.key, independent: true }),
			/the pool "tight" on \S+ has [78] MiB left, and up to 33 MiB may be copied into \S+tight\.qcow2: make room/,
		);
		await assert.rejects(
			lab.update(clone, { pool: "tight", base: (await baseOf("base-6.qcow2", 6)).key, onBaseChange: "rebase" }),
			/done by qemu-img on the storage host, and the files of \S+ are not files of this machine\. .*independent: true/,
		);
		await lab.delete(clone);
	});

	describe("that are put on another base", () => {
		let former: VolumeState;
		let next: VolumeState;
		let clone: VolumeState;
		let guest: DomainState;
		before(async () => {
			former = await baseOf("former.qcow2", 1);
			next = await baseOf("next.qcow2", 2);
			clone = await lab.volume("rebased.qcow2", { base: former.key });
			guest = await machine("rebased", clone);
			await sh(guest, WRITE);
		});
		const inputs = () => ({ base: next.key, onBaseChange: "rebase" });

		it("are left alone while their machine runs", async () => {
			const before = await stat(clone.path);
			const plan = await volume.plan!(await lab.volumeInputs(clone.name, inputs()), { ...lab.context, makes: false });
			assert.match(plan.join("\n"), /rebase: at most 64 MiB are copied\nwarning: .* rebased runs on it/);
			await assert.rejects(
				lab.update(clone, inputs()),
				/cannot be put on the base \S+next\.qcow2: rebased runs on it\. Turn the machine off in an update before this/,
			);
			assert.equal((await stat(clone.path)).ino, before.ino);
			assert.equal((await imageInfo(clone.path))["backing-filename"], former.path);
			assert.equal(await sh(guest, READ), "written   1");
		});

		it("are whole after a failure in the middle, and the next run goes on", async () => {
			await lab.deleteDomain(guest);
			const before = await contentOf(clone);
			const error = await failingAt(8, () => lab.update(clone, inputs()));
			assert.match(
				error.message,
				/qemu-img rebase of \S+ ended with 1: .*File too large.* on its former base and holds what it held/,
			);
			const { stdout } = await run("qemu-img", ["info", "--output=json", clone.path]);
			assert.equal(JSON.parse(stdout)["backing-filename"], former.path);
			assert.equal(await contentOf(clone), before);

			clone = await lab.update(clone, inputs());
			assert.equal(await contentOf(clone), before);
		});

		it("depend on the new one alone: the former can go, and the machine finds what it wrote", async () => {
			assert.equal((await imageInfo(clone.path))["backing-filename"], next.path);
			assert.deepEqual([clone.lineage?.base, clone.lineage?.chain], [next.path, [next.path]]);
			assert.deepEqual(await lab.read(clone), clone);
			assert.deepEqual(changes(clone, await lab.volumeInputs(clone.name, inputs())), []);
			await lab.delete(former);
			await assert.rejects(lab.delete(next), /rebased\.qcow2/);
			guest = await machine("rebased-again", clone);
			assert.equal(await sh(guest, READ), "written   1");
			const recorded = recordedIn(parse(await lab.host.domains.xml(guest.uuid, { inactive: true })));
			assert.equal(recorded?.lineage?.base, next.path);
			await lab.deleteDomain(guest);
		});
	});

	/** Has the kernel refuse what qemu-img writes beyond so many MiB of its file. @returns the error */
	async function failingAt(mebibytes: number, work: () => Promise<unknown>): Promise<Error> {
		const folder = lab.path("bin");
		const real = (await run("sh", ["-c", "command -v qemu-img"])).stdout.trim();
		const limit = `[ "$1" != rebase ] || ulimit -f ${mebibytes * 2048}`;
		await mkdir(folder);
		await writeFile(join(folder, "qemu-img"), `#!/bin/sh\n${limit}\nexec ${real} "$@"\n`, { mode: 0o755 });
		const { PATH } = process.env;
		process.env.PATH = `${folder}:${PATH}`;
		try {
			return await work().then(
				() => assert.fail("it did not fail"),
				(error: Error) => error,
			);
		} finally {
			process.env.PATH = PATH;
		}
	}
});
