/** Network XML: written from the inputs, and read back into their shape. */
import { append, attribute, child, children, type Element, element, text } from "../xml/element";
import { recordOf, setRecord } from "../xml/metadata";
import { mergeExtra } from "./extra-xml";
import { defaultRanges, type Range, subnetOf } from "./ipv4";
import type { DhcpHost, NetworkInputs } from "./schema";

/** What the definition on the host has that the inputs do not say, and that has to stay as it is. */
export interface Kept {
	uuid: string;
	/** Name of the bridge that libvirt chose. */
	bridge: string | undefined;
	/** MAC address of the bridge. */
	mac: string | undefined;
	/** Elements of other people: their metadata, and what no input stands for. */
	foreign: Element[];
	metadata: Element | undefined;
}

/** The persistent definition. */
export function networkElement(inputs: NetworkInputs, kept?: Kept): Element {
	const { mode, mtu } = inputs;
	const root = element(
		"network",
		{},
		element("name", {}, inputs.name),
		kept && element("uuid", {}, kept.uuid),
		kept?.metadata,
		mode === "isolated" ? undefined : element("forward", { mode, dev: inputs.forwardDevice }),
		bridgeElement(inputs, kept),
		kept?.mac && mode !== "bridge" ? element("mac", { address: kept.mac }) : undefined,
		mtu === undefined ? undefined : element("mtu", { size: mtu }),
		inputs.dnsDomain === undefined ? undefined : element("domain", { name: inputs.dnsDomain }),
		ipv4Element(inputs),
		inputs.ipv6 === undefined ? undefined : element("ip", { family: "ipv6", ...addressAndPrefix(inputs.ipv6) }),
		...(kept?.foreign ?? []),
	);
	if (inputs.extraXml !== undefined) mergeExtra(root, inputs.extraXml);
	setRecord(root, recordOf(inputs));
	return root;
}

function bridgeElement({ mode, bridge }: NetworkInputs, kept: Kept | undefined): Element | undefined {
	if (mode === "bridge") return element("bridge", { name: bridge });
	const name = bridge ?? kept?.bridge;
	// With the spanning tree protocol a NIC that is plugged in gets through only after 4 s (the kernel's least delays).
	// Who bridges inside of guests, so that a loop can arise, turns it on by extraXml: <bridge stp="on"/>.
	return element("bridge", { name, stp: "off", delay: 0 });
}

function addressAndPrefix(cidr: string): { address: string; prefix: string } {
	const [address = "", prefix = ""] = cidr.split("/");
	return { address, prefix };
}

function ipv4Element(inputs: NetworkInputs): Element | undefined {
	if (inputs.ipv4 === undefined) return undefined;
	const made = element("ip", { ...addressAndPrefix(inputs.ipv4) });
	const ranges = rangesOf(inputs);
	const hosts = inputs.dhcp?.hosts ?? [];
	if (ranges.length + hosts.length > 0) {
		append(made, element("dhcp", {}, ...ranges.map((range) => rangeElement(range)), ...hosts.map(hostElement)));
	}
	return made;
}

export interface LeaseRange extends Range {
	leaseMinutes?: number | undefined;
}

/** The ranges that the DHCP server gives addresses from; none when it is off. */
export function rangesOf({ ipv4, dhcp }: NetworkInputs): LeaseRange[] {
	if (ipv4 === undefined || dhcp?.enabled === false) return [];
	const given =
		dhcp?.start !== undefined && dhcp.end !== undefined ? [{ start: dhcp.start, end: dhcp.end }] : undefined;
	return (given ?? defaultRanges(subnetOf(ipv4))).map((range) =>
		dhcp?.leaseMinutes === undefined ? range : { ...range, leaseMinutes: dhcp.leaseMinutes },
	);
}

export function rangeElement({ start, end, leaseMinutes }: LeaseRange): Element {
	const lease = leaseMinutes === undefined ? undefined : element("lease", { expiry: leaseMinutes, unit: "minutes" });
	return element("range", { start, end }, lease);
}

