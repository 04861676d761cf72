/** Kills what puts scripts into an image at any time: the image is there whole, or as it was, and the next run makes it. */
import * as assert from "node:assert/strict";
import { copyFile, mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "../../provider/init/inject/guestfs";
import { injectIntoSource } from "../../provider/init/inject/into-source";
import { NOTHING } from "../../provider/init/inject/placed";
import { injectedOf } from "../../provider/init/injected";
import type { Payload } from "../../provider/init/payload-type";
import { fileSha256 } from "../../provider/volume/file-hash";
import { defaultName } from "../../provider/volume/name";
import { ensureImage } from "../../tools/images";
import { fat12Volume } from "../../tools/images/fat";
import { finished, kill, killedInCommit, payloadOf, startTask, withLibguestfs } from "../host/inject-lab";
import { run, VolumeLab } from "../host/volume-lab";
import type { Random } from "./random";

const OWNER = "org/project/stack/image";

export function describeInjection(rounds: number, random: Random): void {
	describe("scripts that are put into an image, under kill -9", function () {
		this.timeout(1_800_000);
		withLibguestfs();
		let lab: VolumeLab;
		let gold: string;
		let source: string;
		/** How long it takes undisturbed. */
		let wholeMs: number;
		const inPool = (...names: string[]) => lab.path("pool", ...names);

		before(async () => {
			lab = await VolumeLab.start();
			await mkdir(inPool());
			gold = inPool("gold.qcow2");
			source = inPool("source.qcow2");
			const { disk } = await ensureImage("micro");
			for (const file of [gold, source]) await copyFile(disk, file);
			await lab.pool("pool");
			const started = Date.now();
			await killedAfter(Number.POSITIVE_INFINITY, {
				source: { path: source, injected: injectedOf(payloadOf("first")) },
			});
			wholeMs = Date.now() - started;
		});

		after(() => lab?.stop());

		const killedAfter = async (ms: number, task: Omit<Parameters<typeof startTask>[0], "uri">) => {
			const child = startTask({ uri: lab.machine.uri, ...task });
			const ended = new Promise((resolve) => child.once("exit", resolve));
			if (Number.isFinite(ms)) {
				await Promise.race([sleep(ms), ended]);
				await kill(child);
			} else await ended;
		};

		/** Whether a disk has all of it; it is not changed. */
		const has = async (disk: string, payload: Payload): Promise<boolean> => {
			const overlay = join(lab.machine.directory, "look.qcow2");
			await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", disk, "-F", "qcow2", overlay]);
			try {
				return !(await inject({ path: overlay, format: "qcow2" }, payload, { kvm: false, log: () => {} })).changed;
			} finally {
				await rm(overlay);
			}
		};

		for (const moment of ["before", "during", "after"] as const) {
			it(`have all in the source when killed ${moment} the commit`, async () => {
				const payload = payloadOf(moment);
				await killedInCommit({ uri: lab.machine.uri, source: { path: source, injected: injectedOf(payload) } }, moment);
				assert.ok(await has(source, payload));
				await lab.newProcess();
				await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
				await injectIntoSource(lab.context, source, payload);
				assert.ok(await has(source, payload));
				assert.deepEqual(await leftovers(), []);
			});
		}

		it("are taken out of the source again", async () => {
			assert.equal((await injectIntoSource(lab.context, source, NOTHING)).changed, true);
			assert.equal((await injectIntoSource(lab.context, source, NOTHING)).changed, false);
			assert.deepEqual(await leftovers(), []);
		});

		it("are refused where there is no room, where nothing can be written, and by Windows", async () => {
			const payload = payloadOf("refused");
			const large = { ...payload, files: [{ path: "/large", mode: 0o600, content: Buffer.alloc(80 * 2 ** 20) }] };
			const overlay = (base: string, injected: Payload) =>
				lab.volume("refused.qcow2", { ownerId: OWNER, base, injected: injectedOf(injected) });
			await assert.rejects(overlay(gold, large), /gold.qcow2 has \d+ KiB left, and the scripts take 82\d+ KiB/);
			const root = join(lab.machine.directory, "root");
			for (const folder of ["etc", "bin"]) await mkdir(join(root, folder), { recursive: true });
			await run("mksquashfs", [root, inPool("squash.img"), "-quiet"]);
			await truncate(inPool("squash.img"), 2 ** 20);
			const kernel = { path: "Windows/System32/ntoskrnl.exe", content: Buffer.from("MZ") };
			await writeFile(inPool("windows.img"), fat12Volume("WINDOWS", 2 ** 20, [kernel]));
			await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
			await assert.rejects(overlay("squash.img", payload), /on squashfs, which is read-only/);
			await assert.rejects(overlay("windows.img", payload), /holds Windows, and the scripts are for Linux/);
			assert.deepEqual(await leftovers(), []);
		});

		const leftovers = async () => (await readdir(inPool())).filter((name) => name.startsWith("."));

		for (let round = 0; round < rounds; round++) {
			it(`leave the base of an overlay as it is (${round + 1})`, async () => {
				const payload = payloadOf(`overlay ${round}`);
				const name = defaultName("image", OWNER, "qcow2", payload.version.slice(0, 8));
				const hash = await fileSha256(gold);
				const volume = { ownerId: OWNER, pool: "pool", name, base: gold, injected: injectedOf(payload) };
				await killedAfter(random.between(0, wholeMs), { volume: { uri: lab.machine.uri, ...volume } });
				assert.equal(await fileSha256(gold), hash);
				if ((await readdir(inPool())).includes(name)) assert.ok(await has(inPool(name), payload), "a part of it");
				await finished(startTask({ uri: lab.machine.uri, volume: { uri: lab.machine.uri, ...volume } }));
				assert.ok(await has(inPool(name), payload));
				assert.deepEqual(await leftovers(), []);
			});

			it(`leave the source as it was, or have all in it (${round + 1})`, async () => {
				const payload = payloadOf(`source ${round}`);
				const before = inPool("before.qcow2");
				await copyFile(source, before);
				await killedAfter(random.between(0, wholeMs), { source: { path: source, injected: injectedOf(payload) } });
				const isSame = await run("qemu-img", ["compare", "-U", before, source]).then(
					() => true,
					() => false,
				);
				if (!isSame) assert.ok(await has(source, payload), "neither the one nor the other");
				await rm(before);
				await lab.newProcess();
				await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
				await injectIntoSource(lab.context, source, payload);
				assert.ok(await has(source, payload));
				assert.deepEqual(await leftovers(), []);
			});
		}
	});
}
