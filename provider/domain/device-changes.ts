/** Differences between lists of disks and NICs. */
import { isDeepStrictEqual } from "node:util";
import type { Change } from "../lifecycle";
import { BARRED } from "../morph/agent-policy";
import { isUnknown } from "../unknown";
import { busOf } from "./disks";
import { matchNics, nicSource } from "./nics";
import type { DiskInputs, DomainFacts, DomainInputs, NicInputs } from "./schema";

/** Fields of a disk that a running machine cannot change, and those of which "not given" means "as it is". */
const FIXED = ["device", "readOnly", "serial", "cache", "bootOrder", "target", "bus", "format"] as const;
const KEPT: ReadonlyArray<string> = ["target", "bus", "format"];

/** @param asked whether the guest may be asked what it uses a disk for: without that none is taken out while it runs */
export function diskChanges(olds: ReadonlyArray<DiskInputs>, news: ReadonlyArray<DiskInputs>, asked = true): Change[] {
	if (!Array.isArray(news)) return [{ property: "disks", effect: "replace", note: "the boot disk may be another one" }];
	const changes: Change[] = [];
	const isDisk = (disk: DiskInputs) => disk.device !== "cdrom";
	const [oldBoot, newBoot] = [olds.find(isDisk), news.find(isDisk)];
	if (oldBoot && newBoot && oldBoot.volume !== newBoot.volume) {
		return [
			{
				property: `disks[${news.indexOf(newBoot)}]`,
				effect: "replace",
				note: "a machine with another boot disk is another machine",
			},
		];
	}
	const free = new Set(olds);
	const matched = news.map((disk) => {
		const same = [...free].find((old) => old.volume === disk.volume && old.device === disk.device);
		if (same) free.delete(same);
		return same;
	});
	for (const [index, disk] of news.entries()) {
		const property = `disks[${index}]`;
		const old = matched[index];
		if (old) {
			changes.push(...fieldChanges(property, old, disk));
			continue;
		}
		const drive = isDisk(disk) ? undefined : [...free].find((item) => !isDisk(item));
		if (drive) {
			free.delete(drive);
			changes.push({ property, effect: "live", note: "the medium is changed" });
			changes.push(...fieldChanges(property, { ...drive, volume: disk.volume }, disk));
		} else changes.push({ property, ...plugEffect(disk, "added") });
	}
	for (const disk of free) {
		const property = `disks[${olds.indexOf(disk)}]`;
		if (disk === oldBoot) changes.push({ property, effect: "restart", note: "the boot disk is taken out" });
		else if (asked) changes.push({ property, ...plugEffect(disk, "taken out") });
		else
			changes.push({
				property,
				effect: "restart",
				note: `taken out: whether it is in use says the guest agent, ${BARRED}`,
			});
	}
	return changes;
}

function fieldChanges(property: string, old: DiskInputs, disk: DiskInputs): Change[] {
	const differing = FIXED.filter((field) => {
		if (KEPT.includes(field) && (disk[field] === undefined || (field === "format" && old.format === undefined))) {
			return false;
		}
		return !isDeepStrictEqual(old[field], disk[field]);
	});
	if (differing.length === 0) return [];
	const note = `${differing.join(", ")} of a disk cannot change while it is in use`;
	return [{ property, effect: "restart", note }];
}

function plugEffect(disk: DiskInputs, what: "added" | "taken out"): Omit<Change, "property"> {
	const bus = isUnknown(disk.bus) || isUnknown(disk.target) ? "sata" : busOf(disk, "x86_64");
	if (bus === "sata") return { effect: "restart", note: `${what}: there is no hot plug on bus sata` };
	return what === "added"
		? { effect: "live", note: `added by hot plug on bus ${bus}` }
		: { effect: "live", note: "taken out by hot unplug; refused while the guest is seen to use it" };
}

type Olds = Pick<DomainInputs, "ownerId" | "nics"> & Partial<Pick<DomainFacts, "macs">> & Pick<DomainInputs, "machine">;

export function nicChanges(olds: Olds, news: ReadonlyArray<NicInputs>): Change[] {
	if (!Array.isArray(news)) return [{ property: "nics", effect: "live", note: "plugged or unplugged" }];
	const known = (olds.nics ?? []).map((nic, index) => ({
		index,
		mac: nic.mac ?? olds.macs?.[index],
		source: nicSource(nic),
		model: nic.model as string | undefined,
	}));
	const matched = matchNics(news, known, olds.ownerId);
	const changes: Change[] = [];
	for (const [index, nic] of news.entries()) {
		const property = `nics[${index}]`;
		const old = matched[index];
		if (!old) changes.push({ property, ...nicEffect(nic.model, olds.machine, "added") });
		else if (old.model !== nic.model) {
			changes.push({ property, effect: "restart", note: "the model of a NIC cannot change while it is in use" });
		} else if (!isDeepStrictEqual(old.source, nicSource(nic))) {
			changes.push({ property, effect: "live", note: "connected elsewhere, with the same MAC address" });
		}
	}
	for (const item of known) {
		if (matched.includes(item)) continue;
		changes.push({ property: `nics[${item.index}]`, ...nicEffect(item.model, olds.machine, "taken out") });
	}
	return changes;
}

/** Conventional PCI has hot plug on the old board only. */
function nicEffect(model: string | undefined, machine: string | undefined, what: string): Omit<Change, "property"> {
	const conventional = model === "e1000" || model === "rtl8139";
	const oldBoard = machine === "pc" || machine?.startsWith("pc-i440fx") === true;
	if (conventional && !oldBoard) {
		return { effect: "restart", note: `${what}: model ${model} has no hot plug on this machine type` };
	}
	return { effect: "live", note: `${what} while the machine runs` };
}
