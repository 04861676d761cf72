import type { Rule } from "../lifecycle";
import { XmlError } from "../xml/element";
import { complaintOf } from "../xml/merge";
import { parseExtra } from "./extra-xml";
import { hostRange, isHostAddress, MAX_RANGE, subnetOf, toAddress, toNumber } from "./ipv4";
import type { DhcpHost, NetworkInputs } from "./schema";

/** Rules across the inputs of a network. */
export const rules: ReadonlyArray<Rule<NetworkInputs>> = [
	{
		property: "ipv4",
		needs: ["mode", "ipv4", "ipv6"],
		check({ mode, ipv4, ipv6 }) {
			if ((mode === "nat" || mode === "route") && ipv4 === undefined && ipv6 === undefined) {
				return `is missing; mode "${mode}" needs an address of the gateway: give ipv4 (such as "192.168.150.1/24") or ipv6`;
			}
			return undefined;
		},
	},
	{
		property: "ipv4",
		needs: ["ipv4"],
		check({ ipv4 }) {
			if (ipv4 === undefined) return undefined;
			const subnet = subnetOf(ipv4);
			if (subnet.prefix > 30)
				return `got "${ipv4}"; allowed are prefixes up to 30, so that there is room for a machine`;
			if (isHostAddress(subnet, subnet.address)) return undefined;
			return `got "${ipv4}", which is no address that the gateway could have; allowed are ${hostRange(subnet)}`;
		},
	},
	{
		property: "bridge",
		needs: ["mode", "bridge"],
		check({ mode, bridge }) {
			return mode === "bridge" && bridge === undefined
				? 'is missing; mode "bridge" needs the name of a bridge that exists on the host'
				: undefined;
		},
	},
	{
		property: "mode",
		needs: ["mode"],
		check(inputs) {
			if (inputs.mode !== "bridge") return undefined;
			const given = (["ipv4", "ipv6", "dhcp", "dnsDomain", "forwardDevice", "mtu"] as const).filter(
				(key) => inputs[key] !== undefined,
			);
			if (given.length === 0) return undefined;
			return `got "bridge" with ${given.join(", ")}; the bridge belongs to the host, which configures that: leave it out`;
		},
	},
	{
		property: "forwardDevice",
		needs: ["mode", "forwardDevice"],
		check({ mode, forwardDevice }) {
			if (forwardDevice === undefined || mode !== "isolated") return undefined;
			return `got "${forwardDevice}" with mode "isolated"; allowed with modes nat and route`;
		},
	},
	{
		property: "dhcp",
		needs: ["dhcp", "ipv4"],
		check({ dhcp, ipv4 }) {
			if (!dhcp) return undefined;
			if (dhcp.enabled && ipv4 === undefined)
				return "got dhcp without ipv4; the DHCP server needs a subnet: give ipv4, or leave dhcp out";
			if (!dhcp.enabled && dhcp.hosts.length > 0) {
				return `has enabled: false and ${dhcp.hosts.length} host(s), which nobody would serve; leave one of them out`;
			}
			return undefined;
		},
	},
	{ property: "dhcp.start", needs: ["dhcp", "ipv4"], check: rangeComplaint },
	{ property: "dhcp.hosts", needs: ["dhcp", "ipv4"], check: hostsComplaint },
	{
		property: "extraXml",
		needs: ["extraXml"],
		check({ extraXml }) {
			try {
				if (extraXml !== undefined) parseExtra(extraXml);
				return undefined;
			} catch (error) {
				if (error instanceof XmlError) return complaintOf(error);
				throw error;
			}
		},
	},
];

function rangeComplaint({ dhcp, ipv4 }: NetworkInputs): string | undefined {
	if (!dhcp || ipv4 === undefined || (dhcp.start === undefined && dhcp.end === undefined)) return undefined;
	if (dhcp.start === undefined || dhcp.end === undefined) {
		return `got only ${dhcp.start === undefined ? "end" : "start"}; give both start and end, or neither`;
	}
	const subnet = subnetOf(ipv4);
	const [start, end] = [toNumber(dhcp.start), toNumber(dhcp.end)];
	for (const address of [start, end]) {
		if (isHostAddress(subnet, address)) continue;
		return `got ${toAddress(address)}, which is not in ${ipv4}; allowed are ${hostRange(subnet)}`;
	}
	if (start > end)
		return `got ${dhcp.start} to ${dhcp.end}; allowed is a range from its first address to its last: exchange them`;
	if (end - start >= MAX_RANGE)
		return `got ${end - start + 1} addresses; allowed are up to ${MAX_RANGE}, which is what libvirt takes`;
	return undefined;
}

function hostsComplaint({ dhcp, ipv4 }: NetworkInputs): string | undefined {
	if (!dhcp || ipv4 === undefined) return undefined;
	const subnet = subnetOf(ipv4);
	for (const host of dhcp.hosts) {
		const address = toNumber(host.ip);
		if (address === subnet.address)
			return `got ${host.ip} for ${host.mac}, which is the gateway's own address; allowed are the others of ${hostRange(subnet)}`;
		if (!isHostAddress(subnet, address)) {
			return `got ${host.ip} for ${host.mac}, which is not in ${ipv4}; allowed are ${hostRange(subnet)}`;
		}
	}
	for (const key of ["mac", "ip", "name"] as const) {
		const twice = duplicate(dhcp.hosts, key);
		if (twice !== undefined)
			return `got two hosts with the ${key} ${twice}; allowed is each once: leave one of them out`;
	}
	return undefined;
}

function duplicate(hosts: ReadonlyArray<DhcpHost>, key: keyof DhcpHost): string | undefined {
	const seen = new Set<string>();
	for (const host of hosts) {
		const value = host[key];
		if (value === undefined) continue;
		if (seen.has(value)) return value;
		seen.add(value);
	}
	return undefined;
}
