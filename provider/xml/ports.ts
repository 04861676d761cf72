/** Room for hot plug: on PCI Express machines a device can only be added where a root port is free. */
import { attribute, child, children, type Element, element } from "./element";

/** Root ports beyond the need: devices that can be added while the machine runs. */
export const SPARE_ROOT_PORTS = 4;

/** Devices other than disks that take a root port of their own. */
const ON_A_PORT = ["interface", "hostdev", "filesystem", "rng", "memballoon", "vsock", "iommu", "watchdog", "sound"];

/** How many root ports a machine can have that is asked for spare ones. */
export const MOST_SPARE_ROOT_PORTS = 64;

/** Adds root ports so that `SPARE_ROOT_PORTS` are free; libvirt hands them out. Nothing on machines without such ports. */
export function addSpareRootPorts(root: Element): void {
	const machine = attribute(root, "os/type", "machine") ?? "";
	if (!/(^|-)(q35|virt)(-|$)/.test(machine) || attribute(root, "", "type") === "test") return;
	const devices = child(root, "devices");
	if (!devices) return;
	const there = children(devices, "controller").filter(
		(item) => attribute(item, "", "model") === "pcie-root-port",
	).length;
	if (there === 0 && !children(devices, "controller").some((item) => attribute(item, "", "model") === "pcie-root")) {
		devices.appendChild(element("controller", { type: "pci", index: 0, model: "pcie-root" }));
	}
	for (let count = there; count < portsTaken(devices) + SPARE_ROOT_PORTS; count++) {
		devices.appendChild(element("controller", { type: "pci", model: "pcie-root-port" }));
	}
}

/** Adds root ports to a machine that has some. */
export function addRootPorts(root: Element, more: number): void {
	const devices = child(root, "devices");
	const port = children(devices, "controller").find((item) => attribute(item, "", "model") === "pcie-root-port");
	for (let count = 0; port && count < more; count++) {
		devices?.appendChild(element("controller", { type: "pci", model: "pcie-root-port" }));
	}
}

/**
 * Of the definition of a fork point, as libvirt has completed it: ports that are free once its NICs, and disks beside the
 * first one, are gone. Undefined on machines without such ports.
 */
export function freeRootPorts(root: Element): number | undefined {
	const devices = child(root, "devices");
	const ports = children(devices, "controller").filter((item) => attribute(item, "", "model") === "pcie-root-port");
	if (ports.length === 0) return undefined;
	const [, ...otherDisks] = children(devices, "disk");
	const gone = new Set([...otherDisks, ...children(devices, "interface")]);
	const taken = new Set(
		children(devices)
			.filter((item) => !gone.has(item) && attribute(item, "address", "type") === "pci")
			.map((item) => Number(attribute(item, "address", "bus"))),
	);
	return ports.filter((port) => !taken.has(Number(attribute(port, "", "index")))).length;
}

function portsTaken(devices: Element): number {
	const has = (name: string, type: string) =>
		children(devices, name).some((item) => attribute(item, name === "controller" ? "" : "target", "type") === type);
	const disks = children(devices, "disk").filter((disk) => attribute(disk, "target", "bus") === "virtio").length;
	const scsi = children(devices, "controller").filter((item) => attribute(item, "", "type") === "scsi").length;
	const others = children(devices).filter(
		(item) => ON_A_PORT.includes(item.tagName) && attribute(item, "", "model") !== "none",
	).length;
	const memory = children(devices, "memory").filter((item) => attribute(item, "", "model") === "virtio-mem").length;
	const serial = has("channel", "virtio") || has("controller", "virtio-serial") ? 1 : 0;
	const usb = children(devices, "controller").some(
		(item) => attribute(item, "", "type") === "usb" && attribute(item, "", "model") === "none",
	);
	return disks + scsi + others + memory + serial + (usb ? 0 : 1);
}
