/** A fork point as it is on the host: a machine that is off, with its memory and devices beside its disk. */

import type { Host } from "../libvirt";
import { InputError } from "../lifecycle";
import { attribute, child, type Element, parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { readMiB } from "../xml/units";
import type { MemoryFile } from "./definition";

export interface Point {
	uuid: string;
	name: string;
	memoryFile: MemoryFile;
	/** Path of the devices' state. */
	devices: string;
	/** Path of its disk. */
	disk: string;
	/** Whether its machine has the port on which a guest asks to be forked. */
	port: boolean;
	/** Whether its scripts tell there when the guest has put its NIC to use. */
	linked: boolean;
	/** Its definition. */
	root: Element;
}

/** @throws InputError when there is none, or it is not complete */
export async function readPoint(host: Host, reference: string, property = "fork.point"): Promise<Point> {
	const info = await host.domains.find(reference);
	if (!info) {
		throw new InputError(
			property,
			`there is no fork point ${reference} on ${host.uri}; allowed is the id of a ForkPoint`,
		);
	}
	const root = parse(await host.domains.xml(info.uuid, { inactive: true }), `the definition of ${info.name}`);
	const fork = recordedIn(root)?.fork;
	if (!fork) throw new InputError(property, `domain ${info.name} is no fork point; allowed is the id of a ForkPoint`);
	if (!fork.complete) {
		throw new InputError(property, `fork point ${info.name} was not finished; pulumi up of its own stack makes it`);
	}
	const memoryMiB = readMiB(root, "memory") ?? 0;
	const disk = attribute(child(root, "devices/disk"), "source", "file") ?? "";
	return {
		uuid: info.uuid,
		name: info.name,
		memoryFile: { path: fork.memory, memoryMiB },
		devices: fork.state,
		disk,
		port: fork.port,
		linked: fork.linked,
		root,
	};
}
