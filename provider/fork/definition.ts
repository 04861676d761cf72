/** Definitions of machines whose memory is a file: the parent, which writes it, and children, which read it. */
import { attribute, child, children, copy, type Element, element, remove, setAttribute, setText } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { portArguments } from "./ask";

const QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";
/** As QEMU calls the memory of a parent and its children. */
export const MEMORY = "fork-memory";

const MEMORY_OPTIONS = {
	private: ["share=off"],
	"private-read-only": ["share=off", "readonly=on", "rom=off"],
	shared: ["share=on"],
};

/** A file as the memory of a machine. */
export interface MemoryFile {
	path: string;
	memoryMiB: number;
}

/** The parent: what its guest writes to memory is in the file. */
export function parentDefinition(root: Element, memory: MemoryFile): Element {
	return withArguments(copy(root), [...memoryArguments(memory, MEMORY_OPTIONS.shared), ...portOf(root)]);
}

/** A parent that goes on from another one, with a name and a disk of its own. */
export function derivedDefinition(
	parent: Element,
	{ name, uuid, disk }: Record<"name" | "uuid" | "disk", string>,
): Element {
	const root = copy(parent);
	setText(child(root, "name")!, name);
	setText(child(root, "uuid")!, uuid);
	const devices = child(root, "devices");
	for (const nic of children(devices, "interface")) remove(nic);
	const first = child(devices, "disk")!;
	remove(child(first, "readonly"));
	setAttribute(child(first, "source")!, "file", disk);
	return root;
}

/**
 * A child: the parent's very hardware with another name, another disk and memory of its own. It has the first disk and no
 * NIC, as the parent had at the fork, and waits for the devices' state.
 * @param config the child's own definition
 * @param access `private`: what it writes is its own; `private-read-only`: and the file is opened for reading alone, which
 *   QEMU can from 8.2; `shared`: what it writes is in the file, which is its own
 */
export function childDefinition(
	parent: Element,
	config: Element,
	memory: MemoryFile,
	access: keyof typeof MEMORY_OPTIONS,
): Element {
	const root = copy(parent);
	for (const name of ["name", "uuid", "metadata", "genid"]) takeOver(root, config, name);
	const devices = child(root, "devices");
	const [disk, ...others] = children(devices, "disk");
	for (const device of [...others, ...children(devices, "interface")]) remove(device);
	remove(child(disk, "readonly"));
	for (const name of ["source", "serial"]) takeOver(disk!, children(child(config, "devices"), "disk")[0]!, name);
	takeOver(children(devices, "serial")[0], children(child(config, "devices"), "serial")[0], "log");
	for (const item of children(devices, "console")) remove(item);
	const memoryAndPort = [...memoryArguments(memory, MEMORY_OPTIONS[access]), ...portOf(parent)];
	return withArguments(root, [...memoryAndPort, "-incoming", "defer"]);
}

/**
 * A running child as it goes on on another host: the parent's file is not there, so its memory is its own. Under the same
 * name, by which what is sent of it finds its place; nothing waits for a parent's devices.
 */
export function independentDefinition(child: Element): Element {
	const root = copy(child);
	const commandline = children(root).find(
		({ localName, namespaceURI }) => localName === "commandline" && namespaceURI === QEMU_NAMESPACE,
	);
	const args = children(commandline);
	for (const [index, arg] of args.entries()) {
		const value = arg.getAttribute("value") ?? "";
		const [, size] = new RegExp(`^memory-backend-file,id=${MEMORY},(size=\\d+M),`).exec(value) ?? [];
		if (size !== undefined) setAttribute(arg, "value", `memory-backend-ram,id=${MEMORY},${size}`);
		if (value === "-incoming") for (const item of [arg, args[index + 1]]) remove(item);
	}
	return root;
}

/** The port on which a guest asks to be forked, where the parent has it. */
function portOf(parent: Element): string[] {
	return recordedIn(parent)?.fork?.port ? portArguments() : [];
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
