/**
 * What a new definition of a machine takes over from its earlier one, so that the guest finds its devices where they
 * were: PCI addresses (interface names hang on them), controllers, the canonical machine type, the UEFI variables.
 */
import { aliasOf } from "./devices";
import { attribute, child, children, copy, type Element, remove, setAttribute } from "./element";
import { EXTRA_ALIAS } from "./merge";
import { put } from "./units";

export interface CarryOptions {
	/**
	 * Whether the machine type stays: `q35` is then kept at the very version that it came to when the machine was made.
	 * Another machine has other controllers, and its devices are elsewhere.
	 */
	keepMachine: boolean;
	/** Whether controllers other than PCI's are what they were; not so when `extraXml`, which may name some, changed. */
	keepControllers: boolean;
}

/** Machine type, UEFI variables and controllers; before `extraXml`, which may say otherwise. */
export function carryParts(root: Element, existing: Element, options: CarryOptions): void {
	const machine = attribute(existing, "os/type", "machine");
	const type = child(root, "os/type");
	if (options.keepMachine && machine !== undefined && type) setAttribute(type, "machine", machine);
	const nvram = child(existing, "os/nvram");
	const os = child(root, "os");
	if (nvram && os && attribute(os, "", "firmware") === "efi") put(os, copy(nvram));
	const genid = child(existing, "genid");
	if (genid) put(root, copy(genid));
	const devices = child(root, "devices");
	if (devices && options.keepMachine) carryControllers(devices, child(existing, "devices"), options);
}

/** Where devices are; after `extraXml`, whose own addresses come first. */
export function carryAddresses(root: Element, existing: Element): void {
	const devices = children(child(root, "devices"));
	const taken = new Set(devices.flatMap((item) => addressKey(item) ?? []));
	for (const device of devices) {
		const ours = aliasOf(device)?.startsWith("ua-") ?? false;
		if (device.tagName === "controller" && !ours) continue;
		const old = counterpart(child(existing, "devices"), device, devices);
		if (!old) continue;
		// A controller's index is what the addresses of the devices behind it name.
		if (device.tagName === "controller") setAttribute(device, "index", attribute(old, "", "index"));
		copyAddress(old, device, taken);
	}
}

function carryControllers(devices: Element, existing: Element | undefined, options: CarryOptions): void {
	for (const old of children(existing, "controller")) {
		if (attribute(old, "", "type") !== "pci" && !options.keepControllers) continue;
		if (aliasOf(old)?.startsWith(EXTRA_ALIAS)) continue;
		remove(children(devices, "controller").find((item) => placeOf(item) === placeOf(old)));
		devices.appendChild(copy(old));
	}
}

/** Gives a device the address that another has, unless it has one already or the address is taken. */
export function copyAddress(from: Element, to: Element, taken: Set<string> = new Set()): void {
	const address = child(from, "address");
	const key = addressKey(from);
	if (!address || key === undefined || child(to, "address") || taken.has(key)) return;
	taken.add(key);
	to.appendChild(copy(address));
}

/** Our own devices are known by their alias; of the others the n-th of a kind is taken for the n-th. */
function counterpart(existing: Element | undefined, device: Element, devices: Element[]): Element | undefined {
	const alias = aliasOf(device);
	const candidates = children(existing, device.tagName);
	if (alias?.startsWith("ua-")) {
		return candidates.find((item) => aliasOf(item) === alias && busOf(item) === busOf(device));
	}
	const alike = (item: Element) => kindOf(item) === kindOf(device);
	const index = devices.filter((item) => item.tagName === device.tagName && alike(item)).indexOf(device);
	return candidates.filter(alike)[index];
}

function busOf(device: Element): string | undefined {
	return attribute(device, "target", "bus") ?? attribute(device, "model", "type");
}

function kindOf(device: Element): string {
	const parts = [attribute(device, "", "type"), attribute(device, "", "model"), attribute(device, "target", "name")];
	return parts.map((part) => part ?? "").join(" ");
}

function placeOf(controller: Element): string | undefined {
	const index = attribute(controller, "", "index");
	return index === undefined ? undefined : `${attribute(controller, "", "type")} ${index}`;
}

function addressKey(device: Element): string | undefined {
	const address = child(device, "address");
	if (!address) return undefined;
	const names = ["type", "domain", "controller", "bus", "target", "slot", "port", "unit", "function"];
	return names.map((name) => attribute(address, "", name) ?? "").join("/");
}
