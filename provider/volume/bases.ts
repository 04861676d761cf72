/** What a clone is made from. */
import { stat } from "node:fs/promises";
import type { Host } from "../libvirt/api";
import { LibvirtError } from "../libvirt/errors";
import { InputError } from "../lifecycle";
import { firstDisk } from "./domain-disks";
import { findVolume, usablePool } from "./pools";
import type { VolumeInputs } from "./schema";
import { refuseWhileUsed } from "./uses";
import { describeVolume, statContentId, type VolumeDescription } from "./xml";

export interface Base {
	path: string;
	key: string;
	format: "qcow2" | "raw";
	capacityBytes: number;
	/** `stat:...`: size and time of change. */
	contentId: string;
	/** Backing paths below the base itself, nearest first. */
	backing: string[];
}

/** A backing chain longer than this is a loop or a mistake. */
const MAX_CHAIN = 64;
const BELIEVED_MS = 3000;

const bases = new WeakMap<Host, Map<string, { base: Promise<Base>; at: number; stamp: string | undefined }>>();

/**
 * The base that the inputs name, fit to be cloned.
 * @throws Error when it does not exist, has another format than can be cloned, or is being written by a running domain
 */
export async function baseFor(host: Host, inputs: VolumeInputs): Promise<Base> {
	const base = inputs.baseDomain === undefined ? await baseVolume(host, inputs) : await baseOfDomain(host, inputs);
	if (inputs.whileRunning) return base;
	await refuseWhileUsed(
		host,
		base.path,
		"cloned while it is being written",
		{ overlays: false, domains: ({ running, writable }) => running && writable },
		"Shut the domain down first, or clone another volume.",
	);
	return base;
}

async function baseVolume(host: Host, inputs: VolumeInputs): Promise<Base> {
	const reference = inputs.base!;
	const path = reference.includes("/") ? reference : await pathOfName(host, inputs.pool, reference);
	return knownBase(host, path, undefined);
}

async function pathOfName(host: Host, pool: string, name: string): Promise<string> {
	const { uuid, name: poolName } = await usablePool(host, pool);
	const find = async () => (await host.volumes.findInPool(uuid, name)) ?? (await host.volumes.find(name));
	const found = await find();
	if (found) return found.path;
	throw new Error(
		`there is no volume "${name}" in the pool "${poolName}" on ${host.uri}, and none with that key: ` +
			"base takes a Volume, a volume's path or key, or the name of one in the same pool.",
	);
}

async function baseOfDomain(host: Host, { baseDomain, whileRunning }: VolumeInputs): Promise<Base> {
	const reference = baseDomain!;
	const domain = await host.domains.find(reference);
	if (!domain) {
		throw new Error(`there is no domain "${reference}" on ${host.uri}: baseDomain takes a domain's UUID or name.`);
	}
	if (domain.state !== "shutoff" && !whileRunning) {
		throw new Error(
			`the domain "${domain.name}" is ${domain.state}: its disk is being written and cannot be cloned. ` +
				"Shut it down first, or clone another volume.",
		);
	}
	const first = firstDisk(await host.domains.xml(domain.uuid, { inactive: !whileRunning }));
	if (!first) throw new Error(`the domain "${domain.name}" has no disk that could be cloned: name a volume as base.`);
	const { disk, format } = first;
	const path = disk.path ?? (await pathOfName(host, disk.pool ?? "", disk.volume ?? ""));
	return knownBase(host, path, format);
}

/** Many clones of one base in a row look at it once, as long as it does not change. */
async function knownBase(host: Host, path: string, format: string | undefined): Promise<Base> {
	const ofHost = bases.get(host) ?? new Map();
	bases.set(host, ofHost);
	const key = `${path} ${format ?? ""}`;
	const known = ofHost.get(key);
	const stamp = await localStamp(path);
	// On this machine a look at the file says that it is the same; elsewhere the time has to do.
	if (known && Date.now() - known.at < BELIEVED_MS && known.stamp === stamp) return known.base;
	const base = lookAt(host, path, format);
	ofHost.set(key, { base, at: Date.now(), stamp });
	base.catch(() => ofHost.get(key)?.base === base && ofHost.delete(key));
	return base;
}

/** For whoever changes a volume that may be a base. */
export function forgetBase(host: Host, path: string): void {
	const ofHost = bases.get(host);
	for (const key of ofHost?.keys() ?? []) if (key.startsWith(`${path} `)) ofHost?.delete(key);
}

async function localStamp(path: string): Promise<string | undefined> {
	const found = path.startsWith("/") ? await stat(path, { bigint: true }).catch(() => undefined) : undefined;
	return found && `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

async function lookAt(host: Host, path: string, declaredFormat: string | undefined): Promise<Base> {
	const found = await findVolume(host, path);
	const xml = found && (await host.volumes.xml(found.key).catch(unlessGone));
	if (!found || xml === undefined) {
		throw new Error(
			`there is no volume ${path} in any active storage pool on ${host.uri}: a base has to be in one. ` +
				"Name a Volume, a volume's path or key, or define and start a pool for its directory. Where it is a Volume of " +
				"this program it was removed by somebody else: run pulumi refresh, and pulumi up makes it anew.",
		);
	}
	const volume = describeVolume(xml);
	// What a domain declares counts more than what the content looks like, which its guest can choose.
	const format = baseFormat(declaredFormat ?? volume.format);
	if (!format) {
		throw new InputError(
			"base",
			`got ${path}; it has the format "${volume.format}"; allowed are qcow2 and raw. ` +
				"Convert it (qemu-img convert -O qcow2) and name the result.",
		);
	}
	return {
		path: found.path,
		key: found.key,
		format,
		capacityBytes: volume.capacityBytes,
		contentId: statContentId(volume),
		backing: await backingChain(host, volume),
	};
}

/** For `catch`: libvirt goes on listing a file that is gone until it looks at it. */
function unlessGone(error: unknown): undefined {
	if (error instanceof LibvirtError && error.errorName === "VIR_ERR_NO_STORAGE_VOL") return undefined;
	throw error;
}

function baseFormat(format: string): "qcow2" | "raw" | undefined {
	if (format === "qcow2") return "qcow2";
	// libvirt calls a raw volume "iso" when it holds a CD's file system; pools without formats say nothing.
	return ["raw", "iso", "none", "unknown"].includes(format) ? "raw" : undefined;
}

/** Backing paths below a volume, nearest first. One that libvirt does not know ends the chain. */
export async function backingChain(host: Host, volume: VolumeDescription): Promise<string[]> {
	const chain: string[] = [];
	let backing = volume.backing?.path;
	while (backing && chain.length < MAX_CHAIN && !chain.includes(backing)) {
		chain.push(backing);
		const next = await host.volumes.find(backing);
		backing = next && describeVolume(await host.volumes.xml(next.key)).backing?.path;
	}
	return chain;
}
