/**
 * The escape hatch: a `<domain>` fragment (`extraXml`) that is merged into the generated definition.
 *
 * Rules:
 * 1. The fragment is one well-formed `<domain>` element. Attributes override those of the same name; attributes and
 *    elements that the fragment does not mention stay.
 * 2. An element of which there is one is merged into it, at every depth; text replaces text.
 * 3. Elements of which libvirt allows several in one place (`LISTED`) are told apart by their key attribute (`name`, `id`,
 *    `vcpu`, ...): the same key merges, another key or none appends.
 * 4. Children of `<devices>` are appended, except that one whose `<alias name>` is that of a device that is there
 *    (`ua-disk-0`, `ua-nic-0`) is merged into it, and one of a kind of which a domain has only one (`SINGLE_DEVICES`) or
 *    a controller of the same type and index into that one.
 * 5. `<qemu:commandline>` works when the fragment declares the namespace:
 *    `<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">`.
 * 6. Name, UUID, domain type and our own metadata cannot be changed by it.
 */
import { METADATA_NAMESPACE } from "../owner";
import { aliasOf } from "./devices";
import {
	append,
	attribute,
	child,
	childInNamespace,
	children,
	type Element,
	element,
	parse,
	setAttribute,
	setText,
	XmlError,
} from "./element";

/** `extraXml` is well-formed, but asks for what it must not. */
export class ExtraXmlError extends XmlError {
	constructor(message: string) {
		super(message);
		this.name = "ExtraXmlError";
	}
}

/** Elements that may stand several times in one place, and the attribute that tells them apart. */
const LISTED: Record<string, string | undefined> = {
	cell: "id",
	entry: "name",
	feature: "name",
	iothread: "id",
	iothreadpin: "iothread",
	iothreadsched: "iothreads",
	page: undefined,
	seclabel: "model",
	sibling: "id",
	sysinfo: "type",
	timer: "name",
	vcpupin: "vcpu",
	vcpusched: "vcpus",
	"os/boot": "dev",
	"oemStrings/entry": undefined,
	"vcpus/vcpu": "id",
	"qemu:arg": undefined,
	"qemu:add": "capability",
	"qemu:del": "capability",
	"qemu:device": "alias",
	"qemu:env": "name",
	"qemu:property": "name",
};

/** Devices of which a domain has one. */
const SINGLE_DEVICES = ["emulator", "memballoon", "vsock", "iommu", "nvram"];

/** Devices that are given an alias of ours, so that they are not taken for the machine's own disks and NICs. */
const MARKED_DEVICES = ["disk", "interface", "controller"];

/** Alias of the devices that `extraXml` added, with their number behind it. */
export const EXTRA_ALIAS = "ua-extra-";

/**
 * Reads and checks a fragment.
 * @throws XmlError naming the line when it is malformed, ExtraXmlError when it asks for what is refused
 */
export function parseExtra(extraXml: string): Element {
	const extra = parse(extraXml, "extraXml");
	if (extra.tagName !== "domain") {
		throw new ExtraXmlError(`got <${extra.tagName}> as the root element; allowed is <domain>`);
	}
	for (const name of ["name", "uuid"]) {
		if (!child(extra, name)) continue;
		throw new ExtraXmlError(
			`got <${name}>, which it must not change: ${name === "name" ? "use the input name" : "leave it out"}`,
		);
	}
	for (const name of ["type", "id"]) {
		if (!extra.hasAttribute(name)) continue;
		throw new ExtraXmlError(`got <domain ${name}="...">, which it must not change: use the input type`);
	}
	if (childInNamespace(child(extra, "metadata"), METADATA_NAMESPACE)) {
		throw new ExtraXmlError(
			`got metadata in the namespace ${METADATA_NAMESPACE}, by which owners are told apart: use another one`,
		);
	}
	return extra;
}

/** A complaint about a fragment for whoever gave it. */
export function complaintOf(error: XmlError): string {
	return error instanceof ExtraXmlError
		? error.message
		: `${error.message.replace(/^extraXml is/, "got what is")}; allowed is one well-formed element: correct it there`;
}

/** Merges a fragment into a definition, which is changed. */
export function mergeExtra(root: Element, extraXml: string): void {
	const extra = parseExtra(extraXml);
	const devices = children(extra, "devices");
	for (const item of devices) extra.removeChild(item);
	mergeInto(root, extra);
	if (devices.length === 0) return;
	const target = child(root, "devices") ?? append(root, element("devices"));
	for (const item of devices) mergeDevices(target, item);
}

function mergeInto(target: Element, extra: Element): void {
	for (const { name, value } of attributesOf(extra)) setAttribute(target, name, value);
	const items = children(extra);
	if (items.length === 0) {
		const content = extra.textContent ?? "";
		if (content.trim() !== "") setText(target, content);
		return;
	}
	for (const item of items) {
		const same = counterpart(target, item);
		if (same) mergeInto(same, item);
		else target.appendChild(item);
	}
}

function counterpart(parent: Element, item: Element): Element | undefined {
	const candidates = children(parent, item.tagName);
	const listed = [`${parent.tagName}/${item.tagName}`, item.tagName].find((name) => name in LISTED);
	if (listed !== undefined) {
		const key = LISTED[listed];
		if (key === undefined || !item.hasAttribute(key)) return undefined;
		return candidates.find((candidate) => attribute(candidate, "", key) === attribute(item, "", key));
	}
	// Metadata of others is told apart by its namespace.
	if (parent.tagName === "metadata" && item.namespaceURI) return childInNamespace(parent, item.namespaceURI);
	return candidates[0];
}

function mergeDevices(target: Element, extra: Element): void {
	let number = 0;
	for (const device of children(extra)) {
		const same = deviceCounterpart(target, device);
		if (same) {
			mergeInto(same, device);
			continue;
		}
		if (MARKED_DEVICES.includes(device.tagName) && aliasOf(device) === undefined) {
			device.appendChild(element("alias", { name: `${EXTRA_ALIAS}${number++}` }));
		}
		target.appendChild(device);
	}
}

function deviceCounterpart(devices: Element, device: Element): Element | undefined {
	const candidates = children(devices, device.tagName);
	const alias = aliasOf(device);
	if (alias !== undefined) return candidates.find((candidate) => aliasOf(candidate) === alias);
	if (SINGLE_DEVICES.includes(device.tagName)) return candidates[0];
	if (device.tagName !== "controller" || attribute(device, "", "type") === "pci") return undefined;
	const place = (item: Element) => `${attribute(item, "", "type")} ${attribute(item, "", "index") ?? "0"}`;
	return candidates.find((candidate) => place(candidate) === place(device));
}

function attributesOf(of: Element): Array<{ name: string; value: string }> {
	return Array.from({ length: of.attributes.length }, (_, i) => of.attributes.item(i)!).map(({ name, value }) => ({
		name,
		value,
	}));
}
