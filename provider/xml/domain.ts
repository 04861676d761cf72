/**
 * The definition of a domain: built from nothing, or on top of a base (a template's definition, or the domain's own),
 * whose parts stay where the description says nothing.
 */
import { type CarryOptions, carryAddresses, carryParts } from "./carry";
import { type DiskSpec, diskElement, type NicSpec, nicElement } from "./devices";
import {
	append,
	attribute,
	child,
	children,
	type Element,
	element,
	remove,
	serialize,
	setAttribute,
	setText,
} from "./element";
import {
	type CpuSpec,
	type Firmware,
	type SmbiosSpec,
	setClock,
	setCpu,
	setFeatures,
	setOs,
	setSmbios,
} from "./hardware";
import { mergeExtra } from "./merge";
import { type Recorded, setRecord } from "./metadata";
import { addSpareRootPorts } from "./ports";
import { type MemoryRoom, setRoom } from "./room";
import { withoutPasswords } from "./template";
import { mibElement, put } from "./units";

/** What `extraXml` does not say. `undefined` leaves a part as the base has it, or out when there is no base. */
export interface DomainSpec {
	/** libvirt's domain type: "kvm", "qemu" (TCG) or "test". */
	domainType: string;
	name: string;
	uuid: string;
	recorded: Recorded;
	description: string | undefined;
	arch: string;
	machine: string;
	firmware: Firmware;
	/** Where the UEFI variables are kept; left to libvirt when undefined. */
	nvramPath?: string | undefined;
	memoryMiB: number;
	maxMemoryMiB: number;
	vcpus: number;
	maxVcpus: number;
	/** By what a running machine takes and gives back memory, where the maxima are room for that. */
	room?: MemoryRoom | undefined;
	cpu?: CpuSpec | undefined;
	smbios?: SmbiosSpec | undefined;
	disks: DiskSpec[];
	nics: NicSpec[];
	boot?: { kernel: string; initrd?: string | undefined; cmdline?: string | undefined } | undefined;
	/** File that receives a copy of the serial console. */
	consoleLog?: string | undefined;
	agent: boolean;
	rng: boolean;
	graphics?: "none" | "vnc" | undefined;
	extraXml?: string | undefined;
	/** Whether it has the ports that its base has, and no others: the parent's, whose memory knows them. */
	fixedPorts?: boolean | undefined;
}

/** Name of the guest agent's channel. */
export const AGENT_CHANNEL = "org.qemu.guest_agent.0";

/** An earlier definition of the same machine. */
export interface Earlier extends CarryOptions {
	definition: Element;
}

/**
 * @param base a definition to start from; it is changed. What is built on a base can only be built again from it: it is
 *   kept in the metadata when `extraXml` goes on top
 * @param earlier what the machine was: addresses, controllers and NVRAM stay
 * @param place gives devices their addresses, before those of `earlier`
 * @throws XmlError when a text cannot be written as XML, ExtraXmlError when `extraXml` is not acceptable
 */
export function buildDomain(
	spec: DomainSpec,
	base?: Element,
	earlier?: Earlier,
	place?: (root: Element) => void,
): Element {
	const root = base ?? element("domain");
	const fresh = base === undefined;
	setAttribute(root, "type", spec.domainType);
	setAttribute(root, "id", undefined);
	put(root, element("name", {}, spec.name));
	put(root, element("uuid", {}, spec.uuid));
	setRecord(root, spec.recorded);
	if (spec.description) put(root, element("description", {}, spec.description));
	else remove(child(root, "description"));
	setMemory(root, spec);
	setVcpus(root, spec);
	setOs(root, spec);
	setSmbios(root, spec.smbios);
	setCpu(root, spec, fresh);
	if (spec.room) setRoom(root, spec);
	if (fresh) {
		setFeatures(root, spec);
		setClock(root, spec);
	}
	setDevices(root, spec, fresh);
	place?.(root);
	if (earlier) carryParts(root, earlier.definition, earlier);
	if (spec.extraXml !== undefined) {
		if (!fresh) setRecord(root, { ...spec.recorded, underlay: serialize(withoutPasswords(root)) });
		mergeExtra(root, spec.extraXml);
	}
	if (earlier?.keepMachine) carryAddresses(root, earlier.definition);
	if (!spec.fixedPorts) addSpareRootPorts(root);
	return root;
}

