/** libvirt's picture of a pool, brought up to date: once after many changes made beside libvirt. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../libvirt/api";

/** Changes within this time of one another share a refresh. */
const BATCH_MS = 300;
/** A refresh looks at every file: where nobody waits for it, it takes at most this share of the time. */
const IDLE_TO_BUSY = 10;
const LONGEST_BATCH_MS = 5000;

interface Refresh {
	promise: Promise<void>;
	/** Whether it has not begun yet, so that it will see a change made now. */
	waiting: boolean;
	/** Ends its wait for more calls, at once or soon. */
	begin: (afterMs?: number) => void;
}

const refreshes = new Map<Host, Map<string, Refresh>>();

/**
 * Lets libvirt see files that were made or removed beside it. Many calls within 300 ms come to one refresh.
 * @param options.now do not wait for more calls to come
 */
export function refreshPool(host: Host, poolUuid: string, options: { now?: boolean } = {}): Promise<void> {
	const refresh = nextRefresh(host, poolUuid);
	refresh.begin(options.now ? 0 : BATCH_MS);
	return refresh.promise;
}

/** The same in the background: the longer refreshes take, the more calls come to one. */
export function refreshPoolLater(host: Host, poolUuid: string): void {
	nextRefresh(host, poolUuid);
}

/** One that has not begun yet. */
function nextRefresh(host: Host, poolUuid: string): Refresh {
	const ofHost = refreshes.get(host) ?? new Map<string, Refresh>();
	refreshes.set(host, ofHost);
	const pending = ofHost.get(poolUuid);
	return pending?.waiting ? pending : newRefresh(host, poolUuid, ofHost, pending?.promise);
}

function newRefresh(host: Host, poolUuid: string, ofHost: Map<string, Refresh>, running?: Promise<void>): Refresh {
	const batch = new AbortController();
	const begin = (afterMs = 0) => {
		if (afterMs === 0) batch.abort();
		else setTimeout(() => batch.abort(), afterMs);
	};
	const refresh: Refresh = { waiting: true, promise: Promise.resolve(), begin };
	ofHost.set(poolUuid, refresh);
	refresh.promise = (async () => {
		// One that runs may have passed the new file already: this one comes after it.
		await running?.catch(() => {});
		await sleep(batchMs(host, poolUuid), undefined, { signal: batch.signal }).catch(() => {});
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

const refreshed = new WeakMap<Host, Map<string, { at: number; tookMs: number }>>();

function batchMs(host: Host, poolUuid: string): number {
	const tookMs = refreshed.get(host)?.get(poolUuid)?.tookMs ?? 0;
	return Math.min(Math.max(BATCH_MS, tookMs * IDLE_TO_BUSY), LONGEST_BATCH_MS);
}

/** Refreshes a pool unless that was done a moment ago: one refresh serves the look at all of its volumes. */
export async function freshPool(host: Host, poolUuid: string): Promise<void> {
	const last = refreshed.get(host)?.get(poolUuid)?.at ?? 0;
	if (Date.now() - last > FRESH_MS) await refreshPool(host, poolUuid, { now: true });
}

/** Does the refresh of a pool that is still to come, at once; none where nothing has changed. */
export async function finishRefresh(host: Host, poolUuid: string): Promise<void> {
	const pending = refreshes.get(host)?.get(poolUuid);
	pending?.begin();
	await pending?.promise;
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
			const began = Date.now();
			await host.pools.refresh(poolUuid, { deadlineSeconds: REFRESH_DEADLINE_SECONDS });
			const ofHost = refreshed.get(host) ?? new Map<string, { at: number; tookMs: number }>();
			refreshed.set(host, ofHost.set(poolUuid, { at: Date.now(), tookMs: Date.now() - began }));
			return;
		} catch (error) {
			const busy = error instanceof Error && /asynchronous jobs/.test(error.message);
			if (!busy || attempt === 50) throw error;
			await sleep(Math.min(20 * (attempt + 1), 500));
		}
	}
}
