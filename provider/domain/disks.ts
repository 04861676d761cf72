/** Which disk of the inputs is which disk of the machine, and the names of those that were given none. */
import {
	type DiskBus,
	type DiskFormat,
	type DiskSource,
	type DiskSpec,
	type FoundDisk,
	sourceKey,
} from "../xml/devices";
import type { DiskInputs } from "./schema";

/** A disk of the inputs with what the host knows of its volume. */
export interface ResolvedDisk {
	input: DiskInputs;
	source: DiskSource;
	format: DiskFormat;
}

/** The bus of a disk: as given, else by its target's name, else the fastest for a disk and the usual one for a CD. */
export function busOf(disk: DiskInputs, arch: string): DiskBus {
	if (disk.bus) return disk.bus;
	const cdrom = disk.device === "cdrom";
	// Machines other than the PC have no SATA controller.
	const cdBus = arch === "x86_64" ? "sata" : "scsi";
	if (disk.target?.startsWith("vd")) return "virtio";
	if (disk.target?.startsWith("sd")) return cdrom ? cdBus : "scsi";
	if (disk.target?.startsWith("hd")) return "sata";
	return cdrom ? cdBus : "virtio";
}

/**
 * The found disk that each disk of the inputs is; undefined for one that is new. A disk is known by its source, also
 * below an overlay that a snapshot has laid on it.
 * @param drives whether a drive for removable media is known by its place among such drives, since media come and go
 */
export function matchDisks<Wanted extends { key: string; device: string }>(
	wanted: ReadonlyArray<Wanted>,
	found: ReadonlyArray<FoundDisk>,
	drives = true,
): Array<FoundDisk | undefined> {
	const free = new Set(found);
	const matched: Array<FoundDisk | undefined> = wanted.map(() => undefined);
	const pass = (fits: (item: FoundDisk, disk: Wanted) => boolean) => {
		wanted.forEach((disk, index) => {
			if (matched[index]) return;
			const item = [...free].find((other) => other.device === disk.device && fits(other, disk));
			if (item) free.delete(item);
			matched[index] = item;
		});
	};
	pass((item, { key }) => item.chain[0] === key);
	pass((item, { key }) => item.chain.includes(key));
	if (drives) pass((item, { device }) => device === "cdrom" && item.alias?.startsWith("ua-disk-") === true);
	return matched;
}

/**
 * Gives every disk its alias, bus and target. A disk that is there already keeps what it has, so that taking one out
 * does not move the others.
 */
export function assignDisks(
	disks: ReadonlyArray<ResolvedDisk>,
	found: ReadonlyArray<FoundDisk>,
	arch: string,
): DiskSpec[] {
	const matched = matchDisks(
		disks.map(({ input, source }) => ({ key: sourceKey(source), device: input.device })),
		found,
	);
	const aliases = new Set(found.flatMap((item) => item.alias ?? []));
	const buses = disks.map(({ input }, i) => {
		const kept = input.target === undefined && input.device === matched[i]?.device ? matched[i]?.bus : undefined;
		return input.bus ?? kept ?? busOf(input, arch);
	});
	const keeps = (i: number) => {
		const old = matched[i];
		return old && old.bus === buses[i] ? old.target : undefined;
	};
	const targets = new Set(disks.flatMap(({ input }, i) => input.target ?? keeps(i) ?? []));
	// Nor may a new one take the name of one that is still there.
	for (const item of found) if (item.target) targets.add(item.target);
	return disks.map(({ input, source, format }, i) => {
		const bus = buses[i]!;
		const old = matched[i];
		// A snapshot's overlay stays on top: what was written since is in it.
		const overlaid = old?.chain.indexOf(sourceKey(source)) ?? -1;
		const kept = overlaid > 0 && old?.source && old.format ? { source: old.source, format: old.format } : {};
		return {
			alias: old?.alias?.startsWith("ua-disk-") ? old.alias : firstFree("ua-disk-", aliases),
			source,
			format,
			...kept,
			device: input.device,
			target: input.target ?? keeps(i) ?? firstFreeTarget(bus, targets),
			bus,
			readOnly: input.readOnly || input.device === "cdrom",
			serial: input.serial,
			cache: input.cache,
			bootOrder: input.bootOrder,
		};
	});
}

/** `prefix` with the lowest number that is not taken; takes it. */
export function firstFree(prefix: string, taken: Set<string>): string {
	let number = 0;
	while (taken.has(`${prefix}${number}`)) number++;
	taken.add(`${prefix}${number}`);
	return `${prefix}${number}`;
}

function firstFreeTarget(bus: DiskBus, taken: Set<string>): string {
	const prefix = bus === "virtio" ? "vd" : "sd";
	for (let index = 0; ; index++) {
		const target = prefix + letters(index);
		if (taken.has(target)) continue;
		taken.add(target);
		return target;
	}
}

/** 0 is a, 25 is z, 26 is aa, as the kernel names disks. */
export function letters(index: number): string {
	const last = String.fromCharCode(97 + (index % 26));
	return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}
