/**
 * The memory of a machine that is saved on one host and restored on another. It is in a file beside the machine's first
 * disk, and of use only with the disks as they were then: whoever finds one looks whether that is still so.
 */
import { dirname, join } from "node:path";
import { look, type Seen } from "../domain/look";
import { patiently, poll } from "../domain/patience";
import { powerOff, turnOn } from "../domain/power";
import type { DomainInputs } from "../domain/schema";
import { connect, type Host, LibvirtError } from "../libvirt";
import { type Context, InputError } from "../lifecycle";
import { withNamelessFile } from "../temporary";
import { findPool, findVolume, type Pool } from "../volume/pools";
import { progressLog } from "../volume/progress";
import { refreshPool } from "../volume/refresh";
import { remove } from "../volume/remove";
import { describeVolume, volumeXml } from "../volume/xml";
import type { MovedDisk } from "./disks";
import { type HasSaved, hasSaved, isCarrier, type Moving, movingIn, noteMoving, type Saved } from "./moving";
import { describedAt } from "./same-content";

/** How long saving a memory may take that an earlier run has begun. */
const SAVING_SECONDS = 3600;

/** Its memory is laid over its parent's. */
export function refuseForked({ fork }: Pick<DomainInputs, "fork">): void {
	if (!fork) return;
	throw new InputError(
		"migration.mode",
		'got "saveRestore" for a forked machine; allowed are "live", "paused" and "reboot"',
	);
}

/** @throws InputError for a machine without a disk in a directory of both hosts' */
export async function placesFor(
	here: Host,
	there: Host,
	uuid: string,
	disks: ReadonlyArray<MovedDisk>,
): Promise<Saved> {
	const volumes = disks.find((disk) => disk.volumes)?.volumes;
	const pools = volumes && (await Promise.all([poolOf(there, volumes.from.path), poolOf(here, volumes.to.path)]));
	if (!volumes || pools?.some((pool) => pool === undefined)) {
		throw new InputError(
			"migration.mode",
			'got "saveRestore" for a machine whose first disk is no file in a pool of files on both hosts, beside which its ' +
				'memory could be saved; allowed are "live", "paused" and "reboot"',
		);
	}
	const file = (path: string, kind: string) => join(dirname(path), `${uuid}.${kind}`);
	// Of other names, as both hosts may see the same folder.
	const [from, to] = [file(volumes.from.path, "saved"), file(volumes.to.path, "come.saved")];
	return { there: from, here: to, at: Date.now() };
}

/** Its memory goes into the file, and it is off then. */
export async function save(there: Host, uuid: string, moving: Moving, saved: Saved): Promise<void> {
	// One that is left of an earlier attempt must not be taken for this one.
	await removeFile(there, saved.there);
	await noteMoving(there, uuid, { ...moving, off: false, saved });
	await patiently(() => there.domains.save(uuid, saved.there));
}

/**
 * Where an earlier run was cut off, what became of the memory that it saved: afterwards the machine either is off with a
 * memory that is of use, and that is noted, or there is none. One that runs has none: it has gone on, or was started anew.
 */
export async function settleSaved({ log }: Pick<Context, "log">, there: Host, uuid: string): Promise<void> {
	const before = await look(there, uuid);
	if (!before || !hasSaved(movingIn(before))) return;
	// A call of an earlier run may be saving it still.
	await poll(SAVING_SECONDS, async () => ((await isBusy(there, uuid)) ? undefined : true));
	const seen = await look(there, uuid);
	const moving = seen && movingIn(seen);
	if (!seen || !hasSaved(moving)) return;
	const { saved, ...rest } = moving;
	const carries = isCarrier(seen, moving);
	if ((!seen.active || carries) && (await isOfUse(there, seen, saved))) {
		if (!moving.off) await noteMoving(there, uuid, { ...moving, off: true });
		return;
	}
	if (seen.active && !carries && moving.off) {
		log(`${seen.name} was started anew on ${there.uri} since its memory was saved there: it is not used any more`);
	}
	await forgetSaved(log, there, moving);
	await noteMoving(there, uuid, { ...rest, off: !seen.active });
	// It had been restored, and was not resumed yet.
	if (carries) await turnOn(there, seen);
}

/** Whether a job holds it. */
async function isBusy(host: Host, uuid: string): Promise<boolean> {
	const found = await host.domains.find(uuid);
	if (!found || found.state === "shutoff") return false;
	return (await host.domains.job(uuid).catch(() => undefined)) !== undefined;
}

/** @throws Error for one whose disks have been written to since */
async function isOfUse(there: Host, seen: Seen, saved: Saved): Promise<boolean> {
	const file = await findVolume(there, saved.there, { now: true });
	if (!file || !(await isComplete(there, saved.there))) return false;
	const savedAt = describeVolume(await there.volumes.xml(file.key)).stamp?.modifiedNs ?? 0n;
	const disks = await writtenAt(there, pathsOf(seen));
	if (disks.every((at) => BigInt(at) <= savedAt)) return true;
	throw stale(seen.name, there, saved.there);
}

