/** Growing a volume, whether a machine runs on it or not. */
import type { Host } from "../libvirt/api";
import { type DomainUse, refuseWhileUsed, usesOf } from "./uses";
import type { VolumeDescription } from "./xml";

/**
 * Grows the volume unless it is large enough. A running domain's disk is grown through the domain, so that the guest
 * sees it at once.
 * @returns the capacity in bytes afterwards
 * @throws Error when there are overlays on the volume, which were made for its size
 */
export async function growTo(host: Host, volume: VolumeDescription, capacityBytes: number): Promise<number> {
	if (volume.capacityBytes >= capacityBytes) return volume.capacityBytes;
	await refuseWhileUsed(host, volume.path, "resized", { overlays: true, domains: () => false });
	const onDisk = { overlays: false, domains: (use: DomainUse) => use.running && use.writable };
	const [running] = (await usesOf(host, volume.path, onDisk)).domains;
	if (running) await host.domains.blockResize(running.uuid, volume.path, capacityBytes);
	else await host.volumes.resize(volume.key, capacityBytes);
	return capacityBytes;
}
