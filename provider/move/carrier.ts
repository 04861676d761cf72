/**
 * What brings the disks of a machine that is off to another host: itself, started without running an instruction, and sent.
 * Where the other host could not run it, without that: its guest is not there to miss it.
 */
import { attribute, child, children, copy, type Element, remove, setAttribute, setText } from "../xml/element";

/** What only a guest would need, or a host may not have. */
const LEFT_OUT = ["cpu", "maxMemory", "numatune", "cputune", "memoryBacking"];
const DEVICES_LEFT_OUT = ["hostdev", "filesystem", "memory"];

/**
 * Pure.
 * @param root the definition of one that is off
 * @param wanted what it is to be on the other host: its board and accelerator are there
 */
export function carrierOf(root: Element, wanted: Element): Element {
	const carrier = copy(root);
	for (const name of LEFT_OUT) remove(child(carrier, name));
	const devices = child(carrier, "devices");
	for (const device of DEVICES_LEFT_OUT.flatMap((name) => children(devices, name))) remove(device);
	const memory = child(carrier, "memory");
	const present = child(carrier, "currentMemory");
	if (memory && present) {
		setText(memory, present.textContent ?? "");
		setAttribute(memory, "unit", attribute(present, "", "unit") ?? "KiB");
	}
	return onBoardOf(carrier, wanted);
}

/** Pure: the same machine on another's board, by another's accelerator. */
export function onBoardOf(root: Element, wanted: Element): Element {
	const changed = copy(root);
	setAttribute(changed, "type", attribute(wanted, "", "type"));
	const type = child(changed, "os/type");
	if (type) setAttribute(type, "machine", attribute(wanted, "os/type", "machine"));
	return changed;
}
