/**
 * Volumes: empty, uploaded, or cloned from a base. A volume is known by its name in its pool: `<name>-<tag of the
 * stack>.<extension>` marks it as this stack's. Its id is libvirt's key, the path for file-based pools.
 */
import type { Host } from "../libvirt/api";
import { type Context, IncompleteError, type Lifecycle, type State } from "../lifecycle";
import { isLocalUri } from "../local-uri";
import { backingChain, forgetBase } from "./bases";
import { changedBase, changes } from "./changes";
import { contentIdOf, findExisting, takeOver } from "./existing";
import { standAlone } from "./flatten";
import { removeMarks } from "./holders";
import { fileExists, isLocal } from "./local";
import { forgetMade, isSucceeded, rememberMade } from "./made-here";
import { make } from "./make";
import { isGoneElsewhere, noteRecordedOn } from "./moved";
import { factsOf, planLines } from "./plan";
import { directoryOf, findPool, findVolume, type Pool, usablePool } from "./pools";
import { onNewBase } from "./rebase";
import { freshPool, refreshPool } from "./refresh";
import { remove } from "./remove";
import { growTo } from "./resize";
import { resolve } from "./resolve";
import { rules } from "./rules";
import { type Lineage, type VolumeFacts, type VolumeInputs, volumeSchema } from "./schema";
import { settle } from "./settle";
import { explainFault, isTaken } from "./storage-faults";
import { ANYBODY, refuseWhileUsed } from "./uses";
import { type Made, MIB, wantedOf } from "./wanted";
import { describeVolume, type VolumeDescription } from "./xml";

type Recorded = State<VolumeInputs, VolumeFacts>;

/** Pools of which this process has said that they were not looked at. */
const notLookedAt = new Set<string>();

export const volume: Lifecycle<VolumeInputs, VolumeFacts> = {
	name: "Volume",
	schema: volumeSchema,
	outputs: ["name", "pool", "format"],
	sensitive: ["source", "injected"],
	rules,
	resolve,
	settle,
	changes,
	facts: factsOf,
	plan: planLines,

	async create(inputs, context) {
		const { host } = context;
		const started = performance.now();
		const pool = await usablePool(host, inputs.pool);
		const made = await makeOrTakeOver(context, pool, inputs).catch((error) => explainFault(host, pool, error));
		forgetBase(host, made.path);
		const createMs = Math.round((performance.now() - started) * 1000) / 1000;
		const fileFormat = pool.directory === undefined ? undefined : inputs.format;
		noteRecordedOn(inputs);
		rememberMade(host, made.key, { ownerId: inputs.ownerId, createMs, fileFormat });
		const state = { ...inputs, ...made, poolUuid: pool.uuid, timings: { createMs } };
		if (inputs.independent) {
			try {
				state.lineage = await standAlone(context, inputs, made);
			} catch (error) {
				const message = error instanceof Error ? error.message : String(error);
				throw new IncompleteError<VolumeInputs, VolumeFacts>(made.key, state, message, { cause: error });
			}
		}
		return { id: made.key, state };
	},

	async read(id, state, { host, log }) {
		const pool = await recordedPool(host, id, state);
		if (!pool?.active) {
			if (!pool && (await isMissing(host, id))) return undefined;
			const name = pool?.name ?? state.pool;
			// Once, not for each of its volumes.
			if (!notLookedAt.has(name)) {
				log(`the pool "${name}" is not ${pool ? "active" : "defined"}: its volumes were not looked at`);
			}
			notLookedAt.add(name);
			return state;
		}
		if (await isGone(host, pool, id)) return undefined;
		await freshPool(host, pool.uuid);
		const found = await seenVolume(host, pool, id);
		if (!found) return undefined;
		const seen = describeVolume(found.xml);
		const isOther = state.sizeMiB !== undefined && seen.capacityBytes !== state.sizeMiB * MIB;
		return {
			...state,
			key: found.key,
			path: found.path,
			poolUuid: pool.uuid,
			capacityBytes: seen.capacityBytes,
			...(isOther ? { sizeMiB: Math.floor(seen.capacityBytes / MIB) } : {}),
			lineage: await lineageSeen(host, state.lineage, seen),
		};
	},

	async update(id, olds, news, context) {
		const { host } = context;
		const found = await findVolume(host, id);
		if (!found) {
			throw new Error(`the volume ${id} is gone from ${host.uri}: run pulumi refresh, and pulumi up makes it anew.`);
		}
		const seen = describeVolume(await host.volumes.xml(found.key));
		let { lineage } = olds;
		// First what may be refused.
		const isRebased = news.onBaseChange === "rebase" && changedBase(olds, news) !== undefined;
		if (isRebased) lineage = await onNewBase(context, news, seen);
		if (news.independent) lineage = await standAlone(context, news, { key: id, lineage });
		const capacityBytes = await growTo(host, seen, news.sizeMiB === undefined ? 0 : news.sizeMiB * MIB);
		forgetBase(host, seen.path);
		const { key, path, poolUuid, made, contentId, timings } = olds;
		const facts = { key, path, poolUuid, capacityBytes, made, contentId, lineage, timings };
		if (news.onBaseChange !== "keep") return { ...news, ...facts };
		// What it was made from stays on record, so that a later "replace" still sees the difference.
		const { base, baseDomain, baseContentId } = olds;
		return { ...news, base, baseDomain, baseContentId, ...facts };
	},

	async delete(id, state, { host, log }) {
		if (isSucceeded(host, id, state)) {
			log(`${id} stays: its replacement has taken it over`);
			return;
		}
		// The file is that of the volume which it is a replica of.
		if (state.made === "shared") return forgetMade(host, id);
		const pool = await poolOf(host, id, state);
		if (!pool) return;
		if (await isGoneElsewhere(state, host, pool)) {
			log(`${id} stays: on storage that hosts share, another host has it by now`);
			return forgetMade(host, id);
		}
		await refuseWhileUsed(host, id, "deleted", ANYBODY);
		await remove(host, pool, id);
		if (state.movable) await removeMarks(host, pool, state.name);
		forgetMade(host, id);
		forgetBase(host, id);
	},
};

