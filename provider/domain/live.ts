/** Changes that a running machine takes. Each is verified by what libvirt and the guest show afterwards. */
import { isDeepStrictEqual } from "node:util";
import type { Context } from "../lifecycle";
import { BARRED, isBarred } from "../morph/agent-policy";
import {
	type DiskSpec,
	diskElement,
	type FoundDisk,
	type FoundNic,
	type NicSpec,
	nicElement,
	sourceKey,
} from "../xml/devices";
import type { DomainSpec } from "../xml/domain";
import { attribute, children, copy, type Element, element, remove, serialize, setAttribute } from "../xml/element";
import type { FoundDomain } from "../xml/read-domain";
import { onlineVcpus } from "./agent";
import { type DiskPlace, usesOfDisk } from "./disk-uses";
import { matchDisks } from "./disks";
import { lookLive } from "./look";
import { patiently, poll } from "./patience";

/** A guest on PCI Express lets go of a device after 5 s, and one that is just starting only when it is up. */
const UNPLUG_SECONDS = 60;
/** How long a balloon that has not moved is waited for; one that moves, to the end. */
const BALLOON_STILL_SECONDS = 5;
const BALLOON_SECONDS = 120;

/** What is put into a running machine and taken out of it, beside vCPUs and memory. */
export type DeviceKind = "disk" | "nic" | "device";

export interface Removable {
	/** `sourceKey` of the disks that were the machine's by what is recorded. */
	disks: ReadonlyArray<string>;
	/** MAC addresses of the NICs that were. */
	macs: ReadonlyArray<string>;
	/** Aliases of other devices that `extraXml` gave it. */
	named: ReadonlyArray<string>;
}

/**
 * Brings the disks and NICs of what runs to the new description, as far as that is possible without a restart.
 * @param removable what may be taken out: devices that somebody else plugged in stay
 * @param left kinds that steps of their own change
 * @throws Error when the guest does not let go of a device, or uses a disk
 */
export async function applyDevices(
	context: Context,
	live: FoundDomain,
	wanted: DomainSpec,
	removable: Removable,
	left: ReadonlyArray<DeviceKind> = [],
): Promise<void> {
	if (!left.includes("disk")) {
		await takeOutDisks(context, live, wanted.disks, removable.disks);
		await putInDisks(context, live, wanted.disks);
	}
	if (!left.includes("nic")) {
		await takeOutNics(context, live, wanted.nics, removable.macs);
		await putInNics(context, live, wanted.nics);
	}
}

/** Memory and vCPUs, within what the machine was started with room for. */
export async function applySize(
	context: Context,
	live: FoundDomain,
	{ memoryMiB, vcpus }: Pick<DomainSpec, "memoryMiB" | "vcpus">,
): Promise<void> {
	await applyMemory(context, live, memoryMiB);
	await applyVcpus(context, live, vcpus);
}

async function applyMemory({ host, log }: Context, live: FoundDomain, memoryMiB: number): Promise<void> {
	if (live.memoryMiB === memoryMiB || memoryMiB > live.maxMemoryMiB) return;
	await patiently(() => host.domains.setMemory(live.uuid, memoryMiB, "live"));
	let now = live.memoryMiB;
	let movedAt = performance.now();
	const reached = await poll(BALLOON_SECONDS, async () => {
		const before = now;
		now = (await lookLive(host, live.uuid)).memoryMiB;
		if (now === memoryMiB) return true;
		if (now !== before) movedAt = performance.now();
		return performance.now() - movedAt > BALLOON_STILL_SECONDS * 1000 ? false : undefined;
	});
	if (!reached) {
		log(`the guest has not brought its memory to ${memoryMiB} MiB yet (now ${now}): its balloon driver decides`);
	}
}

async function applyVcpus({ host, log }: Context, live: FoundDomain, vcpus: number): Promise<void> {
	if (live.vcpus === vcpus || vcpus > live.maxVcpus) return;
	if (vcpus < live.vcpus && live.domainType !== "kvm") return;
	await patiently(() => host.domains.setVcpus(live.uuid, vcpus, "live"));
	if (vcpus < live.vcpus) return;
	if (isBarred(host) || !live.agentConnected || !(await onlineVcpus(host, live.uuid, vcpus))) {
		log(`${vcpus - live.vcpus} vCPU(s) were added; the guest has to put them to use itself, its agent did not`);
	}
}

