/** Volumes as domains see them. */
import type { Host } from "../libvirt/api";
import { formatOfMade } from "./made-here";
import { findVolume } from "./pools";
import { describeVolume } from "./xml";

export interface DiskVolume {
	/** libvirt's key; the path for files. */
	key: string;
	path: string;
	/** "file", "block", "network"... as in the XML of a volume. */
	type: string;
	/** As libvirt detects it, or as it was made: "qcow2", "raw", "iso"... */
	format: string;
}

/**
 * The volume of a disk, by key or path; undefined when there is none. Costs nothing for one that this process has made;
 * one that libvirt does not know is looked for again after a refresh of its pool.
 */
export async function findDiskVolume(host: Host, keyOrPath: string): Promise<DiskVolume | undefined> {
	const format = formatOfMade(host, keyOrPath);
	if (format) return { key: keyOrPath, path: keyOrPath, type: "file", format };
	const found = await findVolume(host, keyOrPath);
	if (!found) return undefined;
	const { type, format: detected } = describeVolume(await host.volumes.xml(found.key));
	return { key: found.key, path: found.path, type, format: detected };
}