async function makeOrTakeOver(context: Context, pool: Pool, inputs: VolumeInputs): Promise<Made> {
	const { host } = context;
	const wanted = await wantedOf(host, pool, inputs);
	const existing = await findExisting(host, pool, inputs.name);
	if (existing) return takeOver(context, wanted, existing);
	return make(context, wanted).catch(async (error) => {
		if (!isTaken(error)) throw error;
		// A file that libvirt had not seen, or that came in between, or one that it does not know to be gone.
		await refreshPool(host, pool.uuid, { now: true });
		const there = await findExisting(host, pool, inputs.name);
		return there ? takeOver(context, wanted, there) : make(context, wanted);
	});
}

/** The volume with its XML; undefined when it is gone, also when libvirt comes to know that only now. */
async function seenVolume(host: Host, pool: Pool, id: string) {
	for (let attempt = 1; ; attempt++) {
		const found = await findVolume(host, id);
		if (!found) return undefined;
		try {
			return { ...found, xml: await host.volumes.xml(found.key) };
		} catch (error) {
			if (attempt === 2) throw error;
			await refreshPool(host, pool.uuid, { now: true });
		}
	}
}

/** A look at this machine's files is cheaper than a refresh of the pool. */
async function isGone(host: Host, pool: Pool, path: string): Promise<boolean> {
	return pool.directory === directoryOf(path) && (await isLocal(host, pool, path)) && !(await fileExists(path));
}

/** The recorded lineage as long as the backing store is the same; else with the chain that was found. */
async function lineageSeen(
	host: Host,
	lineage: Lineage | undefined,
	seen: VolumeDescription,
): Promise<Lineage | undefined> {
	if (seen.backing?.path === lineage?.chain[0]) return lineage;
	const chain = await backingChain(host, seen);
	if (lineage) return { ...lineage, chain };
	return { base: chain[0]!, baseContentId: await contentIdOf(host, chain[0]!), chain };
}

/** By its UUID: the name may be another one by now. One that is gone may have left its files to another one. */
async function recordedPool(host: Host, key: string, { pool, poolUuid }: Recorded): Promise<Pool | undefined> {
	const known = (poolUuid === undefined ? undefined : await findPool(host, poolUuid)) ?? (await findPool(host, pool));
	if (known) return known;
	const other = await host.pools.findByVolume(key);
	return other && findPool(host, other.uuid);
}

/** Whether the file is known to be gone, of a volume whose pool is not defined; a remote host's files cannot be seen. */
async function isMissing(host: Host, path: string): Promise<boolean> {
	return isLocalUri(host.uri) && path.startsWith("/") && !(await fileExists(path));
}

/** Undefined when the volume is gone with its pool. */
async function poolOf(host: Host, key: string, recorded: Recorded): Promise<Pool | undefined> {
	const pool = await recordedPool(host, key, recorded);
	if (pool) return usablePool(host, pool.uuid);
	if (await isMissing(host, key)) return undefined;
	throw new Error(
		`the volume ${key} cannot be deleted: its pool "${recorded.pool}" is not defined on ${host.uri} any more. Define and ` +
			"start it (pulumi refresh and pulumi up where it is a StoragePool of this program), or forget the volume and keep " +
			"its file: pulumi state delete.",
	);
}