function matching(wanted: ReadonlyArray<DiskSpec>, { disks }: FoundDomain): Array<FoundDisk | undefined> {
	return matchDisks(
		wanted.map(({ source, device }) => ({ key: sourceKey(source), device })),
		disks,
	);
}

/** Disks of a machine that are not wanted any more and can be taken out while it runs. */
export function disksToTakeOut(
	found: FoundDomain,
	wanted: ReadonlyArray<DiskSpec>,
	removable: ReadonlyArray<string>,
): FoundDisk[] {
	const matched = matching(wanted, found);
	return found.disks.filter(
		(disk) => !matched.includes(disk) && canPlug(disk.bus) && disk.chain.some((key) => removable.includes(key)),
	);
}

/** Wanted disks that a machine does not have, and drives with another medium. */
export function disksToPutIn(found: FoundDomain, wanted: ReadonlyArray<DiskSpec>): DiskSpec[] {
	const matched = matching(wanted, found);
	return wanted.filter((disk, index) => {
		const old = matched[index];
		return old ? disk.device === "cdrom" && old.chain[0] !== sourceKey(disk.source) : canPlug(disk.bus);
	});
}

export async function takeOutDisks(
	context: Context,
	live: FoundDomain,
	wanted: ReadonlyArray<DiskSpec>,
	removable: ReadonlyArray<string>,
): Promise<void> {
	for (const disk of disksToTakeOut(live, wanted, removable)) await unplugDisk(context, live, disk);
}

export async function putInDisks(context: Context, live: FoundDomain, wanted: ReadonlyArray<DiskSpec>): Promise<void> {
	const matched = matching(wanted, live);
	for (const [index, disk] of wanted.entries()) {
		const old = matched[index];
		if (!old) {
			if (!canPlug(disk.bus)) continue;
			await patiently(() => context.host.domains.attachDevice(live.uuid, serialize(diskElement(disk)), "live"));
		} else if (disk.device === "cdrom" && old.chain[0] !== sourceKey(disk.source)) {
			await changeMedium(context, live, old, disk);
		}
	}
}

function canPlug(bus: string | undefined): boolean {
	return bus === "virtio" || bus === "scsi";
}

async function changeMedium({ host }: Context, live: FoundDomain, old: FoundDisk, disk: DiskSpec): Promise<void> {
	const target = {
		...disk,
		alias: old.alias ?? disk.alias,
		target: old.target ?? disk.target,
		bus: old.bus ?? disk.bus,
	};
	await patiently(() => host.domains.updateDevice(live.uuid, serialize(diskElement(target)), "live"));
}

export async function unplugDisk(
	context: Context,
	live: FoundDomain,
	disk: FoundDisk,
	seconds = UNPLUG_SECONDS,
): Promise<void> {
	const { host, log } = context;
	const name = `disk ${disk.target} (${disk.chain[0]})`;
	if (isBarred(host)) {
		throw new Error(
			`${name} of ${live.name} was not taken out: whether it is in use says the guest agent, ${BARRED}. Turn the machine ` +
				"off (running: false) for the change",
		);
	}
	const uses = live.agentConnected ? await usesOfDisk(host, live.uuid, qemuDevice(live, disk)) : undefined;
	if (uses === undefined) log(`${name}: whether the guest uses it cannot be asked; it is taken out`);
	else if (uses.length > 0) {
		throw new Error(
			`${name} of ${live.name} was not taken out: the guest has it ${uses.join(", ")}, and would lose what it has not ` +
				"written. End that in the guest (umount, swapoff, ...), or turn the machine off (running: false) for the change",
		);
	}
	const isThere = (now: FoundDomain) => now.disks.some((item) => item.target === disk.target);
	await unplug(context, live, disk.element, name, isThere, seconds);
}

