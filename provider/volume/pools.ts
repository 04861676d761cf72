/** Pools as the volumes see them: looked up once for many volumes, and refreshed once after many changes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host, VolumeInfo } from "../libvirt/api";
import { attribute, parse, text } from "../xml/element";

export interface Pool {
	uuid: string;
	name: string;
	/** "dir", "fs", "netfs", "logical", "rbd"... */
	type: string;
	active: boolean;
	/** The directory that holds the volumes' files; undefined for pools that are no directories. */
	directory: string | undefined;
}

/** How long a look-up is believed. */
const BELIEVED_MS = 3000;
/** Changes within this time of one another share a refresh. */
const BATCH_MS = 300;
const DIRECTORY_TYPES = ["dir", "fs", "netfs"];

const pools = new WeakMap<Host, Map<string, { pool: Promise<Pool | undefined>; at: number }>>();

/** The pool of that UUID or name, active or not; undefined when there is none. */
export async function findPool(host: Host, reference: string): Promise<Pool | undefined> {
	const known = pools.get(host) ?? new Map<string, { pool: Promise<Pool | undefined>; at: number }>();
	pools.set(host, known);
	const hit = known.get(reference);
	if (hit && Date.now() - hit.at < BELIEVED_MS) return hit.pool;
	const pool = lookUp(host, reference);
	known.set(reference, { pool, at: Date.now() });
	const forget = () => known.get(reference)?.pool === pool && known.delete(reference);
	// Only a pool that can be used is worth remembering: the others are about to be made or started.
	pool.then((found) => found?.active || forget(), forget);
	return pool;
}

/** Forgets the pools of a host: for whoever makes, starts or removes one. */
export function forgetPools(host: Host): void {
	pools.delete(host);
}

/**
 * The pool of that UUID or name, ready for use.
 * @throws Error that names the pools there are, or says that this one is not active
 */
export async function usablePool(host: Host, reference: string): Promise<Pool> {
	const pool = await findPool(host, reference);
	if (!pool) {
		const names = (await host.pools.list()).map(({ name }) => name).sort();
		throw new Error(
			`there is no storage pool "${reference}" on ${host.uri}; there are: ${names.join(", ") || "none"}. ` +
				"Name one of these, or make one with StoragePool.",
		);
	}
	if (pool.active) return pool;
	throw new Error(
		`the storage pool "${pool.name}" on ${host.uri} is not active: start it (virsh pool-start ${pool.name}), ` +
			"or run pulumi refresh and pulumi up where it is a StoragePool of this program.",
	);
}

async function lookUp(host: Host, reference: string): Promise<Pool | undefined> {
	const found = await host.pools.find(reference);
	if (!found) return undefined;
	const root = parse(await host.pools.xml(found.uuid), "the pool's XML");
	const type = attribute(root, "", "type") ?? "dir";
	return {
		uuid: found.uuid,
		name: found.name,
		type,
		active: found.active,
		directory: DIRECTORY_TYPES.includes(type) ? text(root, "target/path") : undefined,
	};
}

interface Refresh {
	promise: Promise<void>;
	/** Whether it has not begun yet, so that it will see a change made now. */
	waiting: boolean;
	/** Ends its wait for more calls. */
	begin: () => void;
}

const refreshes = new Map<Host, Map<string, Refresh>>();

/**
 * Lets libvirt see files that were made or removed beside it. Many calls within 300 ms come to one refresh.
 * @param options.now do not wait for more calls to come
 */
export function refreshPool(host: Host, poolUuid: string, options: { now?: boolean } = {}): Promise<void> {
	const ofHost = refreshes.get(host) ?? new Map<string, Refresh>();
	refreshes.set(host, ofHost);
	const pending = ofHost.get(poolUuid);
	const refresh = pending?.waiting ? pending : newRefresh(host, poolUuid, ofHost, pending?.promise);
	if (options.now) refresh.begin();
	return refresh.promise;
}

function newRefresh(host: Host, poolUuid: string, ofHost: Map<string, Refresh>, running?: Promise<void>): Refresh {
	const batch = new AbortController();
	const refresh: Refresh = { waiting: true, promise: Promise.resolve(), begin: () => batch.abort() };
	ofHost.set(poolUuid, refresh);
	refresh.promise = (async () => {
		// One that runs may have passed the new file already: this one comes after it.
		await running?.catch(() => {});
		await sleep(BATCH_MS, undefined, { signal: batch.signal }).catch(() => {});
		refresh.waiting = false;
		await refreshWhenIdle(host, poolUuid);
	})().finally(() => {
		if (ofHost.get(poolUuid) === refresh) ofHost.delete(poolUuid);
		if (ofHost.size === 0) refreshes.delete(host);
	});
	// Those who do not wait for it are not told that it failed: the next look-up refreshes again.
	refresh.promise.catch(() => {});
	return refresh;
}

/** How old libvirt's picture of a pool may be when volumes are looked at for changes made behind our back. */
const FRESH_MS = 10_000;
/** Probing every file of a large pool takes its time. */
const REFRESH_DEADLINE_SECONDS = 300;

const refreshedAt = new WeakMap<Host, Map<string, number>>();

/** Refreshes a pool unless that was done a moment ago: one refresh serves the look at all of its volumes. */
export async function freshPool(host: Host, poolUuid: string): Promise<void> {
	const last = refreshedAt.get(host)?.get(poolUuid) ?? 0;
	if (Date.now() - last > FRESH_MS) await refreshPool(host, poolUuid, { now: true });
}

/** Does the refreshes that are still to come, at once: for the end of a process. Never rejects. */
export async function finishRefreshes(): Promise<void> {
	const pending = [...refreshes.values()].flatMap((ofHost) => [...ofHost.values()]);
	for (const refresh of pending) refresh.begin();
	await Promise.allSettled(pending.map(({ promise }) => promise));
}

/** libvirt refuses to refresh a pool while a volume in it is being built or filled. */
async function refreshWhenIdle(host: Host, poolUuid: string): Promise<void> {
	for (let attempt = 0; ; attempt++) {
		try {
			await host.pools.refresh(poolUuid, { deadlineSeconds: REFRESH_DEADLINE_SECONDS });
			const ofHost = refreshedAt.get(host) ?? new Map<string, number>();
			refreshedAt.set(host, ofHost.set(poolUuid, Date.now()));
			return;
		} catch (error) {
			const busy = error instanceof Error && /asynchronous jobs/.test(error.message);
			if (!busy || attempt === 50) throw error;
			await sleep(Math.min(20 * (attempt + 1), 500));
		}
	}
}

/**
 * A volume by key or path. One that libvirt does not know is looked for again after a refresh of the pools whose
 * directory it would be in, because overlays are written without libvirt's help where that is possible.
 */
export async function findVolume(host: Host, keyOrPath: string): Promise<VolumeInfo | undefined> {
	const found = await host.volumes.find(keyOrPath);
	if (found || !keyOrPath.startsWith("/")) return found;
	const candidates = (await host.pools.list()).filter(({ active }) => active);
	for (const { uuid } of candidates) {
		const pool = await findPool(host, uuid);
		if (pool?.directory !== directoryOf(keyOrPath)) continue;
		await refreshPool(host, uuid);
		const again = await host.volumes.find(keyOrPath);
		if (again) return again;
	}
	return undefined;
}

/** The directory part of a path, without a slash at the end. */
export function directoryOf(path: string): string {
	return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
