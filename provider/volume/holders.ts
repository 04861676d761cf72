/**
 * Whose a file is on storage that several hosts share: a volume that goes to another host there is one file and, for as long
 * as the former one has not been deleted, two resources. An empty file beside it says which host has it now, so that the
 * others' deletes leave it, whenever and from wherever they come:
 *
 * - `NAME.2-HOST-NONCE.claimed`: the volume is made on that host; the machine may still be on the former one
 * - `NAME.2-HOST-NONCE.held`: the machine is there
 *
 * The highest number counts. Marks go with the file, and no earlier: a delete that was cut off comes again.
 */
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import type { Host } from "../libvirt/api";
import { findPool, type Pool } from "./pools";
import { refreshPool } from "./refresh";
import { remove } from "./remove";
import { isTaken } from "./storage-faults";
import { volumeXml } from "./xml";

const MARK = /^(.+)\.(\d{1,9})-([0-9a-f]{32})-[0-9a-f]{8}\.(claimed|held)$/;

export interface Mark {
	/** Its own name. */
	name: string;
	/** Name of the file that it is about. */
	volume: string;
	turn: number;
	/** UUID of the host, without hyphens. */
	host: string;
	kind: "claimed" | "held";
}

/** Pure: undefined for any other name. */
export function markIn(name: string): Mark | undefined {
	const [, volume, turn, host, kind] = MARK.exec(name) ?? [];
	if (volume === undefined) return undefined;
	return { name, volume, turn: Number(turn), host: host!, kind: kind as Mark["kind"] };
}

/**
 * Pure: whether the file is another host's than the one that is asked.
 * @param isElsewhere whether this run has seen the volume recorded on another host: only then a claim counts, which one
 *   that was cut off may have left
 */
export function isOfOther(marks: ReadonlyArray<Mark>, own: string, isElsewhere: boolean): boolean {
	const [held, claimed] = [latest(marks, "held"), latest(marks, "claimed")];
	if (held && held.host !== own) return true;
	const isNewer = claimed !== undefined && claimed.turn > (held?.turn ?? 0);
	return isNewer && claimed.host !== own && isElsewhere;
}

/** Pure: whether the machine on the file is on that host, and nobody has claimed the file since. */
export function isHeldBy(marks: ReadonlyArray<Mark>, own: string): boolean {
	const last = latest(marks);
	return last?.kind === "held" && last.host === own;
}

function latest(marks: ReadonlyArray<Mark>, kind?: Mark["kind"]): Mark | undefined {
	const some = marks.filter((mark) => kind === undefined || mark.kind === kind);
	return some.sort((a, b) => b.turn - a.turn)[0];
}

export async function idOf(host: Host): Promise<string> {
	return (await host.info()).hostUuid.replaceAll("-", "").toLowerCase();
}

/** The marks of a file in a pool, as they are now. */
async function marksOf(host: Host, pool: Pool, name: string): Promise<Mark[]> {
	await refreshPool(host, pool.uuid, { now: true });
	return knownMarks(host, pool, name);
}

/** Those that the host has seen: its own in any case. */
async function knownMarks(host: Host, pool: Pool, name: string): Promise<Mark[]> {
	return (await host.pools.listVolumes(pool.uuid)).flatMap((volume) => {
		const mark = markIn(volume.name);
		return mark?.volume === name ? [mark] : [];
	});
}

interface Place {
	host: Host;
	pool: Pool;
}

/**
 * Claims a file for a host, if the former host sees the very same one.
 * @returns name of the mark; undefined, without a trace, where it is another file
 */
export async function claim(here: Place, there: Place, name: string): Promise<string | undefined> {
	if (here.pool.directory === undefined) return undefined;
	const own = await idOf(here.host);
	const [ours, theirs] = [await marksOf(here.host, here.pool, name), await marksOf(there.host, there.pool, name)];
	// The one may have seen less of the directory than the other.
	const turn = (latest([...ours, ...theirs])?.turn ?? 0) + 1;
	const mark = `${name}.${turn}-${own}-${randomBytes(4).toString("hex")}.claimed`;
	await makeMark(here.host, here.pool, mark);
	if (await hasFile(there, mark)) return mark;
	await removeMark(here.host, here.pool, mark);
	// What a process left that was killed while it looked there.
	for (const { name: left } of theirs.filter(({ host }) => host === own)) {
		await removeMark(there.host, there.pool, left);
	}
	return undefined;
}

/**
 * Whether a mark that one host has made is in the other's folder, too, so that both are the same one. A client of a file
 * server may believe what it has read of a directory for a minute; making a file that must not be there asks the server.
 */
async function hasFile({ host, pool }: Place, mark: string): Promise<boolean> {
	try {
		await makeMark(host, pool, mark);
	} catch (error) {
		if (isTaken(error)) return true;
		throw error;
	}
	await removeMark(host, pool, mark);
	return false;
}

/** The machine on a file that was claimed is on this host now. Nothing where nobody has claimed it. */
export async function hold(host: Host, path: string): Promise<void> {
	const pool = await poolAt(host, path);
	if (!pool) return;
	const marks = await marksOf(host, pool, basename(path));
	const last = latest(marks);
	if (!last) return;
	if (last.host !== (await idOf(host))) {
		throw new Error(
			`${path}: the machine on it is on ${host.uri}, and another host has claimed the file meanwhile (${last.name}). ` +
				"Two programs move it: leave it to one of them, and run that again",
		);
	}
	const held = last.name.replace(/claimed$/, "held");
	if (last.kind === "claimed" && !marks.some(({ name }) => name === held)) await makeMark(host, pool, held);
	for (const { name } of marks) if (name !== held) await removeMark(host, pool, name);
}

/** Whether a file on one host is the one that another host has claimed, or holds. */
export async function isShared(there: Host, from: string, here: Host, to: string): Promise<boolean> {
	if (basename(from) !== basename(to)) return false;
	const [herePool, therePool] = await Promise.all([poolAt(here, to), poolAt(there, from)]);
	if (!herePool || !therePool) return false;
	if ((await knownMarks(here, herePool, basename(to))).length === 0) return false;
	const last = latest(await marksOf(here, herePool, basename(to)));
	if (last?.host !== (await idOf(here))) return false;
	return hasFile({ host: there, pool: therePool }, last.name);
}

/** Whether a file is another host's by now: see `isOfOther`. */
export async function isElsewhere(
	host: Host,
	pool: Pool,
	name: string,
	isRecordedElsewhere: boolean,
): Promise<boolean> {
	if (pool.directory === undefined) return false;
	return isOfOther(await marksOf(host, pool, name), await idOf(host), isRecordedElsewhere);
}

/** When the file is gone. */
export async function removeMarks(host: Host, pool: Pool, name: string): Promise<void> {
	if (pool.directory === undefined) return;
	for (const mark of await marksOf(host, pool, name)) await removeMark(host, pool, mark.name);
}

async function makeMark(host: Host, pool: Pool, name: string): Promise<void> {
	await host.volumes.create(pool.uuid, volumeXml({ name, format: "raw", capacityBytes: 0 }));
}

export async function removeMark(host: Host, pool: Pool, name: string): Promise<void> {
	await remove(host, pool, `${pool.directory}/${name}`);
}

/** The pool of files that a volume is in. */
export async function poolAt(host: Host, path: string): Promise<Pool | undefined> {
	const info = await host.pools.findByVolume(path);
	const pool = info && (await findPool(host, info.uuid));
	return pool?.directory === undefined ? undefined : pool;
}