/** QEMU's id of the PCI device behind a disk: the disk's own, or its SCSI controller's. */
function qemuDevice(live: FoundDomain, disk: FoundDisk): DiskPlace {
	if (disk.bus !== "scsi") return { qdevId: disk.alias ?? "" };
	const [address] = children(disk.element, "address");
	const number = (name: string) => Number(attribute(address, "", name) ?? 0);
	const controller = children(children(live.root, "devices")[0], "controller").find(
		(item) => attribute(item, "", "type") === "scsi" && Number(attribute(item, "", "index")) === number("controller"),
	);
	return {
		qdevId: attribute(controller, "alias", "name") ?? "",
		scsi: { target: number("target"), unit: number("unit") },
	};
}

/**
 * Asks for a device and waits until it is gone: the request's success only means that the guest was asked.
 */
export async function unplug(
	{ host }: Context,
	live: FoundDomain,
	device: Element,
	name: string,
	there: (now: FoundDomain) => boolean,
	seconds: number,
): Promise<void> {
	const xml = serialize(device);
	await patiently(() => host.domains.detachDevice(live.uuid, xml, "live"));
	const gone = await poll(seconds, async () => (there(await lookLive(host, live.uuid)) ? undefined : true));
	if (gone) return;
	throw new Error(
		`the guest of ${live.name} has not let go of ${name} within ${seconds} s: the device is still there. ` +
			"Look whether the guest runs and supports hot plug, or turn the machine off (running: false) for the change",
	);
}

/** NICs of a machine that are not wanted any more. */
export function nicsToTakeOut(
	found: FoundDomain,
	wanted: ReadonlyArray<NicSpec>,
	removable: ReadonlyArray<string>,
): FoundNic[] {
	return found.nics.filter(
		({ mac }) => mac !== undefined && removable.includes(mac) && !wanted.some((nic) => nic.mac === mac),
	);
}

/** Wanted NICs that a machine does not have, and those that are connected elsewhere. */
export function nicsToPutIn(found: FoundDomain, wanted: ReadonlyArray<NicSpec>): NicSpec[] {
	return wanted.filter((nic) => {
		const old = found.nics.find(({ mac }) => mac === nic.mac);
		return !old || (old.model === nic.model && !isDeepStrictEqual(old.source, nic.source));
	});
}

export async function takeOutNics(
	context: Context,
	live: FoundDomain,
	wanted: ReadonlyArray<NicSpec>,
	removable: ReadonlyArray<string>,
): Promise<void> {
	for (const nic of nicsToTakeOut(live, wanted, removable)) await unplugNic(context, live, nic);
}

export async function putInNics(
	context: Context,
	live: FoundDomain,
	wanted: ReadonlyArray<NicSpec>,
	seconds = UNPLUG_SECONDS,
): Promise<void> {
	const { host } = context;
	const plug = (nic: NicSpec) =>
		patiently(() => host.domains.attachDevice(live.uuid, serialize(nicElement(nic)), "live"));
	for (const nic of nicsToPutIn(live, wanted)) {
		const old = live.nics.find(({ mac }) => mac === nic.mac);
		if (!old) await plug(nic);
		else {
			if (canReconnect(old, nic)) {
				await patiently(() => host.domains.updateDevice(live.uuid, serialize(reconnected(old, nic)), "live"));
			} else {
				await unplugNic(context, live, old, seconds);
				await plug(nic);
			}
		}
	}
}

export function unplugNic(context: Context, live: FoundDomain, nic: FoundNic, seconds = UNPLUG_SECONDS): Promise<void> {
	const isThere = (now: FoundDomain) => now.nics.some(({ mac }) => mac === nic.mac);
	return unplug(context, live, nic.element, `NIC ${nic.mac}`, isThere, seconds);
}

/** Networks and bridges are both a bridge to the NIC; user-mode networking is another back end. */
function canReconnect(old: FoundNic, nic: NicSpec): boolean {
	return old.source !== undefined && !("user" in old.source) && !("user" in nic.source);
}

function reconnected(old: FoundNic, nic: NicSpec): Element {
	const device = copy(old.element);
	setAttribute(device, "type", "network" in nic.source ? "network" : "bridge");
	for (const name of ["source", "virtualport"]) for (const item of children(device, name)) remove(item);
	device.appendChild(element("source", { ...nic.source }));
	return device;
}
