import assert from "node:assert/strict";
import { chmod, chown, stat } from "node:fs/promises";
import { join } from "node:path";
import { changes } from "../../provider/domain/changes";
import { changes as volumeChanges } from "../../provider/volume/changes";
import { volume } from "../../provider/volume/lifecycle";
import { type Full, type Lab, wire } from "./domain-lab";
import { assertTicks, awaitAgent, TICK } from "./move-faults";
import { SharedLab } from "./shared-lab";
import type { VolumeState } from "./volume-lab";

describe("a machine between hosts that share the storage of its disks", function () {
	this.timeout(300_000);
	let shared: SharedLab;
	let at: Lab;
	let disk: VolumeState;
	let state: Full;
	let bootId: string;

	before(async () => {
		shared = await SharedLab.start({ keepOwners: true });
		at = shared.a;
		disk = wire((await volume.create(await diskOn(at), at.context)).state);
		// For QEMU's user.
		await chmod(join(shared.folder, "disk.qcow2"), 0o666);
		state = wire(await at.create(await machineOn(at)));
		await counting();
	});
	after(() => shared?.stop());

	const diskOn = (lab: Lab) => shared.volumeOn(lab, "disk", { base: lab.path("disk") });
	const machineOn = (lab: Lab, migration: object = {}) =>
		lab.inputs("goes", {
			type: "qemu",
			nics: [],
			waitFor: { agent: true },
			disks: [{ volume: disk.key, cache: "none" }],
			migration: shared.migrationTo(lab, migration),
		});

	async function counting(): Promise<void> {
		await awaitAgent(at, state.uuid);
		bootId = await at.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
		await at.sh(state.uuid, `rm -f /root/ticks; ${TICK}`);
	}

	const inode = async () => (await stat(join(shared.folder, "disk.qcow2"))).ino;

	/** In the engine's order; the former volume is deleted by another run. */
	async function moves(migration: object = {}): Promise<void> {
		const to = shared.other(at);
		const news = await diskOn(to);
		const settled = await volume.settle!(disk, news, to.context);
		const [change] = volumeChanges(disk, settled);
		assert.deepEqual([change?.effect, change?.createsFirst], ["replace", true]);
		const made = wire((await volume.create(settled, to.context)).state);
		const wanted = await machineOn(to, migration);
		state = wire({ ...(await to.update(state, wanted)), incomplete: undefined });
		assert.deepEqual(changes(state, wanted), []);
		await shared.inAnotherRun({ volume: "delete", state: disk });
		[disk, at] = [made, to];
		assert.deepEqual(wire(await volume.read(disk.key, disk, to.context)), disk);
	}

	it("goes there and back while it runs, on the file that it is on, which stays when the former volume goes", async () => {
		const file = await inode();
		for (const turn of [1, 2]) {
			await moves();
			await assertTicks(at, state.uuid, bootId);
			assert.equal(await inode(), file);
			const files = await shared.files();
			assert.equal(files.length, 2, files.join());
			assert.match(files[1]!, new RegExp(`^disk\\.qcow2\\.${turn}-[0-9a-f]{32}-[0-9a-f]{8}\\.held$`));
			assert.match(at.logged.join("\n"), /disk\.qcow2 is the same file as .*: nothing is copied/);
		}
	});

	it("runs on as it was where libvirt would take its disk away when it has left", async () => {
		const to = shared.other(at);
		const file = join(shared.folder, "disk.qcow2");
		const { uid } = await stat(file);
		const [, user] = /<label>\+(\d+):/.exec(await at.host.domains.xml(state.uuid)) ?? [];
		await chown(file, Number(user), 0);
		const there = await shared.createAnew(disk, await diskOn(to), to);
		await assert.rejects(
			to.update(state, await machineOn(to)),
			/goes was not moved: .*unsafe.*dynamic_ownership = 0 there\. Or move it off, .*\nIt runs on on \S+ as before\.$/is,
		);
		await chown(file, uid, 0);
		// The program goes back to where it was: the other volume goes, and the file stays.
		await shared.createAnew(wire(there), await diskOn(at), at);
		await volume.delete(there.key, there, to.context);
		await assertTicks(at, state.uuid, bootId);
	});

	it("goes saved, and by a restart", async () => {
		const file = await inode();
		await moves({ mode: "saveRestore" });
		await assertTicks(at, state.uuid, bootId);
		const files = await shared.files();
		assert.equal(files.length, 2, files.join());
		await moves({ mode: "reboot", allowReboot: true });
		assert.ok((await at.sh(state.uuid, "wc -l < /root/ticks")).length > 0);
		await counting();
		assert.equal(await inode(), file);
	});

	it("leaves neither file nor mark when it is removed", async () => {
		await at.delete(state);
		await shared.inAnotherRun({ volume: "delete", state: disk });
		assert.deepEqual(await shared.files(), []);
	});
});
