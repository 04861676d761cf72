/** A volume whose `uri` is another host's: another one is made there, and what it holds comes with the machine on it. */
import { basename, join } from "node:path";
import { connect, type Host } from "../libvirt";
import { type Context, InputError } from "../lifecycle";
import { isAnotherHost, untold } from "../move/moves";
import { claim, isElsewhere, poolAt, removeMark } from "./holders";
import { findPool, findVolume, type Pool } from "./pools";
import type { VolumeInputs } from "./schema";
import { usesOf } from "./uses";
import type { Wanted } from "./wanted";
import { describeVolume, type VolumeDescription } from "./xml";

interface Former {
	there: Host;
	path: string;
	movable: boolean;
}

/** Where the volumes are that move in this run, by owner. */
const moving = new Map<string, Former>();

/**
 * Whether the new inputs have it move, by a look at both hosts.
 * @throws InputError for one that does not: it was not said that it may, or no machine is on it that would bring what it
 *   holds
 */
export async function movesOf(olds: VolumeInputs, news: VolumeInputs): Promise<VolumeInputs["moves"]> {
	noteRecordedOn(olds);
	if (olds.uri === news.uri) return undefined;
	const here = connect(news.uri);
	const isAnother = await isAnotherHost(olds.uri, news.uri);
	// Only a movable one was ever on its way: of others another uri is another address.
	if (isAnother === undefined && olds.movable && !(await isOfMachine(here, await pathOf(here, news)))) {
		const why = "one of the two does not answer, and no machine is on it on the new one";
		throw untold({ from: olds.uri, to: news.uri }, `volume ${olds.name}`, why);
	}
	if (!isAnother) return undefined;
	const refuse = (why: string) =>
		new InputError("uri", `got ${news.uri}, another host than ${olds.uri}, where the volume is; ${why}`);
	if (!news.movable) {
		throw refuse(
			"allowed is that for a movable one, which goes with the machine on it: change uri back, or set movable",
		);
	}
	const there = connect(olds.uri);
	const pool = await findPool(there, olds.pool).catch((error: Error) => {
		throw refuse(`and what is there cannot be told: ${error.message}`);
	});
	if (pool?.active === false) {
		throw refuse(`its pool there is not active, so that what is in it cannot be told: start pool "${olds.pool}"`);
	}
	const path = await pathOf(there, olds);
	if (path === undefined) return { from: olds.uri };
	const isSent = news.source === undefined && news.replicaOf === undefined;
	if (isSent && !(await isOfMachine(there, path))) {
		// A machine that did not get there is still on the volume that it was to leave.
		if (!(await isOfMachine(here, await pathOf(here, news)))) {
			throw refuse("no machine is on it that would bring what it holds: allowed is its present host, or remove it");
		}
	}
	moving.set(news.ownerId, { there, path, movable: olds.movable === true });
	return { from: olds.uri };
}

async function isOfMachine(host: Host, path: string | undefined): Promise<boolean> {
	return path !== undefined && (await usesOf(host, path)).domains.length > 0;
}

async function pathOf(there: Host, { pool, name }: VolumeInputs): Promise<string | undefined> {
	const found = await findPool(there, pool);
	if (!found?.active) return undefined;
	if (found.directory !== undefined) return (await findVolume(there, join(found.directory, name)))?.path;
	return (await there.volumes.findInPool(found.uuid, name))?.path;
}

/** Hosts on which this run has seen a volume recorded, or made it, by owner: their URIs. */
const recordedOn = new Map<string, Set<string>>();

export function noteRecordedOn({ ownerId, uri }: Pick<VolumeInputs, "ownerId" | "uri">): void {
	recordedOn.set(ownerId, (recordedOn.get(ownerId) ?? new Set()).add(uri));
}

/**
 * Whether the file of a volume that is to be deleted is, on storage that hosts share, the one of the volume that has come
 * in its place on another host.
 */
export async function isGoneElsewhere(
	{ ownerId, uri, name, movable }: VolumeInputs,
	host: Host,
	pool: Pool,
): Promise<boolean> {
	if (!movable) return false;
	const others = [...(recordedOn.get(ownerId) ?? [])].filter((other) => other !== uri);
	return isElsewhere(host, pool, name, others.length > 0);
}

/**
 * A volume that is there already may be the very file that the machine is on, on storage that both hosts share: then it is
 * claimed for this host, and stays as it is.
 * @throws Error where it is that file and cannot be taken over
 */
export async function takesSharedFile(
	{ host: here, log }: Pick<Context, "host" | "log">,
	{ inputs, pool, capacityBytes }: Pick<Wanted, "inputs" | "pool" | "capacityBytes">,
	volume: VolumeDescription,
	differences: ReadonlyArray<string>,
): Promise<boolean> {
	const former = moving.get(inputs.ownerId);
	if (!former || former.there === here) return false;
	const what = `${volume.path} is the same file as ${former.path} on ${former.there.uri}, on storage that both hosts share`;
	const look = async (host: Host, key: string) => describeVolume(await host.volumes.xml(key));
	// Between two looks through the one host there is one through the other.
	const before = await look(former.there, former.path);
	const now = await look(here, volume.key);
	const after = await look(former.there, former.path);
	const stateOf = ({ fileBytes, stamp }: VolumeDescription) => `${fileBytes} ${stamp?.changedNs}`;
	const isLikely = [before, after].some((seen) => stateOf(seen) === stateOf(now));
	const therePool = basename(former.path) === volume.name ? await poolAt(former.there, former.path) : undefined;
	const mark = therePool && (await claim({ host: here, pool }, { host: former.there, pool: therePool }, volume.name));
	if (mark !== undefined) {
		const complaint = complaintOf(former, volume, { capacityBytes, independent: inputs.independent }, differences);
		if (complaint) {
			await removeMark(here, pool, mark);
			throw new InputError(complaint.property, what + complaint.text);
		}
		log(`${what}: nothing is copied`);
		return true;
	}
	if (!isLikely) return false;
	throw new Error(`${what}, by another name or in no pool of files: a volume there does not move`);
}

/** Why a file that is the same does not become this volume's. */
function complaintOf(
	{ movable }: Former,
	volume: VolumeDescription,
	{ capacityBytes, independent }: Pick<Wanted, "capacityBytes"> & Pick<VolumeInputs, "independent">,
	differences: ReadonlyArray<string>,
): { property: string; text: string } | undefined {
	if (!movable) {
		const text =
			": set it and run pulumi up before uri is changed, so that the delete of the former volume knows of it";
		return { property: "movable", text };
	}
	if (differences.length > 0) {
		const text =
			`, and not what is asked for: ${differences.join("; ")}. Allowed is one whose base both hosts know by the same ` +
			"path: name it by that";
		return { property: "uri", text };
	}
	if (independent && volume.backing) {
		const text =
			": it is made independent of its base before or after it moves, as the machine on the former host writes";
		return { property: "independent", text };
	}
	if (capacityBytes === undefined || capacityBytes <= volume.capacityBytes) return undefined;
	return { property: "sizeMiB", text: ": it grows before or after it moves; allowed now is its present size" };
}
