/** Looks at a host's volumes and domains for `uses.ts`. */
import { open, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { DomainInfo, Host } from "../libvirt/api";
import { type Disk, disksIn } from "./domain-disks";
import { fileExists, isLocal, isNotForUs } from "./local";
import { directoryOf, findPool } from "./pools";
import { QCOW2_PROBE_BYTES, readQcow2Header } from "./qcow2";
import { refreshPool } from "./refresh";
import type { DomainUse } from "./uses";
import { describeVolume } from "./xml";

export interface Seen {
	/** Paths of the overlays on each path. */
	overlaysOf: Map<string, Set<string>>;
	domainsOf: Map<string, DomainUse[]>;
}

/**
 * One round trip for each pool, one for all domains, and one for each running domain (hot-plugged disks).
 * @param thorough whether overlays matter, also those that somebody has made without libvirt, and domains that are off;
 *   else only running domains are looked at, which are mostly few
 */
export async function scanHost(host: Host, thorough: boolean): Promise<Seen> {
	const seen: Seen = { overlaysOf: new Map(), domainsOf: new Map() };
	const pathOf = new Map<string, string>();
	const pools = thorough ? (await host.pools.list()).filter(({ active }) => active) : [];
	await Promise.all(pools.map(({ uuid }) => scanPool(host, uuid, seen, pathOf)));
	const domains = await host.domains.listWithXml({ active: !thorough });
	await Promise.all(
		domains.map(async (domain) => {
			const disks = [...disksIn(domain.xml, domain.uuid)];
			if (isRunning(domain)) {
				// It may end in between; then the definition is what counts.
				const live = await host.domains.xml(domain.uuid).catch(() => undefined);
				if (live) disks.push(...disksIn(live, `${domain.uuid} live`));
			}
			const writableOf = new Map<string, boolean>();
			for (const disk of disks) {
				const path = disk.path ?? pathOf.get(`${disk.pool}/${disk.volume}`) ?? (await pathInPool(host, disk));
				if (path) writableOf.set(path, disk.writable || writableOf.get(path) === true);
			}
			for (const [path, writable] of writableOf) {
				const use = { name: domain.name, uuid: domain.uuid, running: isRunning(domain), writable };
				seen.domainsOf.set(path, [...(seen.domainsOf.get(path) ?? []), use]);
			}
		}),
	);
	return seen;
}

async function scanPool(host: Host, uuid: string, seen: Seen, pathOf: Map<string, string>): Promise<void> {
	const pool = await findPool(host, uuid);
	if (!pool?.active) return;
	const { name: poolName, directory } = pool;
	const saw = (name: string, path: string, backing: string | undefined) => {
		pathOf.set(`${poolName}/${name}`, path);
		if (backing) seen.overlaysOf.set(backing, (seen.overlaysOf.get(backing) ?? new Set<string>()).add(path));
	};
	if (directory && (await isLocal(host, pool))) {
		try {
			// Faster than libvirt, and sees overlays that were written beside it before the pool's next refresh.
			for (const name of await readdir(directory))
				saw(name, join(directory, name), await localBacking(join(directory, name)));
			return;
		} catch (error) {
			// What this user may not read libvirt can tell; silence must not pass for "unused".
			if (!isNotForUs(error)) throw error;
		}
	}
	// One that cannot be refreshed is listed as it is known, and has no files to look at if its directory is gone.
	await refreshPool(host, uuid, { now: true }).catch(() => {});
	for (const { name, path, xml } of await listVolumes(host, uuid)) saw(name, path, describeVolume(xml).backing?.path);
}

/** The list fails as a whole when one of its files is gone: then it is out of date. */
async function listVolumes(host: Host, poolUuid: string) {
	for (let attempt = 1; ; attempt++) {
		try {
			return await host.pools.listVolumes(poolUuid);
		} catch (error) {
			if ((await host.pools.find(poolUuid))?.active !== true) return [];
			if (attempt === 3) throw error;
			await refreshPool(host, poolUuid, { now: true });
		}
	}
}

/**
 * The backing file of a qcow2 file of this machine; undefined for anything else.
 * @throws Error of the file system when this user may not read it
 */
async function localBacking(path: string): Promise<string | undefined> {
	const unlessForbidden = (error: unknown) => {
		if (isNotForUs(error)) throw error;
		return undefined;
	};
	const file = await open(path, "r").catch(unlessForbidden);
	try {
		const start = Buffer.alloc(QCOW2_PROBE_BYTES);
		const read = await file?.read(start, 0, start.length, 0).catch(unlessForbidden);
		const backing = read && readQcow2Header(start.subarray(0, read.bytesRead))?.backingFile;
		return backing === undefined ? undefined : resolve(dirname(path), backing);
	} finally {
		await file?.close();
	}
}

function isRunning(domain: DomainInfo): boolean {
	return !["shutoff", "crashed"].includes(domain.state);
}

/** A fresh look at one domain: its use of the path, or undefined when it is gone or uses it no more. */
export async function usesDisk(host: Host, uuid: string, path: string): Promise<DomainUse | undefined> {
	const domain = await host.domains.find(uuid);
	if (!domain) return undefined;
	const disks: Disk[] = disksIn(await host.domains.xml(uuid));
	if (domain.persistent) disks.push(...disksIn(await host.domains.xml(uuid, { inactive: true })));
	let writable: boolean | undefined;
	for (const disk of disks) {
		const used = disk.path ?? (await pathInPool(host, disk));
		if (used === path) writable = disk.writable || writable === true;
	}
	return writable === undefined ? undefined : { name: domain.name, uuid, running: isRunning(domain), writable };
}

async function pathInPool(host: Host, { pool, volume }: Disk): Promise<string | undefined> {
	if (pool === undefined || volume === undefined) return undefined;
	const found = await findPool(host, pool);
	return found?.active ? (await host.volumes.findInPool(found.uuid, volume))?.path : undefined;
}

/** A fresh look at one overlay: whether it is there and still on this base. */
export async function volumeStillOn(host: Host, overlay: string, base: string): Promise<boolean> {
	const local = await localBacking(overlay).catch(() => undefined);
	if (local === base) return true;
	// On another base: the file itself says so, and libvirt may not have seen yet that it was made anew.
	if (local !== undefined && (await isHere(host, overlay))) return false;
	for (let attempt = 1; ; attempt++) {
		const found = await host.volumes.find(overlay);
		if (!found) return false;
		try {
			return describeVolume(await host.volumes.xml(overlay)).backing?.path === base;
		} catch (error) {
			// Either it is gone behind libvirt's back, or this is no answer at all; silence must not pass for "unused".
			const pool = await host.pools.findByVolume(overlay);
			if (!pool) return false;
			if ((await isHere(host, overlay)) && !(await fileExists(overlay))) return false;
			if (attempt === 3) throw error;
			await refreshPool(host, pool.uuid, { now: true });
		}
	}
}

/** Whether the path is one of this machine's files. */
async function isHere(host: Host, path: string): Promise<boolean> {
	const pool = await host.pools.findByVolume(path);
	const place = pool && (await findPool(host, pool.uuid));
	return place?.directory === directoryOf(path) && isLocal(host, place);
}
