/** A domain's definition, read back into the shape it is described in. */
import { type FoundDisk, type FoundNic, readDisk, readNic } from "./devices";
import { AGENT_CHANNEL } from "./domain";
import { attribute, child, children, type Element, text } from "./element";
import { type CpuSpec, type Firmware, firmwareOf } from "./hardware";
import { type Recorded, recordedIn } from "./metadata";
import { type FoundRoom, readRoom } from "./room";
import { readMiB } from "./units";

export interface FoundDomain {
	/** "kvm", "qemu", "test" */
	domainType: string;
	/** Number of the running machine; another one after every start. */
	liveId: string | undefined;
	name: string;
	uuid: string;
	recorded: Recorded | undefined;
	description: string | undefined;
	arch: string;
	/** In full, as libvirt completes it: `pc-q35-7.2`. */
	machine: string;
	firmware: Firmware;
	memoryMiB: number;
	maxMemoryMiB: number;
	vcpus: number;
	maxVcpus: number;
	/** What it can grow to beside `maxMemoryMiB`, which a machine with room has in use or by a device. */
	room: FoundRoom | undefined;
	cpu: CpuSpec;
	disks: FoundDisk[];
	nics: FoundNic[];
	boot: { kernel: string; initrd?: string; cmdline?: string } | undefined;
	consoleLog: string | undefined;
	agent: boolean;
	/** Whether the guest has opened the agent's channel; only said of a running machine. */
	agentConnected: boolean;
	rng: boolean;
	/** undefined when there are graphics of a kind that the inputs cannot say */
	graphics: "none" | "vnc" | undefined;
	root: Element;
}

export function readDomain(root: Element): FoundDomain {
	const devices = child(root, "devices");
	const maxMemoryMiB = readMiB(root, "memory") ?? 0;
	const maxVcpus = Number(text(root, "vcpu") ?? 1);
	const channel = children(devices, "channel").find((item) => attribute(item, "target", "name") === AGENT_CHANNEL);
	const serials = [...children(devices, "serial"), ...children(devices, "console")];
	return {
		domainType: attribute(root, "", "type") ?? "",
		liveId: attribute(root, "", "id"),
		name: text(root, "name") ?? "",
		uuid: text(root, "uuid") ?? "",
		recorded: recordedIn(root),
		description: text(root, "description"),
		arch: attribute(root, "os/type", "arch") ?? "",
		machine: attribute(root, "os/type", "machine") ?? "",
		firmware: firmwareOf(root),
		memoryMiB: readMiB(root, "currentMemory") ?? maxMemoryMiB,
		maxMemoryMiB,
		vcpus: Number(attribute(root, "vcpu", "current") ?? maxVcpus),
		maxVcpus,
		room: readRoom(root),
		cpu: readCpu(root),
		disks: children(devices, "disk").map(readDisk),
		nics: children(devices, "interface").map(readNic),
		boot: readBoot(root),
		consoleLog: serials.map((item) => attribute(item, "log", "file")).find((file) => file !== undefined),
		agent: channel !== undefined,
		agentConnected: attribute(channel, "target", "state") === "connected",
		rng: child(devices, "rng") !== undefined,
		graphics: readGraphics(devices),
		root,
	};
}

function readBoot(root: Element): FoundDomain["boot"] {
	const kernel = text(root, "os/kernel");
	if (kernel === undefined) return undefined;
	const initrd = text(root, "os/initrd");
	const cmdline = text(root, "os/cmdline");
	return { kernel, ...(initrd === undefined ? {} : { initrd }), ...(cmdline === undefined ? {} : { cmdline }) };
}

function readCpu(root: Element): CpuSpec {
	const count = (name: string) => {
		const value = attribute(root, "cpu/topology", name);
		return value === undefined ? {} : { [name]: Number(value) };
	};
	const mode = attribute(root, "cpu", "mode") as CpuSpec["mode"];
	const model = text(root, "cpu/model")?.trim();
	const check = attribute(root, "cpu", "check") as CpuSpec["check"];
	const features = children(child(root, "cpu"), "feature").map((item) => [
		attribute(item, "", "name"),
		attribute(item, "", "policy") ?? "require",
	]);
	return {
		...(mode === undefined ? {} : { mode }),
		...(model ? { model } : {}),
		...(check === undefined ? {} : { check }),
		...count("sockets"),
		...count("cores"),
		...count("threads"),
		...(features.length === 0 ? {} : { features: Object.fromEntries(features) }),
	};
}

function readGraphics(devices: Element | undefined): FoundDomain["graphics"] {
	const types = children(devices, "graphics").map((item) => attribute(item, "", "type"));
	if (types.length === 0) return "none";
	return types.includes("vnc") ? "vnc" : undefined;
}