function setMemory(root: Element, spec: DomainSpec): void {
	const cells = children(child(root, "cpu/numa"), "cell");
	put(root, mibElement("memory", spec.maxMemoryMiB));
	put(root, mibElement("currentMemory", spec.memoryMiB));
	if (cells.length === 0) return;
	// The cells of a template have to add up to its memory: the last one takes the difference.
	const sizes = cells.map((cell) => Number(attribute(cell, "", "memory") ?? 0));
	const units = cells.map((cell) => attribute(cell, "", "unit") ?? "KiB");
	if (units.some((unit) => unit !== "KiB")) return;
	const others = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
	const rest = spec.maxMemoryMiB * 1024 - others;
	if (rest > 0) setAttribute(cells.at(-1)!, "memory", rest);
}

function setVcpus(root: Element, spec: DomainSpec): void {
	const vcpu = child(root, "vcpu") ?? element("vcpu", { placement: "static" });
	const before = vcpu.textContent?.trim();
	setText(vcpu, spec.maxVcpus);
	setAttribute(vcpu, "current", spec.vcpus === spec.maxVcpus ? undefined : spec.vcpus);
	put(root, vcpu);
	// States of single vCPUs speak of another number of them.
	if (before !== undefined && before !== String(spec.maxVcpus)) remove(child(root, "vcpus"));
}

function setDevices(root: Element, spec: DomainSpec, fresh: boolean): void {
	const devices = child(root, "devices") ?? append(root, element("devices"));
	for (const item of [...children(devices, "disk"), ...children(devices, "interface")]) remove(item);
	if (spec.disks.some((disk) => disk.bootOrder !== undefined)) clearBootOrder(root);
	for (const disk of spec.disks) devices.appendChild(diskElement(disk));
	const scsi = children(devices, "controller").some((item) => attribute(item, "", "type") === "scsi");
	if (!scsi && spec.disks.some((disk) => disk.bus === "scsi")) {
		devices.appendChild(element("controller", { type: "scsi", index: 0, model: "virtio-scsi" }));
	}
	for (const nic of spec.nics) devices.appendChild(nicElement(nic));
	setConsole(devices, spec.consoleLog, fresh);
	setAgentChannel(devices, spec.agent);
	setRng(devices, spec.rng);
	if (fresh) devices.appendChild(element("memballoon", { model: "virtio" }));
	if (spec.graphics !== undefined) setGraphics(devices, spec);
}

/** The order of single devices and `<os><boot>` exclude each other. */
function clearBootOrder(root: Element): void {
	for (const boot of children(child(root, "os"), "boot")) remove(boot);
	for (const device of children(child(root, "devices"))) remove(child(device, "boot"));
}

function setConsole(devices: Element, log: string | undefined, fresh: boolean): void {
	let serial = children(devices, "serial")[0];
	if (!serial && (fresh || log !== undefined)) {
		serial = element("serial", { type: "pty" });
		devices.appendChild(serial);
	}
	if (!serial) return;
	if (log === undefined) remove(child(serial, "log"));
	else put(serial, element("log", { file: log, append: "on" }));
	// libvirt repeats the first serial port as a console; it writes that anew.
	for (const item of children(devices, "console")) {
		if (attribute(item, "target", "type") === "serial") remove(item);
	}
}

function setAgentChannel(devices: Element, wanted: boolean): void {
	const channel = children(devices, "channel").find((item) => attribute(item, "target", "name") === AGENT_CHANNEL);
	if (!wanted) remove(channel);
	else if (!channel) {
		const target = element("target", { type: "virtio", name: AGENT_CHANNEL });
		devices.appendChild(element("channel", { type: "unix" }, target));
	}
}

function setRng(devices: Element, wanted: boolean): void {
	const found = children(devices, "rng");
	if (!wanted) found.forEach(remove);
	else if (found.length === 0) {
		const backend = element("backend", { model: "random" }, "/dev/urandom");
		devices.appendChild(element("rng", { model: "virtio" }, backend));
	}
}

function setGraphics(devices: Element, spec: DomainSpec): void {
	const found = children(devices, "graphics");
	if (spec.graphics === "vnc" && found.some((item) => attribute(item, "", "type") === "vnc")) return;
	found.forEach(remove);
	if (spec.graphics !== "vnc") {
		for (const item of children(devices, "video")) remove(item);
		return;
	}
	// On the loopback address: VNC has no protection worth the name; reach it through an SSH tunnel.
	const listen = element("listen", { type: "address", address: "127.0.0.1" });
	devices.appendChild(element("graphics", { type: "vnc", port: -1, autoport: true }, listen));
	if (children(devices, "video").length === 0) {
		const model = spec.arch === "x86_64" ? "vga" : "virtio";
		devices.appendChild(element("video", {}, element("model", { type: model })));
		devices.appendChild(element("input", { type: "tablet", bus: "usb" }));
	}
}
