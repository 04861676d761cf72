/** A volume whose `uri` is another host's: another one is made there, and what it holds comes with the machine on it. */
import { join } from "node:path";
import { connect, type Host } from "../libvirt";
import { InputError } from "../lifecycle";
import { isAnotherHost } from "../move/moves";
import { findPool, findVolume } from "./pools";
import type { VolumeInputs } from "./schema";
import { usesOf } from "./uses";
import { describeVolume, type VolumeDescription } from "./xml";

/** Where the volumes are that move in this run, by owner. */
const moving = new Map<string, { there: Host; path: string }>();

/**
 * Whether the new inputs have it move, by a look at both hosts.
 * @throws InputError for one that does not: it was not said that it may, or no machine is on it that would bring what it
 *   holds
 */
export async function movesOf(olds: VolumeInputs, news: VolumeInputs): Promise<VolumeInputs["moves"]> {
	if (olds.uri === news.uri || !(await isAnotherHost(olds.uri, news.uri))) return undefined;
	const refuse = (why: string) =>
		new InputError("uri", `got ${news.uri}, another host than ${olds.uri}, where the volume is; ${why}`);
	if (!news.movable) {
		throw refuse(
			"allowed is that for a movable one, which goes with the machine on it: change uri back, or set movable",
		);
	}
	const there = connect(olds.uri);
	const path = await pathOf(there, olds);
	if (path === undefined) return { from: olds.uri };
	const isSent = news.source === undefined && news.replicaOf === undefined;
	if (isSent && !(await isOfMachine(there, path))) {
		// A machine that did not get there is still on the volume that it was to leave.
		const here = connect(news.uri);
		if (await isOfMachine(here, await pathOf(here, news))) return { from: olds.uri };
		throw refuse("no machine is on it that would bring what it holds: allowed is its present host, or remove it");
	}
	moving.set(news.ownerId, { there, path });
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

/**
 * A volume that is there already may be the very file that goes when the machine has moved.
 * @throws Error where it is
 */
export async function refuseSharedFile(
	{ ownerId }: VolumeInputs,
	here: Host,
	volume: VolumeDescription,
): Promise<void> {
	const former = moving.get(ownerId);
	if (!former || former.there === here) return;
	const look = async (host: Host, key: string) => describeVolume(await host.volumes.xml(key));
	const states = await Promise.all([look(former.there, former.path), look(here, volume.key)]);
	states.push(await look(former.there, former.path));
	const [before, now, after] = states.map(({ fileBytes, stamp }) => `${fileBytes} ${stamp?.changedNs}`);
	if (now !== before && now !== after) return;
	throw new Error(
		`${volume.path} is the same file as ${former.path} on ${former.there.uri}, on storage that both hosts have: a volume ` +
			"there does not move. Move the machine to a host with storage of its own",
	);
}
