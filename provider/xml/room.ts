/**
 * Room for growth that a machine is started with: a maximum of memory beyond what it boots with, and a virtio-mem device
 * through which a running guest takes and gives that memory, or slots for modules (DIMMs).
 */
import { aliasOf } from "./devices";
import { append, attribute, child, children, type Element, element, remove, text } from "./element";
import { recordedIn } from "./metadata";
import { mibElement, put, readMiB } from "./units";

/**
 * In which a guest takes and gives memory. Linux on x86_64 does it in no less than its largest run of pages, 4 MiB: of
 * 2 MiB, which QEMU would take as well, an odd number would never arrive.
 */
export const MEMORY_BLOCK_MIB = 4;

/** Alias of the virtio-mem device. */
export const ROOM_ALIAS = "ua-memory-0";

/** Alias of a module, with its number behind it. */
const MODULE_ALIAS = "ua-dimm-";

/** By what a guest is to be given memory while it runs. */
export const MEMORY_ROOMS = ["virtioMem", "dimm"] as const;
export type MemoryRoom = (typeof MEMORY_ROOMS)[number];

/** libvirt wants a slot for each memory device. */
const SLOTS: Record<MemoryRoom, number> = { virtioMem: 8, dimm: 16 };

/** The memory of a machine with room, as found. */
export interface FoundRoom {
	/** What it was started with. */
	bootMiB: number;
	/** Ceiling of both together. */
	maxMemoryMiB: number;
	/** The virtio-mem device; undefined where there is none. */
	device: { element: Element; sizeMiB: number; requestedMiB: number; currentMiB: number; blockMiB: number } | undefined;
	/** DIMMs that are in it. */
	modules: FoundModule[];
	/** Slots for memory devices that are free, and what those may have in all. */
	free: { slots: number; memoryMiB: number };
}

export interface FoundModule {
	element: Element;
	sizeMiB: number;
}

interface Room {
	memoryMiB: number;
	maxMemoryMiB: number;
	maxVcpus: number;
	room?: MemoryRoom | undefined;
}

/**
 * Writes memory with room: all of `memoryMiB` at boot, the rest up to `maxMemoryMiB` as an empty virtio-mem device, or as
 * empty slots. What a running machine has been given is boot memory at the next start, whose guest might leave it aside.
 */
export function setRoom(root: Element, { memoryMiB, maxMemoryMiB, maxVcpus, room = "virtioMem" }: Room): void {
	const sizeMiB = room === "dimm" ? 0 : blocks(maxMemoryMiB - memoryMiB);
	put(root, element("maxMemory", { slots: SLOTS[room], unit: "MiB" }, maxMemoryMiB));
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

/** A module for a guest that runs, under an alias of ours that none of the others has. */
export function moduleElement(sizeMiB: number, others: ReadonlyArray<FoundModule>): Element {
	const taken = others.map((item) => aliasOf(item.element));
	const number = [...Array(others.length + 1).keys()].find((index) => !taken.includes(`${MODULE_ALIAS}${index}`));
	return element(
		"memory",
		{ model: "dimm" },
		element("target", {}, mibElement("size", sizeMiB), element("node", {}, 0)),
		element("alias", { name: `${MODULE_ALIAS}${number}` }),
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
	const all = children(child(root, "devices"), "memory");
	const sizeOf = (item: Element) => readMiB(item, "target/size") ?? 0;
	const device = all.find((item) => attribute(item, "", "model") === "virtio-mem");
	const bootMiB = cells.reduce((sum, cell) => sum + cellMiB(cell), 0);
	return {
		bootMiB,
		maxMemoryMiB,
		device: device && read(device),
		modules: all
			.filter((item) => attribute(item, "", "model") === "dimm")
			.map((item) => ({ element: item, sizeMiB: sizeOf(item) })),
		free: {
			slots: Math.max(0, Number(attribute(root, "maxMemory", "slots") ?? 0) - all.length),
			memoryMiB: Math.max(
				0,
				all.reduce((left, item) => left - sizeOf(item), maxMemoryMiB - bootMiB),
			),
		},
	};
}

/** Whether it has the room that is made here. Of one for modules nothing but the record tells. */
export function hasOwnRoom(root: Element): boolean {
	return ownDevice(root) !== undefined || recordedIn(root)?.moduleRoom === true;
}

/** Takes it out: a machine made from this one is one that asks for its own, or has none. */
export function removeRoom(root: Element): void {
	if (!hasOwnRoom(root)) return;
	for (const part of [ownDevice(root), child(root, "maxMemory"), child(root, "cpu/numa")]) remove(part);
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
