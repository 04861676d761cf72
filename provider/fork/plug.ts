/** What a child is given once it is somebody: its data disks and NICs. */
import { patiently } from "../domain/patience";
import type { Host } from "../libvirt";
import { attribute, child, children, copy, type Element, element, remove, serialize } from "../xml/element";
import { fitsInto } from "./definition";
import type { Point } from "./point";

export interface Pluggable {
	/** MAC address of the first NIC. */
	mac?: string | undefined;
	/** All of them, once. */
	plugIn: () => Promise<void>;
	/** The first NIC's link, where it is down until the guest has put the NIC to use. */
	bringUp?: (() => Promise<void>) | undefined;
}

/**
 * The link of the first NIC comes up later: Linux looks only once in a second whether a link has come up that nobody uses
 * yet, and has just looked when a NIC appears; of one in use it takes notice at once.
 */
export function pluggableOf(host: Host, uuid: string, config: Element, point: Point): Pluggable {
	const devices = child(config, "devices");
	const [, ...dataDisks] = children(devices, "disk");
	const nics = children(devices, "interface");
	const isDown = nics[0] !== undefined && point.linked && hasLink(nics[0]);
	const plugIn = async () => {
		for (const device of [...dataDisks, ...nics]) {
			// Where the parent has no such port libvirt finds another; the machine has it there until its next start.
			if (!fitsInto(device, point.root)) remove(child(device, "address"));
			const plugged = isDown && device === nics[0] ? withLink(device, "down") : device;
			await patiently(() => host.domains.attachDevice(uuid, serialize(plugged), "live"));
		}
	};
	if (!nics[0]) return { plugIn };
	const up = serialize(withLink(nics[0], "up"));
	return {
		mac: attribute(nics[0], "mac", "address"),
		plugIn,
		bringUp: isDown ? () => patiently(() => host.domains.updateDevice(uuid, up, "live")) : undefined,
	};
}

function hasLink(nic: Element): boolean {
	return attribute(nic, "model", "type") === "virtio" && !child(nic, "link");
}

function withLink(nic: Element, state: "up" | "down"): Element {
	const changed = copy(nic);
	changed.appendChild(element("link", { state }));
	return changed;
}
