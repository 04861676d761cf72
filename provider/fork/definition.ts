/** Definitions of machines whose memory is a file: the parent, which writes it, and children, which read it. */
import { attribute, child, children, copy, type Element, element, remove } from "../xml/element";

const QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";
const MEMORY = "fork-memory";

/** A file as the memory of a machine. */
export interface MemoryFile {
	path: string;
	memoryMiB: number;
}

/** The parent: what its guest writes to memory is in the file. */
export function parentDefinition(root: Element, memory: MemoryFile): Element {
	return withArguments(copy(root), memoryArguments(memory, ["share=on"]));
}

/**
 * A child: the parent's very hardware with another name, another disk and memory of its own. It has the first disk and no
 * NIC, as the parent had at the fork, and waits for the devices' state.
 * @param config the child's own definition
 * @param readOnly whether QEMU can open a memory file that it must not write to: from 8.2
 */
export function childDefinition(parent: Element, config: Element, memory: MemoryFile, readOnly: boolean): Element {
	const root = copy(parent);
	for (const name of ["name", "uuid", "metadata", "genid"]) takeOver(root, config, name);
	const devices = child(root, "devices");
	const [disk, ...others] = children(devices, "disk");
	for (const device of [...others, ...children(devices, "interface")]) remove(device);
	remove(child(disk, "readonly"));
	takeOver(disk!, children(child(config, "devices"), "disk")[0]!, "source");
	takeOver(children(devices, "serial")[0], children(child(config, "devices"), "serial")[0], "log");
	for (const item of children(devices, "console")) remove(item);
	return withArguments(root, [
		...memoryArguments(memory, ["share=off", ...(readOnly ? ["readonly=on", "rom=off"] : [])]),
		"-incoming",
		"defer",
	]);
}

/** Replaces a part by that of another element; it goes where the other has none. */
function takeOver(of: Element | undefined, from: Element | undefined, name: string): void {
	const theirs = child(from, name);
	remove(child(of, name));
	if (theirs) of?.appendChild(copy(theirs));
}

/** Plugs of the machine that a device can be put into while it runs. */
export function fitsInto(device: Element, parent: Element): boolean {
	const bus = attribute(device, "address", "bus");
	if (bus === undefined || attribute(device, "address", "type") !== "pci") return true;
	const controllers = children(child(parent, "devices"), "controller");
	return controllers.some(
		(item) => attribute(item, "", "type") === "pci" && Number(attribute(item, "", "index")) === Number(bus),
	);
}

function memoryArguments({ path, memoryMiB }: MemoryFile, options: string[]): string[] {
	// A comma separates QEMU's options; two of them are one.
	const file = path.replaceAll(",", ",,");
	const object = [`memory-backend-file,id=${MEMORY}`, `size=${memoryMiB}M`, `mem-path=${file}`, ...options];
	return ["-object", object.join(","), "-machine", `memory-backend=${MEMORY}`];
}

function withArguments(root: Element, values: string[]): Element {
	const found = children(root).find(
		({ localName, namespaceURI }) => localName === "commandline" && namespaceURI === QEMU_NAMESPACE,
	);
	const commandline = found ?? element("qemu:commandline", { "xmlns:qemu": QEMU_NAMESPACE });
	if (!found) root.appendChild(commandline);
	for (const value of values) commandline.appendChild(element("qemu:arg", { "xmlns:qemu": QEMU_NAMESPACE, value }));
	return root;
}

/** Why a definition cannot be forked; undefined when it can. */
export function forkComplaint(root: Element): string | undefined {
	if (child(root, "memoryBacking")) return "it has a <memoryBacking> of its own";
	if (child(root, "cpu/numa")) return "it has NUMA cells, whose memory would be apart";
	const machine = attribute(root, "os/type", "machine") ?? "";
	return /q35|virt/.test(machine) ? undefined : `its machine type is ${machine}, which has no ports for a NIC later on`;
}