export function hostElement({ mac, ip, name }: DhcpHost): Element {
	return element("host", { mac, name, ip });
}

/** What libvirt's XML says, as far as inputs stand for it. */
export interface NetworkModel {
	mode: string;
	bridge: string | undefined;
	forwardDevice: string | undefined;
	ipv4: string | undefined;
	ipv6: string | undefined;
	ranges: LeaseRange[];
	hosts: DhcpHost[];
	dnsDomain: string | undefined;
	mtu: number | undefined;
}

export function modelOf(root: Element): NetworkModel {
	const ips = children(root, "ip");
	const isIpv6 = (ip: Element) => attribute(ip, "", "family") === "ipv6";
	const ipv4 = ips.find((ip) => !isIpv6(ip));
	const dhcp = child(ipv4, "dhcp");
	const mtu = attribute(root, "mtu", "size");
	return {
		mode: child(root, "forward") ? (attribute(root, "forward", "mode") ?? "nat") : "isolated",
		bridge: attribute(root, "bridge", "name"),
		forwardDevice: attribute(root, "forward", "dev"),
		ipv4: cidrOf(ipv4),
		ipv6: cidrOf(ips.find(isIpv6)),
		ranges: children(dhcp, "range").map(readRange),
		hosts: children(dhcp, "host").map(readHost),
		dnsDomain: attribute(root, "domain", "name"),
		mtu: mtu === undefined ? undefined : Number(mtu),
	};
}

function cidrOf(ip: Element | undefined): string | undefined {
	const address = attribute(ip, "", "address");
	if (address === undefined) return undefined;
	const mask = attribute(ip, "", "netmask");
	const prefix = attribute(ip, "", "prefix") ?? (mask === undefined ? undefined : String(prefixOf(mask)));
	return `${address}/${prefix ?? ""}`;
}

function prefixOf(netmask: string): number {
	const bits = netmask.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
	return bits.join("").replace(/0+$/, "").length;
}

const MINUTES: Record<string, number> = { seconds: 1 / 60, minutes: 1, hours: 60 };

function readRange(range: Element): LeaseRange {
	const expiry = attribute(range, "lease", "expiry");
	const unit = attribute(range, "lease", "unit") ?? "minutes";
	return {
		start: attribute(range, "", "start") ?? "",
		end: attribute(range, "", "end") ?? "",
		...(expiry === undefined ? {} : { leaseMinutes: Number(expiry) * (MINUTES[unit] ?? 1) }),
	};
}

function readHost(host: Element): DhcpHost {
	const name = attribute(host, "", "name");
	return {
		mac: (attribute(host, "", "mac") ?? "").toLowerCase(),
		ip: attribute(host, "", "ip") ?? "",
		...(name === undefined ? {} : { name }),
	};
}

/** Elements that inputs stand for, or that libvirt computes. */
const KNOWN = ["name", "uuid", "metadata", "forward", "bridge", "mac", "mtu", "domain", "ip"];

/**
 * What of a definition is to stay when the network is defined anew.
 * @param extraBefore the `extraXml` that was merged into it, whose elements go when the fragment does
 */
export function keptOf(root: Element, extraBefore: string | undefined): Kept {
	const ours = extraBefore === undefined ? [] : childNames(extraBefore);
	return {
		uuid: text(root, "uuid") ?? "",
		// A bridge of the host's own is not one that libvirt could make.
		bridge: attribute(root, "forward", "mode") === "bridge" ? undefined : attribute(root, "bridge", "name"),
		mac: attribute(root, "mac", "address"),
		metadata: child(root, "metadata"),
		foreign: children(root).filter(({ tagName }) => !KNOWN.includes(tagName) && !ours.includes(tagName)),
	};
}

function childNames(extraXml: string): string[] {
	const holder = element("network");
	mergeExtra(holder, extraXml);
	return children(holder).map(({ tagName }) => tagName);
}
