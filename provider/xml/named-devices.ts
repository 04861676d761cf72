/** Devices that `extraXml` adds under an alias of its own: a running machine takes and gives them back by that. */
import { aliasOf } from "./devices";
import { child, children, type Element, element, remove, serialize } from "./element";
import { parseExtra } from "./merge";

/** What libvirt plugs and unplugs while a machine runs, beside disks, NICs, vCPUs and memory. */
const PLUGGABLE = ["channel", "hostdev", "input", "redirdev", "rng", "shmem", "watchdog"];

export interface NamedDevice {
	alias: string;
	element: Element;
}

export function namedDevices(root: Element): NamedDevice[] {
	return children(child(root, "devices")).flatMap((device) => {
		const alias = aliasOf(device);
		return alias?.startsWith("ua-") && PLUGGABLE.includes(device.tagName) ? [{ alias, element: device }] : [];
	});
}

/** Aliases of devices that go, and of those that come. */
export interface NamedDifference {
	out: string[];
	in: string[];
}

/** @returns why a running machine cannot come from one fragment to the other, as text */
export function differenceOf(before: string | undefined, after: string | undefined): NamedDifference | string {
	const [had, has] = [split(before), split(after)];
	if (had.rest !== has.rest) {
		return `more differs than devices with an alias of their own (ua-...), of which a running machine takes ${PLUGGABLE.join(", ")}`;
	}
	const other = [...has.devices].find(([alias, xml]) => had.devices.has(alias) && had.devices.get(alias) !== xml);
	if (other)
		return `${other[0]} is another device than before: it can be taken while the machine runs under another alias`;
	return {
		out: [...had.devices.keys()].filter((alias) => !has.devices.has(alias)),
		in: [...has.devices.keys()].filter((alias) => !had.devices.has(alias)),
	};
}

function split(extraXml: string | undefined): { devices: Map<string, string>; rest: string } {
	const root = extraXml === undefined ? element("domain") : parseExtra(extraXml);
	const named = namedDevices(root);
	const devices = new Map(named.map((device) => [device.alias, normal(device.element)]));
	for (const device of named) remove(device.element);
	for (const group of children(root, "devices")) if (children(group).length === 0) remove(group);
	return { devices, rest: normal(root) };
}

/** Without the white space between elements. */
function normal(of: Element): string {
	return serialize(of)
		.replace(/>\s+</g, "><")
		.replace(/<([^\s<>/]+)([^<>]*)><\/\1>/g, "<$1$2/>");
}
