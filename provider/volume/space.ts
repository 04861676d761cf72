/** How much a change of what a volume is laid on may copy, and whether there is room for it. */
import type { Host } from "../libvirt/api";
import { refreshPool } from "./refresh";
import { MIB } from "./wanted";
import { describeVolume, type VolumeDescription } from "./xml";

/** At most so many bytes are in these files, and in no case more than the volume can hold. */
export async function bytesIn(host: Host, chain: ReadonlyArray<string>, volume: VolumeDescription): Promise<number> {
	let sum = 0;
	for (const path of chain) {
		const found = await host.volumes.find(path);
		// What libvirt does not know may be full.
		if (!found) return volume.capacityBytes;
		sum += describeVolume(await host.volumes.xml(found.key)).allocationBytes;
	}
	return Math.min(sum, volume.capacityBytes);
}

/** @throws Error that says how much is missing, before anything is touched */
export async function refuseWithoutSpace(host: Host, volume: VolumeDescription, bytes: number): Promise<void> {
	const pool = await host.pools.findByVolume(volume.key);
	if (!pool) return;
	await refreshPool(host, pool.uuid, { now: true });
	const { availableBytes } = await host.pools.space(pool.uuid);
	if (bytes <= availableBytes) return;
	throw new Error(
		`the pool "${pool.name}" on ${host.uri} has ${mebibytes(availableBytes)} MiB left, and up to ${mebibytes(bytes)} ` +
			`MiB may be copied into ${volume.path}: make room in the pool first. Nothing was changed.`,
	);
}

export function mebibytes(bytes: number): number {
	return Math.ceil(bytes / MIB);
}
