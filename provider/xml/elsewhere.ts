/** A machine's XML as it is to be on another host: what that host names in its own way is replaced, all else stays. */
import { type DiskFormat, type DiskSource, type NicSource, sourceElements } from "./devices";
import { attribute, child, children, copy, type Element, element, remove, setAttribute, setText } from "./element";
import { type Recorded, setRecord } from "./metadata";

/** What is another one there. */
export interface Elsewhere {
	/** By the disk's name in the machine: "vda". */
	disks: ReadonlyMap<string, { source: DiskSource; format: DiskFormat }>;
	/** By MAC address. */
	nics: ReadonlyMap<string, NicSource>;
	boot?: { kernel: string; initrd?: string | undefined } | undefined;
	consoleLog?: string | undefined;
	recorded: Recorded;
}

export function elsewhere(root: Element, there: Elsewhere): Element {
	const moved = copy(root);
	const devices = child(moved, "devices");
	for (const disk of children(devices, "disk")) {
		const at = there.disks.get(attribute(disk, "target", "dev") ?? "");
		if (at) relocate(disk, at.source, at.format);
	}
	for (const nic of children(devices, "interface")) {
		const source = there.nics.get(attribute(nic, "mac", "address")?.toLowerCase() ?? "");
		if (source) reconnect(nic, source);
	}
	for (const console of [...children(devices, "serial"), ...children(devices, "console")]) {
		const log = child(console, "log");
		if (log && there.consoleLog !== undefined) setAttribute(log, "file", there.consoleLog);
	}
	const [kernel, initrd] = [child(moved, "os/kernel"), child(moved, "os/initrd")];
	if (kernel && there.boot) setText(kernel, there.boot.kernel);
	if (initrd && there.boot?.initrd !== undefined) setText(initrd, there.boot.initrd);
	setRecord(moved, there.recorded);
	return moved;
}

function relocate(disk: Element, source: DiskSource, format: DiskFormat): void {
	// What lies below is read from the file there.
	for (const name of ["source", "backingStore", "mirror", "auth"]) remove(child(disk, name));
	for (const item of sourceElements(source)) if (item !== undefined) disk.appendChild(item as Element);
	setAttribute(disk, "type", source.type);
	const driver = child(disk, "driver");
	if (driver) setAttribute(driver, "type", format);
}

function reconnect(nic: Element, source: NicSource): void {
	for (const name of ["source", "target", "virtualport"]) remove(child(nic, name));
	setAttribute(nic, "type", "network" in source ? "network" : "bridge" in source ? "bridge" : "user");
	if (!("user" in source)) nic.appendChild(element("source", { ...source }));
}
