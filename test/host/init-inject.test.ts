import * as assert from "node:assert/strict";
import { chmod, copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { guestExec } from "../../provider/domain/agent";
import { injectThroughAgent } from "../../provider/init/inject/agent";
import { injectIntoSource } from "../../provider/init/inject/into-source";
import { injectedOf } from "../../provider/init/injected";
import { injection } from "../../provider/init/injection/lifecycle";
import type { Payload } from "../../provider/init/payload-type";
import { fileSha256 } from "../../provider/volume/file-hash";
import { defaultName } from "../../provider/volume/name";
import { planLines } from "../../provider/volume/plan";
import { ensureImage } from "../../tools/images";
import { finished, kill, killedInCommit, payloadOf, startTask, withLibguestfs } from "./inject-lab";
import { checked, imageInfo, VolumeLab } from "./volume-lab";

const MIB = 2 ** 20;

describe("scripts in images", function () {
	this.timeout(300_000);
	withLibguestfs();
	let lab: VolumeLab;
	let gold: string;
	let goldHash: string;

	before(async () => {
		lab = await VolumeLab.start();
		gold = inPool("gold.qcow2");
		await mkdir(lab.path("pool"));
		await copyFile((await ensureImage("micro")).disk, gold);
		goldHash = await fileSha256(gold);
		await lab.pool("pool");
	});

	after(async () => {
		await lab?.stop();
	});

	const inPool = (...names: string[]) => lab.path("pool", ...names);
	const nameOf = (owner: string, payload: Payload) =>
		defaultName(owner, `org/project/stack/${owner}`, "qcow2", payload.version.slice(0, 8));

	/** Inputs of the image of a payload, as a component gives them. */
	const imageInputs = (owner: string, payload: Payload, more: Record<string, unknown> = {}) => ({
		uri: lab.machine.uri,
		ownerId: `org/project/stack/${owner}`,
		pool: "pool",
		name: nameOf(owner, payload),
		base: gold,
		injected: injectedOf(payload),
		...more,
	});

	const makeImage = async (owner: string, payload: Payload, more: Record<string, unknown> = {}) =>
		lab.volume(nameOf(owner, payload), imageInputs(owner, payload, more));

	const refreshPool = async () => lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);

	/** What a guest with this disk says of its scripts; it is powered off then. */
	const saidBy = async (disk: string, name: string): Promise<string> => {
		const machine = await lab.domain(name, { disks: [{ volume: disk }], waitFor: { agent: true } });
		try {
			return await said(machine.uuid);
		} finally {
			await lab.deleteDomain(machine);
		}
	};

	/** They run beside the agent's start. */
	const said = (uuid: string) =>
		guestExec(lab.host, uuid, "/bin/sh", [
			"-c",
			"until [ -s /run/scripts-ran ]; do sleep 0.1; done; cat /run/scripts-ran",
		]);

	const leftovers = async (pool = "pool") => (await readdir(lab.path(pool))).filter((name) => name.startsWith("."));

	describe("by an overlay", () => {
		const payload = payloadOf();
		let image: Awaited<ReturnType<VolumeLab["volume"]>>;

		// The first volume of its pool: nothing in it tells yet whose directory it is.
		before(() => lab.pool("first"));
		const inputs = () => imageInputs("image", payload, { pool: "first" });
		const ownLeftovers = () => leftovers("first");

		/** Resolves once something is written into the overlay that is being filled. */
		const untilFilled = async () => {
			const until = Date.now() + 60_000;
			for (;;) {
				const [partial] = (await ownLeftovers()).filter((name) => name.endsWith(".partial"));
				const found = partial && (await stat(lab.path("first", partial)).catch(() => undefined));
				if (found && found.size > 4 * 65_536) return;
				assert.ok(Date.now() < until, "nothing is filled");
				await sleep(10);
			}
		};

		it("are told of in the preview", async () => {
			const lines = await planLines(await lab.volumeInputs("x", inputs()), lab.context);
			assert.match(
				lines.join("\n"),
				/overlay on .*gold.qcow2.*\nscripts [0-9a-f]{8}: 5 files of 1 KiB are put into it by libguestfs/,
			);
		});

		it("leave nothing when killed while it writes, and the next create makes it", async () => {
			const task = { uri: lab.machine.uri, volume: inputs() };
			const child = startTask(task);
			await untilFilled();
			await kill(child);
			assert.equal(child.signalCode, "SIGKILL");
			assert.equal(await fileSha256(gold), goldHash);
			assert.equal((await readdir(lab.path("first"))).includes(task.volume.name), false);
			await finished(startTask(task));
			assert.deepEqual(await readdir(lab.path("first")), [task.volume.name]);
		});

		it("are not put in twice, by whoever has not made it", async () => {
			const path = lab.path("first", nameOf("image", payload));
			const before = await stat(path, { bigint: true });
			await lab.newProcess();
			image = await makeImage("image", payload, { pool: "first" });
			assert.equal(image.path, path);
			assert.equal((await stat(path, { bigint: true })).mtimeNs, before.mtimeNs);
		});

		it("leave the base as it is, and are thin", async () => {
			assert.equal(await fileSha256(gold), goldHash);
			const info = await imageInfo(image.path);
			assert.equal(info["backing-filename"], gold);
			assert.ok(info["actual-size"] < 3 * MIB, `${info["actual-size"]} bytes`);
			assert.match(image.contentId ?? "", /^sha256:/);
			assert.deepEqual(await ownLeftovers(), []);
		});

		it("are not in the state", () => {
			assert.deepEqual(image.injected, { version: payload.version });
			assert.doesNotMatch(JSON.stringify(image), /secret of|c2VjcmV0/);
		});

		it("run in a guest that boots from a thin clone of it", async () => {
			const clone = await lab.volume("clone.qcow2", { base: image.path, baseContentId: image.contentId });
			assert.equal(await saidBy(clone.path, "clone"), "one boot\n");
			assert.equal(await fileSha256(gold), goldHash);
		});

		it("are refused by a disk without a root", async () => {
			await lab.volume("empty.qcow2", { sizeMiB: 16 });
			const made = makeImage("no-root", payload, { base: "empty.qcow2" });
			await assert.rejects(made, /empty.qcow2 has no root file system.*Take an image of a whole system/);
			assert.deepEqual(await leftovers(), []);
		});

		it("need the files to be this machine's, and guestfish", async () => {
			await lab.farPool("far");
			const other = payloadOf("other");
			await assert.rejects(
				makeImage("far", other, { pool: "far" }),
				/in the pool "far" of .* not files of this machine.*Run the program on the storage host; or .*guest agent/,
			);
			assert.deepEqual(await lab.host.pools.listVolumes((await lab.host.pools.find("far"))!.uuid), []);
			const { PATH } = process.env;
			try {
				process.env.PATH = "/nowhere";
				await assert.rejects(makeImage("no-tool", other), /guestfish.* is not installed on this machine/);
			} finally {
				process.env.PATH = PATH;
			}
			assert.deepEqual(await leftovers(), []);
		});
	});

	describe("in the source itself", () => {
		let source: string;

		before(async () => {
			source = inPool("source.qcow2");
			await copyFile(gold, source);
			await chmod(source, 0o600);
			await refreshPool();
		});

		it("are refused while a machine runs on it, or a volume depends on it", async () => {
			const before = await fileSha256(source);
			const clone = await lab.volume("on-source.qcow2", { base: source });
			await assert.rejects(
				injectIntoSource(lab.context, source, payloadOf()),
				/cannot be given scripts.*on-source.qcow2/,
			);
			await lab.delete(clone);
			await assert.rejects(injectIntoSource(lab.context, "/nowhere/x.qcow2", payloadOf()), /there is no volume/);
			assert.equal(await fileSha256(source), before);
			const machine = await lab.domain("busy", { disks: [{ volume: source }] });
			await assert.rejects(
				injectIntoSource(lab.context, source, payloadOf()),
				/cannot be given scripts.*domain busy \(running\)/,
			);
			await assert.rejects(makeImage("of-busy", payloadOf(), { base: source }), /while it is being written/);
			await lab.deleteDomain(machine);
		});

		it("are there whole when killed while they are written into it", async () => {
			await killedInCommit(
				{ uri: lab.machine.uri, source: { path: source, injected: injectedOf(payloadOf()) } },
				"during",
			);
			const killed = await imageInfo(source);
			assert.equal(killed["backing-filename"], inPool(".source.qcow2.source"));
			await lab.newProcess();
			await refreshPool();
			assert.equal(await saidBy(source, "half"), "one boot\n");
		});

		it("run, in place of former ones, and are put in once", async () => {
			const inode = (await stat(inPool(".source.qcow2.source"))).ino;
			assert.equal((await injectIntoSource(lab.context, source, payloadOf("two"))).changed, true);
			assert.equal((await stat(source)).ino, inode);
			assert.equal((await imageInfo(source))["backing-filename"], undefined);
			assert.deepEqual(await leftovers(), []);
			const before = await fileSha256(source);
			assert.equal((await injectIntoSource(lab.context, source, payloadOf("two"))).changed, false);
			assert.equal(await fileSha256(source), before);
			assert.deepEqual(await leftovers(), []);
			assert.equal(await saidBy(source, "whole"), "two boot\n");
		});
	});

	it("are put into a running machine, are there after a power failure, and are taken out again", async () => {
		const disk = await lab.volume("running.qcow2", { base: gold });
		const disks = [{ volume: disk.path }];
		const machine = await lab.domain("running", { disks, waitFor: { agent: true } });
		const inputs = (text: string) =>
			checked(injection, {
				uri: lab.machine.uri,
				ownerId: "org/project/stack/injection",
				domain: "running",
				injected: injectedOf(payloadOf(text)),
			});
		const made = await injection.create(await inputs("one"), lab.context);
		assert.equal(made.state.target, machine.uuid);
		const state = await injection.update(made.id, made.state, await inputs("two"), lab.context);
		assert.equal(await injectThroughAgent(lab.host, machine.uuid, payloadOf("two")), false);
		await lab.host.domains.destroy(machine.uuid);
		await lab.deleteDomain(machine);
		const next = await lab.domain("running", { disks, waitFor: { agent: true } });
		assert.equal(await said(next.uuid), "two boot\n");
		const look = () =>
			guestExec(lab.host, next.uuid, "/bin/sh", [
				"-c",
				"ls -ld /usr/lib/clones-init/plan; ls -a /usr/lib /etc /etc/systemd/system; cat /etc/inittab",
			]).catch((error: Error) => error.message);
		const seen = await look();
		assert.match(seen, /^drwx------ /);
		assert.match(seen, /odd \|/);
		assert.doesNotMatch(seen, /clones-(init-)?new/);
		assert.equal(seen.match(/clones-init.run boot/g)?.length, 1);
		await injection.delete(made.id, state, lab.context);
		assert.doesNotMatch((await look()).replace(/^.*No such file.*$/m, ""), /clones|odd \|/);
		await lab.deleteDomain(next);
	});
});
