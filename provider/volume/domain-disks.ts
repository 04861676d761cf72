/** Which volumes the XML of a domain names. */
import { attribute, child, children, type Element, parse } from "../xml/element";

/** A file that a domain's disk needs: by path, or by pool and volume name. */
export interface Disk {
	path?: string | undefined;
	pool?: string | undefined;
	volume?: string | undefined;
	/** False for read-only disks and for files below an overlay. */
	writable: boolean;
}

/** XML changes rarely and takes long to read: what was read from it is kept as long as it stays the same. */
const readBefore = new Map<string, { xml: string; disks: Disk[] }>();

/**
 * Sources of all disks, and of the files below them where the XML names these.
 * @param key where to remember the answer for the same XML; not remembered without
 */
export function disksIn(xml: string, key?: string): Disk[] {
	const before = key === undefined ? undefined : readBefore.get(key);
	if (before?.xml === xml) return before.disks;
	const disks = children(child(parse(xml, "the domain's XML"), "devices"), "disk").flatMap(filesOf);
	if (key !== undefined) readBefore.set(key, { xml, disks });
	return disks;
}

function filesOf(disk: Element): Disk[] {
	const isReadOnly = child(disk, "readonly") !== undefined || attribute(disk, "", "device") === "cdrom";
	const files: Disk[] = [];
	for (let level: Element | undefined = disk; level; level = child(level, "backingStore")) {
		const of = (name: string) => attribute(level, "source", name);
		const path = of("file") ?? of("dev");
		const volume = of("volume");
		const writable = level === disk && !isReadOnly;
		if (path !== undefined) files.push({ path, writable });
		else if (volume !== undefined) files.push({ pool: of("pool"), volume, writable });
	}
	return files;
}

/** The first disk (not CD) of a domain: what a clone of the domain starts from. */
export function firstDisk(xml: string): { disk: Disk; format: string | undefined } | undefined {
	const disk = children(child(parse(xml, "the domain's XML"), "devices"), "disk").find(
		(item) => (attribute(item, "", "device") ?? "disk") === "disk",
	);
	const first = disk && filesOf(disk)[0];
	return first && { disk: first, format: attribute(disk, "driver", "type") };
}
