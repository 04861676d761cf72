/** A template's definition made fit for another machine: what only one machine can have is taken out. */

import { METADATA_NAMESPACE } from "../owner";
import {
	attribute,
	child,
	childInNamespace,
	children,
	copy,
	type Element,
	element,
	remove,
	setAttribute,
	setText,
} from "./element";
import { removeRoom } from "./room";

/** Devices of the host, or states of one guest, that two machines cannot share. */
const UNSHAREABLE = ["hostdev", "redirdev", "lease", "nvram", "shmem"];

/**
 * A copy without identity: name, UUID, owner, NVRAM, disks, NICs, consoles' files, fixed ports and the devices that
 * cannot be shared are gone; memory, vCPUs, CPU, firmware, controllers and all other devices stay.
 */
export function withoutIdentity(template: Element): Element {
	const root = copy(template);
	setAttribute(root, "id", undefined);
	for (const name of ["name", "uuid", "description", "title"]) remove(child(root, name));
	removeRoom(root);
	remove(childInNamespace(child(root, "metadata"), METADATA_NAMESPACE));
	remove(child(root, "os/nvram"));
	// libvirt looks for the image anew where the choice was left to it.
	if (attribute(root, "os", "firmware") === "efi") remove(child(root, "os/loader"));
	const genid = child(root, "genid");
	if (genid) setText(genid, "");
	for (const sysinfo of children(root, "sysinfo")) {
		for (const entry of children(child(sysinfo, "system"), "entry")) {
			if (["uuid", "serial"].includes(attribute(entry, "", "name") ?? "")) remove(entry);
		}
	}
	const devices = child(root, "devices");
	for (const device of children(devices)) {
		if (["disk", "interface", ...UNSHAREABLE].includes(device.tagName)) remove(device);
		else cleanDevice(device);
	}
	return root;
}

/**
 * A copy without the passwords of displays: libvirt shows those only to who may ask for them, and metadata to everybody.
 */
export function withoutPasswords(definition: Element): Element {
	const root = copy(definition);
	for (const display of children(child(root, "devices"), "graphics")) setAttribute(display, "passwd", undefined);
	return root;
}

/** Puts the passwords of displays back that `withoutPasswords` has taken out, from what the machine has now. */
export function withPasswordsOf(root: Element, now: Element): Element {
	const displays = children(child(now, "devices"), "graphics");
	for (const display of children(child(root, "devices"), "graphics")) {
		const same = displays.find((other) => attribute(other, "", "type") === attribute(display, "", "type"));
		setAttribute(display, "passwd", attribute(same, "", "passwd"));
	}
	return root;
}

/** Devices that `withoutIdentity` drops because two machines cannot share them, for a note. */
export function unshareableDevices(template: Element): string[] {
	return children(child(template, "devices"))
		.map((device) => device.tagName)
		.filter((name) => UNSHAREABLE.includes(name) && name !== "nvram");
}

function cleanDevice(device: Element): void {
	if (["serial", "console", "parallel", "channel"].includes(device.tagName)) {
		remove(child(device, "log"));
		// A file, socket or device of the host is the template's own; a pseudo terminal is made for each machine.
		const type = attribute(device, "", "type");
		if (type === "unix") for (const source of children(device, "source")) remove(source);
		else if (type !== "pty" && type !== "spicevmc" && type !== "null") {
			for (const item of [...children(device, "source"), ...children(device, "protocol")]) remove(item);
			setAttribute(device, "type", "pty");
		}
	}
	if (device.tagName === "graphics" && device.hasAttribute("port")) {
		for (const name of ["port", "tlsPort", "websocket", "socket"]) setAttribute(device, name, undefined);
		setAttribute(device, "autoport", true);
	}
	if (device.tagName === "vsock") {
		remove(child(device, "cid"));
		device.appendChild(element("cid", { auto: true }));
	}
}
