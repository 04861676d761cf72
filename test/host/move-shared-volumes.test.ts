import assert from "node:assert/strict";
import { copyFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { forgetKnown, rememberMade } from "../../provider/guard/known";
import { sweep } from "../../provider/guard/sweep";
import type { InputError } from "../../provider/lifecycle";
import { stackTag } from "../../provider/owner";
import { handlerOf } from "../../provider/resource";
import { idOf } from "../../provider/volume/holders";
import { volume } from "../../provider/volume/lifecycle";
import { forgetPools } from "../../provider/volume/pools";
import { type Full, type Lab, wire } from "./domain-lab";
import { SharedLab } from "./shared-lab";
import type { VolumeState } from "./volume-lab";

/** Moment of the run: what it tries to make first is there already. */
const RIGHT_AFTER_CLAIM = 3;

/** With machines that are off: whose the file is does not depend on it. */
describe("the volume of a machine that goes to a host with the same storage", function () {
	this.timeout(120_000);
	let shared: SharedLab;
	before(async () => {
		shared = await SharedLab.start();
	});
	after(() => shared?.stop());

	/** A volume on the first host, and a machine on it. */
	async function made(name: string, more: Record<string, unknown> = { sizeMiB: 8 }): Promise<[VolumeState, Full]> {
		const { a } = shared;
		const disk = wire((await volume.create(await shared.volumeOn(a, name, more), a.context)).state);
		return [disk, wire(await a.create(machine(a, name, disk)))];
	}

	const machine = (lab: Lab, name: string, disk: VolumeState) =>
		lab.plain(name, {
			type: "qemu",
			running: false,
			memoryMiB: 64,
			disks: [{ volume: disk.key }],
			migration: shared.migrationTo(lab),
		});
	const remove = (state: VolumeState, lab: Lab) => volume.delete(state.key, state, lab.context);
	const claimed = async () => (await shared.files()).filter((name) => name.endsWith(".claimed")).length;

	it("is its own again where the run that was to bring it was cut off before that was recorded", async () => {
		const [disk, state] = await made("lost");
		const news = await shared.volumeOn(shared.b, "lost", { sizeMiB: 8 });
		assert.equal(await shared.inAnotherRun({ volume: "create", olds: disk, news }, RIGHT_AFTER_CLAIM), undefined);
		assert.equal(await claimed(), 1);
		await shared.a.delete(state);
		await shared.inAnotherRun({ volume: "delete", state: disk });
		assert.deepEqual(await shared.files(), []);
	});

	it("is not removed by the host that it is to leave while it is recorded on the other", async () => {
		const [disk, state] = await made("comes");
		const there = await shared.createAnew(disk, await shared.volumeOn(shared.b, "comes", { sizeMiB: 8 }), shared.b);
		await shared.a.delete(state);
		await remove(disk, shared.a);
		assert.match(
			shared.a.logged.join("\n"),
			/comes\.qcow2 stays: on storage that hosts share, another host has it by now/,
		);
		assert.equal((await shared.files())[0], "comes.qcow2");
		await remove(there, shared.b);
		assert.deepEqual(await shared.files(), []);
	});

	it("is its machine's again where the program goes back to the host that the machine has not left", async () => {
		const [disk, state] = await made("back");
		const on = (lab: Lab) => shared.volumeOn(lab, "back", { sizeMiB: 8 });
		const there = await shared.createAnew(disk, await on(shared.b), shared.b);
		const back = await shared.createAnew(wire(there), await on(shared.a), shared.a);
		await remove(there, shared.b);
		// As a run that was cut off before has left it.
		await remove(disk, shared.a);
		assert.equal((await shared.files())[0], "back.qcow2");
		await shared.a.delete(state);
		await shared.inAnotherRun({ volume: "delete", state: there });
		await shared.inAnotherRun({ volume: "delete", state: wire(back) });
		assert.deepEqual(await shared.files(), []);
	});

	it("is another one where both hosts have a file of that name, but not the same", async () => {
		const [disk, state] = await made("copy");
		const own = await shared.another();
		await copyFile(join(shared.folder, "disk"), join(own, "disk"));
		await copyFile(join(shared.folder, "copy.qcow2"), join(own, "copy.qcow2"));
		// As a run has left it that was killed while it asked the one host for a mark of the other.
		const stale = `copy.qcow2.1-${await idOf(shared.b.host)}-01234567.claimed`;
		await writeFile(join(shared.folder, stale), "");
		await shared.mount(shared.b, own, shared.b.machine.poolDirectory);
		const there = await shared.createAnew(disk, await shared.volumeOn(shared.b, "copy", { sizeMiB: 8 }), shared.b);
		assert.deepEqual([await claimed(), (await readdir(own)).sort()], [0, ["copy.qcow2", "disk"]]);
		assert.deepEqual(await shared.files(), ["copy.qcow2"]);
		const moved = wire(await shared.b.update(state, machine(shared.b, "copy", there)));
		// As the engine asks for it in a run after the one that was cut off: both are at the same path.
		const handler = handlerOf(volume);
		await handler.diff(there.key, { ...there }, { ...there });
		await handler.delete(disk.key, { ...disk });
		assert.deepEqual(await shared.files(), []);
		assert.deepEqual((await readdir(own)).sort(), ["copy.qcow2", "disk"]);
		await shared.b.delete(moved);
		await remove(there, shared.b);
		assert.deepEqual(await readdir(own), ["disk"]);
		await shared.b.machine.exec("umount", [shared.b.machine.poolDirectory]);
		const { uuid } = (await shared.b.host.pools.find("pool"))!;
		await shared.b.host.pools.refresh(uuid);
	});

	it("may be at another path there, where nothing lies below it", async () => {
		const [disk, state] = await made("else");
		const path = await shared.another();
		const { uuid } = await shared.b.host.pools.define(
			`<pool type="dir"><name>else</name><target><path>${path}</path></target></pool>`,
		);
		await shared.b.host.pools.start(uuid);
		await shared.mount(shared.b, shared.folder, path, "else");
		const news = await shared.volumeOn(shared.b, "else", { sizeMiB: 8, pool: "else" });
		const there = await shared.createAnew(disk, news, shared.b);
		assert.equal(there.path, join(path, "else.qcow2"));
		const { ino } = await stat(join(shared.folder, "else.qcow2"));
		const moved = wire(await shared.b.update(state, machine(shared.b, "else", there)));
		await shared.inAnotherRun({ volume: "delete", state: disk });
		assert.equal((await stat(join(shared.folder, "else.qcow2"))).ino, ino);
		await shared.b.delete(moved);
		await remove(there, shared.b);
		assert.deepEqual(await shared.files(), []);
		await shared.b.host.pools.destroy(uuid);
		await shared.b.host.pools.undefine(uuid);
	});

	it("is refused where it is not what is asked for, or its delete would not know, before anything is touched", async () => {
		const [disk, state] = await made("plain", { base: shared.a.path("disk"), movable: false });
		const { b } = shared;
		const there = async (more: Record<string, unknown>) =>
			shared.createAnew(disk, await shared.volumeOn(b, "plain", { base: b.path("disk"), ...more }), b);
		const refused = (more: Record<string, unknown>, property: string, why: RegExp) =>
			assert.rejects(there(more), (error: InputError) => {
				assert.equal(error.property, property);
				assert.match(error.message, /plain\.qcow2 is the same file as \S+ on \S+, on storage that both hosts share/);
				assert.match(error.message, why);
				return true;
			});
		await refused({}, "movable", /set it and run pulumi up before uri is changed/);
		Object.assign(disk, { movable: true });
		await refused({ sizeMiB: disk.capacityBytes / 2 ** 20 + 8 }, "sizeMiB", /it grows before or after it moves/);
		await refused({ independent: true }, "independent", /of its base before or after it moves/);
		const other = wire((await volume.create(await shared.volumeOn(b, "base", { sizeMiB: 8 }), b.context)).state);
		await refused({ base: other.key }, "uri", /its backing store is \S+disk instead of \S+base\.qcow2/);
		await remove(other, b);
		assert.deepEqual(await shared.files(), ["plain.qcow2"]);
		await shared.a.delete(state);
		await remove(disk, shared.a);
	});

	it("stays where its pool is off, or its host does not answer, as nobody can see what is in that", async () => {
		const [disk, state] = await made("unseen");
		const { a, b } = shared;
		await a.host.pools.destroy(disk.poolUuid!);
		forgetPools(a.host);
		const news = await shared.volumeOn(b, "unseen", { sizeMiB: 8 });
		const stays = (reason: RegExp) =>
			assert.rejects(volume.settle!(disk, news, b.context), (error: InputError) => {
				assert.equal(error.property, "uri");
				assert.match(error.message, reason);
				return true;
			});
		await stays(/its pool there is not active, .*: start pool "pool"/);
		await a.machine.killLibvirtd();
		await stays(/what is there cannot be told: cannot connect/);
		await a.machine.startLibvirtd();
		forgetPools(a.host);
		assert.deepEqual((await volume.settle!(disk, news, b.context)).moves, { from: a.host.uri });
		await a.delete(state);
		await remove(disk, a);
	});

	it("is not swept where the other host has it at another path, unlike another one of that name", async () => {
		const { a, b } = shared;
		const name = `seen-${stackTag("org/project/stack/")}`;
		const [disk, state] = await made(name);
		await a.delete(state);
		const path = await shared.another();
		const { uuid } = await b.host.pools.define(
			`<pool type="dir"><name>seen</name><target><path>${path}</path></target></pool>`,
		);
		await b.host.pools.start(uuid);
		await shared.mount(b, shared.folder, path, "seen");
		const there = join(path, disk.name);
		rememberMade(there, b.host.uri);
		assert.deepEqual(await sweep(a.host, { stack: "org/project/stack" }), { removed: [], kept: [] });
		await b.machine.exec("umount", [path]);
		await copyFile(join(shared.folder, disk.name), join(path, disk.name));
		await b.host.pools.refresh(uuid);
		const { removed } = await sweep(a.host, { stack: "org/project/stack" });
		assert.deepEqual(removed, [`volume ${disk.path}`]);
		forgetKnown(there, b.host.uri);
		await b.host.pools.destroy(uuid);
		await b.host.pools.undefine(uuid);
	});

	it("is left to the other host by a sweep, which takes what is left of a mark", async () => {
		const name = `swept-${stackTag("org/project/stack/")}`;
		const [disk, state] = await made(name);
		const there = await shared.createAnew(disk, await shared.volumeOn(shared.b, name, { sizeMiB: 8 }), shared.b);
		const moved = wire(await shared.b.update(state, machine(shared.b, name, there)));
		const swept = await sweep(shared.a.host, { stack: "org/project/stack" });
		assert.deepEqual(swept, { removed: [], kept: [`volume ${disk.path}: another host may have it by now`] });
		await shared.b.delete(moved);
		const { uuid } = (await shared.b.host.pools.find("pool"))!;
		await shared.b.host.volumes.delete(there.key);
		await shared.b.host.pools.refresh(uuid);
		const { removed } = await sweep(shared.b.host, { stack: "org/project/stack" });
		assert.match(removed.join(), /^volume \S+\.qcow2\.1-[0-9a-f]{32}-[0-9a-f]{8}\.held$/);
		assert.deepEqual(await shared.files(), []);
	});
});
