/** Devices of a machine that another host does not offer, and what stands in for them there. */
import { type EmulatorQuery, type Host, LibvirtError } from "../libvirt";
import { attribute, child, children, copy, type Element, element, parse, remove, text } from "../xml/element";
import { namedDevices } from "../xml/named-devices";

/** `refuse`: it does not go to a host that lacks one of its devices; `adapt`: it goes without it, or with its like. */
export const WHEN_LACKING = ["refuse", "adapt"] as const;
export type WhenLacking = (typeof WHEN_LACKING)[number];

export interface Lack {
	device: Element;
	/** Of a device that `extraXml` names. */
	alias: string | undefined;
	/** "rng ua-noise with backend builtin": the device, and what of it is not there. */
	what: string;
	/** What is there in its place; empty where there is no such device at all. */
	offered: string[];
	/** What can be done while it runs: its backend changes, which no guest sees, or it is unplugged. */
	remedy: "emulate" | "remove" | undefined;
}

interface Rule {
	/** The device, and the enum of the domain capabilities. */
	tag: string;
	list: string;
	/** What the enum is of, for people. */
	of: string;
	path: string;
	name: string;
	/** libvirt lists not all of what there is: nothing is taken out for not being listed. */
	partly?: true;
}

const RULES: Rule[] = [
	{ tag: "rng", list: "backendModel", of: "backend", path: "backend", name: "model" },
	{ tag: "rng", list: "model", of: "model", path: "", name: "model" },
	{ tag: "tpm", list: "backendModel", of: "backend", path: "backend", name: "type" },
	{ tag: "video", list: "modelType", of: "model", path: "model", name: "type" },
	{ tag: "graphics", list: "type", of: "type", path: "", name: "type" },
	{ tag: "disk", list: "bus", of: "bus", path: "target", name: "bus" },
	{ tag: "redirdev", list: "bus", of: "bus", path: "", name: "bus" },
	{ tag: "channel", list: "type", of: "type", path: "", name: "type", partly: true },
];

/** Backends of an rng that every guest takes for the same, the better one first. */
const ENTROPY = ["random", "builtin"];

export function queryOf(root: Element): EmulatorQuery {
	return {
		emulator: text(root, "devices/emulator"),
		arch: attribute(root, "os/type", "arch"),
		machine: attribute(root, "os/type", "machine"),
		type: attribute(root, "", "type"),
	};
}

/**
 * Pure. What libvirt does not list is not known, and no complaint.
 * @param offered domain capabilities
 */
export function lacksIn(root: Element, offered: Element): Lack[] {
	const named = new Map(namedDevices(root).map(({ alias, element }) => [element, alias]));
	const found = new Map<Element, Lack>();
	for (const { tag, list, of, path, name, partly } of RULES) {
		const values = offeredValues(offered, tag, list);
		if (!values) continue;
		for (const device of children(child(root, "devices"), tag)) {
			const value = attribute(device, path, name);
			if (value === undefined || values.includes(value)) continue;
			const alias = named.get(device);
			const what = `${tag}${alias === undefined ? "" : ` ${alias}`} with ${of} ${value}`;
			const emulated = tag === "rng" && of === "backend" && ENTROPY.some((one) => values.includes(one));
			const remedy = emulated ? "emulate" : alias === undefined || partly ? undefined : "remove";
			// Another backend is of no use to a model that is not there.
			if (found.get(device)?.remedy !== "remove") found.set(device, { device, alias, what, offered: values, remedy });
		}
	}
	return [...found.values()];
}

function offeredValues(offered: Element, tag: string, list: string): string[] | undefined {
	const device = child(offered, `devices/${tag}`);
	if (!device) return undefined;
	if (attribute(device, "", "supported") === "no") return [];
	const values = children(device, "enum").find((item) => attribute(item, "", "name") === list);
	const all = children(values, "value").map((value) => text(value) ?? "");
	return all.length === 0 ? undefined : all;
}

/** Pure. The machine as it can be there; devices for which nothing stands in stay, and are refused. */
export function adapted(root: Element, offered: Element): Element {
	const other = copy(root);
	for (const { device, remedy, offered: values } of lacksIn(other, offered)) {
		if (remedy === "remove") remove(device);
		if (remedy !== "emulate") continue;
		remove(child(device, "backend"));
		device.appendChild(
			values.includes("random")
				? element("backend", { model: "random" }, "/dev/urandom")
				: element("backend", { model: "builtin" }),
		);
	}
	return other;
}

/** The machine as it can be on a host; as it is where that does not tell. */
export async function adaptedTo(host: Host, root: Element): Promise<Element> {
	const offered = await offeredBy(host, root);
	return offered ? adapted(root, offered) : root;
}

/** What the host that it leaves does not list either, though it runs there, is not told right. */
export async function lacksOf(from: Host, to: Host, root: Element): Promise<Lack[]> {
	const [here, there] = await Promise.all([offeredBy(from, root), offeredBy(to, root)]);
	if (!here || !there) return [];
	const known = new Set(lacksIn(root, here).map(({ what }) => what));
	return lacksIn(root, there).filter(({ what }) => !known.has(what));
}

/** A clause for the preview and for errors. */
export function lackLine({ what, offered, remedy }: Lack, to: string, when: WhenLacking): string {
	const there = offered.length === 0 ? "no such device" : offered.join(", ");
	const lacks = `${to} does not have its ${what} (there: ${there})`;
	if (remedy === undefined) return lacks;
	const deed = remedy === "emulate" ? "it gets another backend there, which its guest does not see" : "it is unplugged";
	return when === "adapt" ? `${lacks}: ${deed}` : `${lacks}; with migration.whenLacking "adapt" ${deed}`;
}

async function offeredBy(host: Host, root: Element): Promise<Element | undefined> {
	try {
		return parse(await host.domainCapabilitiesXml(queryOf(root)), "the domain capabilities");
	} catch (error) {
		if (error instanceof LibvirtError) return undefined;
		throw error;
	}
}
