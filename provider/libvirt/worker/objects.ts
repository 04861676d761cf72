/** Look-up and release of libvirt's objects: every call looks its object up anew, so that none outlives a connection. */
import { LibvirtError } from "../errors";
import { libvirt } from "./ffi";
import type { Handle } from "./signatures";

export type Connection = Handle<"connection">;
type Kind = "domain" | "network" | "pool" | "volume";

const free: { [K in Kind]: (handle: Handle<K>) => unknown } = {
	domain: (handle) => libvirt.virDomainFree(handle),
	network: (handle) => libvirt.virNetworkFree(handle),
	pool: (handle) => libvirt.virStoragePoolFree(handle),
	volume: (handle) => libvirt.virStorageVolFree(handle),
};

/** Uses an object and frees it. */
export function using<K extends Kind, T>(kind: K, handle: Handle<K>, use: (handle: Handle<K>) => T): T {
	let result: T;
	try {
		result = use(handle);
	} catch (error) {
		free[kind](handle);
		throw error;
	}
	if (result instanceof Promise) return result.finally(() => free[kind](handle)) as T;
	free[kind](handle);
	return result;
}

/** Uses each object of a list; those that are gone by then are left out. */
export function usingEach<K extends Kind, T>(kind: K, handles: Handle<K>[], use: (handle: Handle<K>) => T): T[] {
	const results: T[] = [];
	try {
		for (const handle of handles) {
			const result = unlessGone(() => use(handle));
			if (result !== undefined) results.push(result);
		}
	} finally {
		for (const handle of handles) free[kind](handle);
	}
	return results;
}

const GONE = ["VIR_ERR_NO_DOMAIN", "VIR_ERR_NO_NETWORK", "VIR_ERR_NO_STORAGE_POOL", "VIR_ERR_NO_STORAGE_VOL"];

/** The result, or undefined when libvirt says that there is no such object. */
export function unlessGone<T>(look: () => T): T | undefined {
	try {
		return look();
	} catch (error) {
		if (error instanceof LibvirtError && GONE.includes(error.errorName)) return undefined;
		throw error;
	}
}

/** The same for a volume whose file went since libvirt listed it: the storage driver reports the failed open. */
export function unlessVanished<T>(look: () => T): T | undefined {
	try {
		return unlessGone(look);
	} catch (error) {
		const vanished = error instanceof LibvirtError && /No such file or directory/.test(error.reason);
		if (vanished) return undefined;
		throw error;
	}
}

/** Some drivers know fewer flags than others: what to do where one is refused. */
export function unlessUnsupported<T>(attempt: () => T, otherwise: () => T): T {
	try {
		return attempt();
	} catch (error) {
		const refused = error instanceof LibvirtError && /unsupported (?:flags|XML flag)/i.test(error.reason);
		if (!refused) throw error;
		return otherwise();
	}
}

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Looks up by UUID if it looks like one, else (or if there is none) by name. */
export function byNameOrUuid<T>(nameOrUuid: string, byUuid: (uuid: string) => T, byName: (name: string) => T) {
	const found = UUID.test(nameOrUuid) ? unlessGone(() => byUuid(nameOrUuid)) : undefined;
	return found ?? unlessGone(() => byName(nameOrUuid));
}

/** "live" 1, "config" 2, both 3: VIR_DOMAIN_AFFECT_… and VIR_NETWORK_UPDATE_AFFECT_… */
export const targetFlags = { live: 1, config: 2, both: 3 } as const;

/** The sum of the flags whose condition holds. */
export function flags(...given: Array<[condition: boolean | undefined, flag: number]>): number {
	return given.reduce((sum, [condition, flag]) => (condition === true ? sum | flag : sum), 0);
}

/**
 * The worker's side of a group of the interface: the same parameters behind the connection, the result as it is.
 * Streams return a promise: they let the worker listen while they run.
 */
export type Implementation<Group> = {
	[Method in keyof Group]: Group[Method] extends (...parameters: infer P) => Promise<infer R>
		? (connection: Connection, ...parameters: P) => R | Promise<R>
		: never;
};
