/**
 * Room for growth that a machine is started with: a maximum of memory beyond what it boots with, and a virtio-mem device
 * through which a running guest takes and gives that memory.
 */
import { aliasOf } from "./devices";
import { append, attribute, child, children, type Element, element, remove, text } from "./element";
import { mibElement, put, readMiB } from "./units";

/**
 * In which a guest takes and gives memory. Linux on x86_64 does it in no less than its largest run of pages, 4 MiB: of
 * 2 MiB, which QEMU would take as well, an odd number would never arrive.
 */
export const MEMORY_BLOCK_MIB = 4;

/** Alias of the virtio-mem device. */
export const ROOM_ALIAS = "ua-memory-0";

/** libvirt wants a slot for each memory device; the others are for modules (DIMMs). */
const SLOTS = 8;

/** The memory of a machine with room, as found. */
export interface FoundRoom {
	/** What it was started with. */
	bootMiB: number;
	/** Ceiling of both together. */
	maxMemoryMiB: number;
	/** The virtio-mem device; undefined where there is none. */
	device: { element: Element; sizeMiB: number; requestedMiB: number; currentMiB: number; blockMiB: number } | undefined;
}

/**
 * Writes memory with room: all of `memoryMiB` at boot, the rest up to `maxMemoryMiB` as an empty virtio-mem device. What a
 * running machine has been given by it is boot memory at the next start, whose guest might leave it aside.
 */
export function setRoom(
	root: Element,
	{ memoryMiB, maxMemoryMiB, maxVcpus }: { memoryMiB: number; maxMemoryMiB: number; maxVcpus: number },
): void {
	const sizeMiB = blocks(maxMemoryMiB - memoryMiB);
	put(root, element("maxMemory", { slots: SLOTS, unit: "MiB" }, maxMemoryMiB));
	put(root, mibElement("memory", memoryMiB + sizeMiB));
	put(root, mibElement("currentMemory", memoryMiB));
	const cpu = child(root, "cpu") ?? append(root, element("cpu"));
	const cpus = maxVcpus === 1 ? "0" : `0-${maxVcpus - 1}`;
	put(cpu, element("numa", {}, element("cell", { id: 0, cpus, memory: memoryMiB, unit: "MiB" })));
	const devices = child(root, "devices") ?? append(root, element("devices"));
	remove(ownDevice(root));
	if (sizeMiB > 0) devices.appendChild(roomDevice(sizeMiB));
}

function roomDevice(sizeMiB: number): Element {
	return element(
		"memory",
		{ model: "virtio-mem" },
		element(
			"target",
			{},
			mibElement("size", sizeMiB),
			element("node", {}, 0),
			mibElement("block", MEMORY_BLOCK_MIB),
			mibElement("requested", 0),
		),
		element("alias", { name: ROOM_ALIAS }),
	);
}

/** The device as it is, asked for another amount. */
export function requesting(device: Element, amountMiB: number): Element {
	const asked = device.cloneNode(true) as Element;
	put(child(asked, "target")!, mibElement("requested", amountMiB));
	remove(child(asked, "target/current"));
	return asked;
}

/** @returns undefined for a machine without `<maxMemory>` and a NUMA cell: its memory has no room */
export function readRoom(root: Element): FoundRoom | undefined {
	const maxMemoryMiB = readMiB(root, "maxMemory");
	const cells = children(child(root, "cpu/numa"), "cell");
	if (maxMemoryMiB === undefined || cells.length === 0) return undefined;
	const device = children(child(root, "devices"), "memory").find(
		(item) => attribute(item, "", "model") === "virtio-mem",
	);
	return { bootMiB: cells.reduce((sum, cell) => sum + cellMiB(cell), 0), maxMemoryMiB, device: device && read(device) };
}

/** Whether it has the room that is made here. */
export function hasOwnRoom(root: Element): boolean {
	return ownDevice(root) !== undefined;
}

/** Takes it out: a machine made from this one is one that asks for its own, or has none. */
export function removeRoom(root: Element): void {
	const device = ownDevice(root);
	if (!device) return;
	for (const part of [device, child(root, "maxMemory"), child(root, "cpu/numa")]) remove(part);
	const boot = child(root, "currentMemory");
	if (boot) put(root, element("memory", { unit: attribute(boot, "", "unit") }, text(boot)));
}

function ownDevice(root: Element): Element | undefined {
	return children(child(root, "devices"), "memory").find((device) => aliasOf(device) === ROOM_ALIAS);
}

function read(device: Element): FoundRoom["device"] {
	const target = child(device, "target")!;
	const amount = (name: string) => readMiB(target, name) ?? 0;
	return {
		element: device,
		sizeMiB: amount("size"),
		requestedMiB: amount("requested"),
		currentMiB: amount("current"),
		blockMiB: amount("block") || MEMORY_BLOCK_MIB,
	};
}

function cellMiB(cell: Element): number {
	// An attribute's amount reads like an element's.
	const unit = attribute(cell, "", "unit");
	return readMiB(element("cell", {}, element("memory", { unit }, attribute(cell, "", "memory") ?? 0)), "memory") ?? 0;
}

function blocks(amountMiB: number): number {
	return Math.floor(amountMiB / MEMORY_BLOCK_MIB) * MEMORY_BLOCK_MIB;
}
