/** What a running machine is like now, and what it lacks to be changed while it runs. Pure: from its XML alone. */
import { AGENT_CHANNEL } from "../xml/domain";
import { attribute, child, children, type Element, text } from "../xml/element";
import { type FoundRoom, readRoom } from "../xml/room";
import { readMiB } from "../xml/units";

export interface Shape {
	accelerator: "kvm" | "qemu";
	/** Whether the guest's agent has opened its channel. */
	agent: boolean;
	/** Where the agent may not be used: whether it has opened its channel. `agent` is false then. */
	barred?: { agent: boolean };
	/** vCPUs that it has, as many as it can have, and of those that it has how many its guest uses, where that is known. */
	vcpus: { present: number; max: number; inUse?: number | undefined; hotPlug: boolean };
	memory: {
		/** What the guest has in all, or is to have once its balloon has followed. */
		presentMiB: number;
		/** What it was started with. */
		bootMiB: number;
		room: FoundRoom | undefined;
		balloon: boolean;
	};
	/** What keeps it from changing while it runs, whoever made it: each a noun with its remedy. */
	lacks: string[];
}

/** @param root XML of a running machine, or a definition */
export function shapeOf(root: Element): Shape {
	const max = Number(text(root, "vcpu") ?? 1);
	const shape = {
		accelerator: attribute(root, "", "type") === "kvm" ? ("kvm" as const) : ("qemu" as const),
		agent: attribute(agentChannel(root), "target", "state") === "connected",
		vcpus: { present: Number(attribute(root, "vcpu", "current") ?? max), max, hotPlug: canPlugVcpus(root) },
		memory: {
			presentMiB: readMiB(root, "currentMemory") ?? readMiB(root, "memory") ?? 0,
			bootMiB: bootMiB(root),
			room: readRoom(root),
			balloon: (attribute(root, "devices/memballoon", "model") ?? "none").startsWith("virtio"),
		},
	};
	return { ...shape, lacks: lacks(root, shape) };
}

/** Only the PC's boards take vCPUs while they run, and only with ACPI. */
function canPlugVcpus(root: Element): boolean {
	return attribute(root, "os/type", "arch") === "x86_64" && child(root, "features/acpi") !== undefined;
}

function agentChannel(root: Element): Element | undefined {
	const channels = children(child(root, "devices"), "channel");
	return channels.find((item) => attribute(item, "target", "name") === AGENT_CHANNEL);
}

function lacks(root: Element, { vcpus, memory }: Omit<Shape, "lacks">): string[] {
	const cells = children(child(root, "cpu/numa"), "cell");
	const all: Array<[boolean, string]> = [
		[vcpus.max === vcpus.present, `room for vCPUs: its maximum is the ${vcpus.max} that it has (headroom.maxVcpus)`],
		[!vcpus.hotPlug, "hot plug of vCPUs: its board has none, or ACPI is off"],
		[readMiB(root, "maxMemory") === undefined, "room for memory: it has no <maxMemory> (headroom.maxMemoryMiB)"],
		[cells.length === 0, "a NUMA cell, which memory is plugged into (headroom)"],
		[!hasWay(memory.room), "a virtio-mem device, by which memory is taken and given back (headroom)"],
		[!memory.balloon, "a balloon, by which memory below what it was started with is given back"],
		[agentChannel(root) === undefined, "the channel of the guest agent, which puts to use what was plugged in (agent)"],
		[freeRootPorts(root) === 0, "a free PCI Express root port, which a disk or NIC is plugged into"],
	];
	return all.flatMap(([is, clause]) => (is ? [clause] : []));
}

/** All that it has, less the devices that can be plugged. */
function bootMiB(root: Element): number {
	const devices = children(child(root, "devices"), "memory");
	return devices.reduce((left, item) => left - (readMiB(item, "target/size") ?? 0), readMiB(root, "memory") ?? 0);
}

/** Whether a guest is given memory while it runs: by a device, or by modules in slots. */
function hasWay(room: FoundRoom | undefined): boolean {
	return (
		room?.device !== undefined ||
		(room !== undefined && room.modules.length + room.free.slots > 0 && room.maxMemoryMiB > room.bootMiB)
	);
}

/** @returns undefined for boards without such ports, and for a definition whose devices have no places yet */
function freeRootPorts(root: Element): number | undefined {
	if (!/(^|-)(q35|virt)(-|$)/.test(attribute(root, "os/type", "machine") ?? "")) return undefined;
	const devices = children(child(root, "devices"));
	const taken = new Set(devices.flatMap((item) => busNumber(item) ?? []));
	if (taken.size === 0) return undefined;
	const ports = devices.filter((item) => attribute(item, "", "model") === "pcie-root-port");
	return ports.filter((port) => !taken.has(Number(attribute(port, "", "index")))).length;
}

function busNumber(device: Element): number | undefined {
	const bus = attribute(device, "address", "bus");
	return attribute(device, "address", "type") === "pci" && bus !== undefined ? Number(bus) : undefined;
}
