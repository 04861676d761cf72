/** Pools as the volumes see them, looked up once for many volumes. */
import type { Host, VolumeInfo } from "../libvirt/api";
import { attribute, parse, text } from "../xml/element";
import { refreshPool } from "./refresh";

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

/**
 * A volume by key or path. One that libvirt does not know is looked for again after a refresh of the pools whose
 * directory it would be in, because overlays are written without libvirt's help where that is possible.
 * @param options.now refresh at once, and not together with what is made in the next moments
 */
export async function findVolume(
	host: Host,
	keyOrPath: string,
	options: { now?: boolean } = {},
): Promise<VolumeInfo | undefined> {
	const found = await host.volumes.find(keyOrPath);
	if (found || !keyOrPath.startsWith("/")) return found;
	const candidates = (await host.pools.list()).filter(({ active }) => active);
	for (const { uuid } of candidates) {
		const pool = await findPool(host, uuid);
		if (pool?.directory !== directoryOf(keyOrPath)) continue;
		await refreshPool(host, uuid, options);
		const again = await host.volumes.find(keyOrPath);
		if (again) return again;
	}
	return undefined;
}

/** The directory part of a path, without a slash at the end. */
export function directoryOf(path: string): string {
	return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