async function isComplete(host: Host, path: string): Promise<boolean> {
	try {
		await host.domains.savedXml(path);
		return true;
	} catch (error) {
		// libvirt says of one that was cut off that it is incomplete, and of another file that it is none.
		if (error instanceof LibvirtError) return false;
		throw error;
	}
}

function stale(name: string, host: Host, path: string): Error {
	return new Error(
		`the memory of ${name} was saved in ${path} on ${host.uri}, and its disks have been written to since: it cannot go on ` +
			"with both. Nothing was changed. Remove that file to start it from its disks, and run pulumi up again",
	);
}

/** Brings the file to the other host, through the machine that this runs on; whatever an earlier attempt has left there goes. */
export async function bring({ host: here, log }: Context, there: Host, saved: Saved): Promise<void> {
	const from = await describedAt(there, saved.there);
	await removeFile(here, saved.here);
	const pool = await poolOf(here, saved.here);
	if (!pool) throw new Error(`there is no pool of ${dirname(saved.here)} on ${here.uri} any more`);
	await withNamelessFile("saved", async (file) => {
		const bytes = from.fileBytes ?? from.capacityBytes;
		const down = progressLog(log, bytes, "memory fetched");
		const read = await there.volumes.download(from.key, file, { onProgress: down });
		const name = saved.here.slice(dirname(saved.here).length + 1);
		const made = await here.volumes.create(pool.uuid, volumeXml({ name, format: "raw", capacityBytes: read.bytes }));
		const up = progressLog(log, bytes, "memory sent");
		const written = await here.volumes.upload(made.key, file, { sparse: true, onProgress: up });
		if (written.sha256 !== read.sha256) throw new Error(`${saved.there} has changed while it was read`);
	});
}

/** Where the machine stays after all: it goes on there. */
export async function restoreThere(log: Context["log"], there: Host, uuid: string, moving: HasSaved): Promise<void> {
	await patiently(() => there.domains.restore(moving.saved.there, { paused: true }));
	// From its next instruction on the memory is of no use any more.
	await forgetSaved(log, there, moving);
	await noteMoving(there, uuid, undefined);
	await patiently(() => there.domains.resume(uuid));
}

/**
 * Where its disks have come: it goes on with its memory, standing still until it is resumed. Where it has gone on already,
 * it stays as it is.
 * @param definition what it is to be, of what it was
 */
export async function restoreHere(
	{ host: here, log }: Context,
	{ uuid, name }: Pick<Seen, "uuid" | "name">,
	{ saved, ...moving }: HasSaved,
	definition: (xml: string) => string,
): Promise<void> {
	const paths = [...moving.disks, ...(moving.shared ?? [])];
	let disks = saved.disks;
	if (!disks) {
		await powerOff(here, uuid);
		disks = await writtenAt(here, paths);
		await noteMoving(here, uuid, { ...moving, saved: { ...saved, disks } });
	}
	const isOff = async () => (await here.domains.find(uuid))?.state === "shutoff";
	if (!(await isOff())) {
		// A call of an earlier run may be restoring it still: a note waits for the end of that.
		await noteMoving(here, uuid, { ...moving, saved: { ...saved, disks } });
		if (!(await isOff())) return removeFile(here, saved.here);
	}
	if (!(await findVolume(here, saved.here, { now: true }))) {
		log(`${name} has gone on here and was turned off since: it starts from its disks`);
		return;
	}
	const now = await writtenAt(here, paths);
	if (now.join() !== disks.join()) throw stale(name, here, saved.here);
	const xml = definition(await here.domains.savedXml(saved.here));
	await patiently(() => here.domains.restore(saved.here, { xml, paused: true }));
	await removeFile(here, saved.here);
}

/** What has been brought to the other host is of no use without the first; where that does not answer it stays there. */
export async function forgetSaved(log: Context["log"], there: Host, { to, saved }: HasSaved): Promise<void> {
	await removeFile(there, saved.there);
	await removeFile(connect(to), saved.here).catch((error: Error) =>
		log(`${saved.here} on ${to}, a memory that is not used any more, could not be removed: ${error.message}`),
	);
}

export async function removeFile(host: Host, path: string): Promise<void> {
	const pool = await poolOf(host, path);
	if (!pool) return;
	await remove(host, pool, path);
	// For libvirt it is there until then.
	await refreshPool(host, pool.uuid, { now: true });
}

/** The pool of files that a path lies in; undefined where there is none. */
async function poolOf(host: Host, path: string): Promise<Pool | undefined> {
	for (const { uuid, active } of await host.pools.list()) {
		const pool = active ? await findPool(host, uuid) : undefined;
		if (pool?.directory === dirname(path)) return pool;
	}
	return undefined;
}

const pathsOf = ({ config }: Seen) =>
	config.disks.flatMap(({ source, readOnly }) =>
		readOnly || !source || source.type === "network" ? [] : [source.path],
	);

/** Nanoseconds, as text. */
async function writtenAt(host: Host, paths: ReadonlyArray<string>): Promise<string[]> {
	const volumes = await Promise.all(paths.map((path) => describedAt(host, path)));
	return volumes.map(({ stamp }) => String(stamp?.modifiedNs ?? 0));
}
