import * as assert from "node:assert/strict";
import { access, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { pool } from "../../provider/pool/lifecycle";
import { checked, type PoolState, VolumeLab, wire } from "./volume-lab";

describe("storage pools", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start();
	});
	after(() => lab?.stop());
	afterEach(() => lab.newProcess());

	const remove = (state: PoolState) => pool.delete(state.uuid, state, lab.context);
	const read = async (state: PoolState) => {
		const found = await pool.read(state.uuid, state, lab.context);
		return found && wire(found);
	};
	const owned = (owner: string, more: Record<string, unknown>) =>
		checked(pool, { uri: lab.machine.uri, ownerId: `org/project/stack/${owner}`, ...more });

	it("make their directory, start with the host, and read as recorded", async () => {
		const state = await lab.pool("first", { path: lab.path("deep", "er") });
		assert.ok((await stat(lab.path("deep", "er"))).isDirectory());
		const info = await lab.machine.virsh("pool-info", "first");
		assert.match(info, /State: +running/);
		assert.match(info, /Autostart: +yes/);
		assert.deepEqual(await read(state), state);
		assert.deepEqual(await lab.pool("first", { path: lab.path("deep", "er") }), state, "a second create finds its own");
		await remove(state);
		await remove(state);
		assert.equal(await pool.exists!(state.uuid, lab.context), false);
		assert.ok((await stat(lab.path("deep", "er"))).isDirectory(), "the directory stays");
	});

	it("leave an existing directory and what is in it alone", async () => {
		await mkdir(lab.path("there"), { mode: 0o751 });
		await writeFile(lab.path("there", "file"), "kept");
		const state = await lab.pool("there");
		await remove(state);
		assert.equal((await stat(lab.path("there"))).mode & 0o777, 0o751);
		assert.deepEqual(await readdir(lab.path("there")), ["file"]);
	});

	it("remove their directory when asked to, and only when it is empty", async () => {
		const state = await lab.pool("short", { deleteDirectory: true });
		await writeFile(lab.path("short", "file"), "");
		await assert.rejects(
			remove(state),
			/directory .*short of the storage pool "short" cannot be removed: 1 file\(s\) are in it: file\./,
		);
		assert.match(await lab.machine.virsh("pool-info", "short"), /State: +running/);
		await lab.machine.exec("rm", [lab.path("short", "file")]);
		await remove(state);
		await assert.rejects(access(lab.path("short")));
		assert.doesNotMatch(await lab.machine.virsh("pool-list", "--all"), /short/);
	});

	it("belong to whom they were handed on to: the former owner's create makes one of its own", async () => {
		const state = await lab.pool("handed");
		const next = await owned("next", { name: "handed", path: lab.path("handed") });
		const handed = wire(await pool.update(state.uuid, state, next, lab.context));
		assert.deepEqual(await read(handed), handed);
		await assert.rejects(
			lab.pool("handed"),
			/"handed" exists already on .* and belongs to "org\/project\/stack\/next"\./,
		);
		await assert.rejects(remove(state), /"handed" was not deleted: it belongs to "org\/project\/stack\/next" by now/);
		const own = await lab.pool("own", { ownerId: state.ownerId });
		assert.notEqual(own.uuid, state.uuid);
		assert.equal(own.uuid.slice(0, 8), state.uuid.slice(0, 8), "both carry the mark of the stack");
		assert.deepEqual(await lab.pool("own", { ownerId: state.ownerId }), own);
		for (const each of [own, handed]) await remove(each);
	});

	it("refuse somebody else's of the same name, unless it is to be adopted", async () => {
		await mkdir(lab.path("foreign"));
		await lab.machine.virsh("pool-define-as", "foreign", "dir", "--target", lab.path("foreign"));
		await assert.rejects(
			lab.pool("foreign"),
			/"foreign" exists already .* \(type dir, .*foreign\) and was not made by this resource\. .*adopt: true/,
		);
		await assert.rejects(
			lab.pool("foreign", { adopt: true, path: lab.path("elsewhere") }),
			/cannot be taken over: it is of type dir for .*foreign, asked for is type dir for .*elsewhere/,
		);
		const state = await lab.pool("foreign", { adopt: true });
		assert.match(await lab.machine.virsh("pool-info", "foreign"), /State: +running/);
		assert.deepEqual(await read(state), state);
		const conflict = await owned("conflict", { name: "conflict", path: lab.path("foreign") });
		await assert.rejects(pool.create(conflict, lab.context), /another pool has the directory .*foreign already/);
		assert.doesNotMatch(await lab.machine.virsh("pool-list", "--all"), /conflict/);
		await remove(state);
	});

	it("are the same after a rename of the resource, and after an interrupted replacement", async () => {
		const state = await lab.pool("renamed");
		const renamed = await owned("new-name", { name: "renamed", path: state.path, previousOwnerIds: [state.ownerId] });
		assert.equal((await pool.create(renamed, lab.context)).id, state.uuid);
		const other = await owned("new-name", { name: "other", path: lab.path("other") });
		const replaced = await pool.create({ ...other, previousOwnerIds: [state.ownerId] }, lab.context);
		assert.equal(replaced.id, state.uuid);
		assert.doesNotMatch(await lab.machine.virsh("pool-list", "--all"), /renamed/);
		await remove(wire(replaced.state));
	});

	it("show on a refresh that they were stopped or changed, and the next update mends that", async () => {
		const state = await lab.pool("drift");
		await lab.machine.virsh("pool-destroy", "drift");
		await lab.machine.virsh("pool-autostart", "drift", "--disable");
		const found = (await read(state))!;
		assert.deepEqual(found, { ...state, autostart: false, incomplete: true });
		const { incomplete: _, uuid: __, ...inputs } = state as PoolState & { incomplete?: boolean };
		assert.deepEqual(
			pool.changes(found, inputs).map(({ property, effect }) => [property, effect]),
			[["autostart", "live"]],
		);
		const updated = wire(await pool.update(state.uuid, found, inputs, lab.context));
		assert.deepEqual(updated, state);
		assert.deepEqual(await read(updated), state);
		await remove(state);
	});

	it("are not stopped while a domain uses them", async () => {
		const state = await lab.pool("pool");
		const disk = await lab.volume("disk.qcow2", { sizeMiB: 16 });
		const guest = await lab.domain("user", { disks: [{ volume: disk.key }] });
		await assert.rejects(remove(state), /"pool" cannot be deleted: domains use it: user \(running\)\./);
		await lab.deleteDomain(guest);
		const xml = lab.path("named.xml");
		await writeFile(
			xml,
			`<domain type="qemu"><name>named</name><memory unit="MiB">32</memory><os><type>hvm</type></os><devices>
			<disk type="volume"><source pool="pool" volume="disk.qcow2"/><target dev="vda"/></disk></devices></domain>`,
		);
		await lab.machine.virsh("define", xml);
		await assert.rejects(remove(state), /domains use it: named \(shut off\)/);
		await assert.rejects(lab.delete(disk), /disk\.qcow2 cannot be deleted: this uses it: domain named \(shut off\)/);
		await lab.machine.virsh("undefine", "named");
		await remove(state);
		assert.deepEqual(await readdir(state.path), ["disk.qcow2"], "contents stay");
	});

	it("leave no definition when they cannot be started", async () => {
		await writeFile(lab.path("file"), "");
		await assert.rejects(lab.pool("broken", { path: lab.path("file", "below") }), /broken|file/);
		assert.doesNotMatch(await lab.machine.virsh("pool-list", "--all"), /broken/);
	});
});
