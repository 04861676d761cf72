/** Keeps machines from writing to volumes that others lie on. */
import type { Host } from "../libvirt";
import { isBare, refuseWhileUsed } from "../volume/uses";
import type { DiskSpec } from "../xml/devices";

const ADVICE =
	"What is written below an overlay corrupts it, even while it is not in use. Leave the machine off (running: false), " +
	"give it a clone or a copy of the volume, attach the volume with readOnly, or remove these first.";

/**
 * For disks that a machine is about to get or to start with.
 * @throws InUseError that names the volumes which lie on one of them
 */
export async function refuseToWriteBases(
	host: Host,
	name: string,
	disks: ReadonlyArray<Pick<DiskSpec, "source" | "device" | "readOnly">>,
): Promise<void> {
	for (const { source, device, readOnly } of disks) {
		if (readOnly || device === "cdrom" || source.type === "network" || isBare(host, source.path)) continue;
		const overlaysOnly = { overlays: true, domains: () => false };
		await refuseWhileUsed(host, source.path, `written by domain ${name}`, overlaysOnly, ADVICE);
	}
}
