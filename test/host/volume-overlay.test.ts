import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { finishRefreshes } from "../../provider/volume/refresh";
import { imageInfo, run, VolumeLab, type VolumeState } from "./volume-lab";

const GIB = 2 ** 30;

describe("overlays", () => {
	let lab: VolumeLab;
	let base: VolumeState;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
		await lab.pool("pool");
		base = await lab.volume("base.qcow2", { sizeMiB: 1024 });
	});
	after(() => lab?.stop());

	it("are written directly on the storage host, as qemu-img would make them", async () => {
		const made = await lab.volume("direct.qcow2", { base: base.key });
		const info = await imageInfo(made.path);
		assert.deepEqual(
			[info.format, info["virtual-size"], info["backing-filename"], info["backing-filename-format"]],
			["qcow2", GIB, base.path, "qcow2"],
		);
		const reference = lab.path("reference.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base.path, "-F", "qcow2", reference]);
		assert.equal((await stat(made.path)).size, (await stat(reference)).size);
		assert.equal(info["actual-size"] <= 16384, true, "holes are not written");
		const { mode, uid } = await stat(made.path);
		assert.deepEqual([mode & 0o777, uid], [0o600, 0]);
		assert.deepEqual(made.lineage, {
			base: base.path,
			baseContentId: `stat:${(await stat(base.path)).size}:${(await stat(base.path, { bigint: true })).mtimeNs}`,
			chain: [base.path],
		});
		assert.deepEqual([made.made, made.capacityBytes, made.key], ["overlay", GIB, made.path]);
	});

	it("that were written directly hold what is written to them, over what the base holds", async () => {
		const first = await lab.volume("level-0.qcow2", { sizeMiB: 64 });
		await run("qemu-io", ["-c", "write -P 1 0 1M", "-c", "write -P 2 40M 1M", first.path]);
		const second = await lab.volume("level-1.qcow2", { base: first.key, sizeMiB: 2048 });
		const third = await lab.volume("level-2.qcow2", { base: second.key });
		assert.deepEqual(third.lineage?.chain, [second.path, first.path]);
		assert.equal(third.capacityBytes, 2 * GIB);
		const script = ["read -P 1 0 1M", "write -P 3 0 64k", "read -P 3 0 64k", "read -P 1 64k 64k", "read -P 2 40M 1M"];
		const high = ["write -P 4 2047M 1M", "read -P 4 2047M 1M", "read -P 0 100M 1M"];
		const { stdout } = await run("qemu-io", [...[...script, ...high].flatMap((c) => ["-c", c]), third.path]);
		assert.doesNotMatch(stdout, /fail|error|Pattern/i);
		await run("qemu-img", ["check", "-q", third.path]);
	});

	for (const sizeMiB of [1, 513, 262_144, 4_194_304]) {
		it(`of ${sizeMiB} MiB are consistent`, async () => {
			const small = await lab.volume(`base-${sizeMiB}.qcow2`, { sizeMiB: 1 });
			const made = await lab.volume(`size-${sizeMiB}.qcow2`, { base: small.key, sizeMiB });
			assert.equal((await imageInfo(made.path))["virtual-size"], sizeMiB * 2 ** 20);
		});
	}

	it("of a raw base name its format, and round its size up to sectors", async () => {
		await writeFile(lab.path("pool", "odd.img"), Buffer.alloc(1_000_001));
		const made = await lab.volume("on-raw.qcow2", { base: lab.path("pool", "odd.img") });
		const info = await imageInfo(made.path);
		assert.deepEqual([info["backing-filename-format"], info["virtual-size"]], ["raw", 1_000_448]);
	});

	it("refresh their pool once for many", async () => {
		const count = 50;
		const refresh = lab.host.pools.refresh;
		let refreshes = 0;
		lab.host.pools.refresh = (...args) => {
			refreshes++;
			return refresh(...args);
		};
		try {
			await lab.volume("warm.qcow2", { base: base.key });
			await finishRefreshes();
			refreshes = 0;
			const inputs = await Promise.all(
				Array.from({ length: count }, (_, i) => lab.volume(`fast-${i}.qcow2`, { base: base.key })),
			);
			await finishRefreshes();
			assert.equal(inputs.length, count);
			assert.ok(refreshes <= 2, `${refreshes} refreshes`);
			const listed = await lab.machine.virsh("vol-list", "pool");
			assert.equal(listed.match(/fast-\d+\.qcow2 /g)?.length, count);
		} finally {
			lab.host.pools.refresh = refresh;
		}
	});

	it("are found by libvirt's clients, and removed without leaving a trace", async () => {
		const made = await lab.volume("short.qcow2", { base: base.key });
		await finishRefreshes();
		assert.match(await lab.machine.virsh("vol-list", "pool"), /short\.qcow2 /);
		await lab.delete(made);
		await finishRefreshes();
		assert.doesNotMatch(await lab.machine.virsh("vol-list", "pool"), /short\.qcow2 /);
		assert.equal(await lab.read(made), undefined);
		await lab.delete(made);
	});

	it("are made by libvirt where this code does not run on the storage host", async () => {
		await lab.farPool("far");
		const farBase = await lab.volume("far-base.qcow2", { pool: "far", sizeMiB: 100 });
		const made = await lab.volume("far.qcow2", { pool: "far", base: farBase.key, sizeMiB: 200 });
		assert.deepEqual(await readdir(lab.path("far")), [], "nothing is visible here");
		const { stdout } = await lab.machine.exec("qemu-img", ["info", "--output=json", made.path]);
		const info = JSON.parse(stdout);
		assert.deepEqual(
			[info["virtual-size"], info["backing-filename"], info["backing-filename-format"]],
			[200 * 2 ** 20, farBase.path, "qcow2"],
		);
		assert.equal(info["format-specific"].data.compat, "1.1");
		assert.deepEqual(await lab.read(made), made);
		await assert.rejects(lab.delete(farBase), /far-base\.qcow2 cannot be deleted: this uses it: volume .*far\.qcow2/);
		await lab.delete(made);
		await lab.delete(farBase);
		assert.equal((await lab.machine.exec("ls", [lab.path("far")])).stdout, "");
	});

	it("are not taken for local ones because a file of the same path lies here", async () => {
		await lab.newProcess();
		const farBase = await lab.volume("decoy.qcow2", { pool: "far", sizeMiB: 100 });
		await writeFile(farBase.path, "not the same file");
		const made = await lab.volume("honest.qcow2", { pool: "far", base: farBase.key });
		assert.deepEqual(await readdir(lab.path("far")), ["decoy.qcow2"]);
		assert.match((await lab.machine.exec("ls", [lab.path("far")])).stdout, /honest\.qcow2/);
		await lab.delete(made);
		await lab.delete(farBase);
		assert.equal(await readFile(farBase.path, "utf8"), "not the same file", "the file here is not ours to touch");
	});

	it("boot", async () => {
		const image = await lab.bootFiles();
		const gold = await lab.volume("gold.qcow2", { source: { file: image.disk } });
		const clone = await lab.volume("clone.qcow2", { base: gold.key, sizeMiB: 256 });
		const guest = await lab.domain("guest", {
			disks: [{ volume: clone.key }],
			waitFor: { agent: true, timeoutSeconds: 60 },
		});
		await lab.deleteDomain(guest);
		assert.ok((await imageInfo(clone.path))["actual-size"] > 100_000, "the guest wrote to its own disk");
		assert.equal((await stat(gold.path)).size, image.sizeBytes);
	});

	it("survive a kill at any moment: there is a whole one or none", async () => {
		const script = `
			const { VolumeLab } = require(${JSON.stringify(join(__dirname, "volume-lab.js"))});
			const { connect } = require(${JSON.stringify(join(__dirname, "../../provider/libvirt"))});
			const { volume } = require(${JSON.stringify(join(__dirname, "../../provider/volume/lifecycle.js"))});
			const host = connect(${JSON.stringify(lab.machine.uri)});
			const inputs = (name) => ({ uri: host.uri, ownerId: "o/p/s/" + name, pool: "pool", name, format: "qcow2",
				base: ${JSON.stringify(base.key)}, cloning: "auto", onBaseChange: "keep" });
			(async () => { for (let i = 0; ; i++) {
				await Promise.all([0, 1, 2, 3].map((k) => volume.create(inputs("killed-" + i + "-" + k + ".qcow2"), { host, log() {} })));
				if (i === 3) console.log("going");
			} })();`;
		const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
		await new Promise((resolve) => child.stdout.once("data", resolve));
		await sleep(100);
		child.kill("SIGKILL");
		await new Promise((resolve) => child.once("exit", resolve));
		const names = await readdir(lab.path("pool"));
		const whole = names.filter((name) => name.startsWith("killed-"));
		assert.ok(whole.length > 12, `${whole.length}`);
		for (const name of whole.slice(-12)) await imageInfo(lab.path("pool", name));
		// What such a kill may leave is removed by a later process.
		const partial = lab.path("pool", ".old.qcow2.00000000-1-1-0123456789ab.partial");
		await writeFile(partial, "");
		await utimes(partial, new Date(0), new Date(0));
		const sweeper = `require(${JSON.stringify(join(__dirname, "../../provider/volume/local.js"))})
			.makeFile(${JSON.stringify(lab.path("pool", "new"))}, (t) => require("fs").promises.writeFile(t, ""))`;
		await run(process.execPath, ["-e", sweeper]);
		assert.ok(!(await readdir(lab.path("pool"))).includes(".old.qcow2.00000000-1-1-0123456789ab.partial"));
	});
});
