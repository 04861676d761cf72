/** Whether two volumes on two hosts hold the same. */
import { join } from "node:path";
import type { Host } from "../libvirt";
import { withTemporaryFolder } from "../temporary";
import { contentIn } from "../volume/name";
import { findVolume } from "../volume/pools";
import { describeVolume, type VolumeDescription } from "../volume/xml";

/** A volume that is known to be there. */
export async function describedAt(host: Host, path: string): Promise<VolumeDescription> {
	const found = await findVolume(host, path);
	if (!found) throw new Error(`there is no volume ${path} on ${host.uri}; start or refresh its pool`);
	return describeVolume(await host.volumes.xml(found.key));
}

/**
 * Byte for byte, with all that is below them. Names of images that were uploaded by this package tell; others are read,
 * on both hosts, once.
 */
export async function isSameContent(one: Host, onePath: string, other: Host, otherPath: string): Promise<boolean> {
	const [a, b] = await Promise.all([describedAt(one, onePath), describedAt(other, otherPath)]);
	if (a.format !== b.format || a.capacityBytes !== b.capacityBytes || a.fileBytes !== b.fileBytes) return false;
	if (!(await isSameFile(one, a, other, b))) return false;
	if (!a.backing || !b.backing) return a.backing === b.backing;
	return isSameContent(one, a.backing.path, other, b.backing.path);
}

async function isSameFile(one: Host, a: VolumeDescription, other: Host, b: VolumeDescription): Promise<boolean> {
	const content = contentIn(a.name);
	if (content !== undefined && content === contentIn(b.name)) return true;
	const [hash, otherHash] = await Promise.all([sha256Of(one, a), sha256Of(other, b)]);
	return hash === otherHash;
}

const hashes = new WeakMap<Host, Map<string, Promise<string>>>();

function sha256Of(host: Host, { key, fileBytes, stamp }: VolumeDescription): Promise<string> {
	const known = hashes.get(host) ?? new Map<string, Promise<string>>();
	hashes.set(host, known);
	const state = `${key} ${fileBytes} ${stamp?.modifiedNs} ${stamp?.changedNs}`;
	const hash = known.get(state) ?? read(host, key);
	known.set(state, hash);
	hash.catch(() => known.delete(state));
	return hash;
}

async function read(host: Host, key: string): Promise<string> {
	return withTemporaryFolder("compared", async (folder) => {
		return (await host.volumes.download(key, join(folder, "volume"))).sha256;
	});
}
