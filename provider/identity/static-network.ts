/** How machines set their addresses themselves, where no DHCP server gives them out. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";
import { checkAddress, type Family, formatAddress, isIn, type Network, parseAddress, parseNetwork } from "./addresses";
import type { NewIdentity } from "./identity";

/** What a machine is told of its network. */
export interface StaticNetwork {
	/** Each with its prefix: "10.0.0.10/24". */
	addresses: string[];
	/** Routers for everything else, at most one of each family. */
	gateways: string[];
	/** Addresses of name servers. */
	nameservers: string[];
}

/** What all identities of a pool have in common. */
export interface StaticSettings {
	ipv4?: string | undefined;
	ipv6?: string | undefined;
	nameservers: string[];
}

interface Given {
	addressing: "dhcp" | "static";
	ipv4Network?: string | undefined;
	ipv6Network?: string | undefined;
	nameservers?: ReadonlyArray<string> | undefined;
}

const EXAMPLES: Record<Family, string> = { 4: "10.0.0.1/24", 6: "fd00::1/64" };

/**
 * @returns undefined where addresses come from DHCP
 * @throws InputError when a machine could not set its addresses by what is given
 */
export function staticSettingsOf(given: Given, members: ReadonlyArray<NewIdentity>): StaticSettings | undefined {
	const { addressing, ipv4Network: ipv4, ipv6Network: ipv6, nameservers } = given;
	if (addressing === "dhcp") {
		if (nameservers === undefined) return undefined;
		throw new InputError(
			"nameservers",
			`got ${shown(nameservers)} with addressing "dhcp", where the DHCP server says them; allowed is that together with addressing: "static"`,
		);
	}
	const networks: Record<Family, Network | undefined> = {
		4: networkOf(4, ipv4),
		6: networkOf(6, ipv6),
	};
	for (const member of members) checkMember(member, networks);
	return {
		...(ipv4 !== undefined && { ipv4 }),
		...(ipv6 !== undefined && { ipv6 }),
		nameservers:
			nameservers?.map((address, index) => checkAddress(address, `nameservers[${index}]`)) ??
			[ipv4, ipv6].flatMap(gatewayOf),
	};
}

/** @param ips of an identity */
export function staticNetworkOf(settings: StaticSettings, ips: ReadonlyArray<string>): StaticNetwork {
	const { ipv4, ipv6, nameservers } = settings;
	const networks = [ipv4, ipv6].flatMap((text) => (text === undefined ? [] : (parseNetwork(text) ?? [])));
	const found = ips.flatMap((ip) => {
		const network = networks.find((own) => isIn(own, parseAddress(ip)!));
		return network ? [{ address: `${ip}/${network.prefix}`, network }] : [];
	});
	return {
		addresses: found.map(({ address }) => address),
		gateways: [...new Set(found.flatMap(({ network }) => gatewayOf(network.text)))],
		nameservers,
	};
}

function checkMember({ name, mac, ips = [] }: NewIdentity, networks: Record<Family, Network | undefined>): void {
	if (ips.length === 0 || mac === undefined) {
		const lack = mac === undefined ? "MAC address, by which its machine finds the NIC" : "address";
		throw new InputError(
			"addressing",
			`got "static", and ${name} has no ${lack}; allowed is it for identities with a MAC address and IP addresses each`,
		);
	}
	for (const ip of ips) {
		const address = parseAddress(ip)!;
		const property = `ipv${address.family}Network`;
		const network = networks[address.family];
		if (!network) {
			throw new InputError(
				property,
				`is missing; with addressing "static" allowed is the gateway's address with its prefix, such as ${EXAMPLES[address.family]}`,
			);
		}
		if (isIn(network, address)) continue;
		throw new InputError(
			property,
			`got ${shown(network.text)}, which ${ip} of ${name} is not in; allowed is its network`,
		);
	}
}

function networkOf(family: Family, text: string | undefined): Network | undefined {
	if (text === undefined) return undefined;
	const network = parseNetwork(text);
	if (network?.family === family) return network;
	throw new InputError(
		`ipv${family}Network`,
		`got ${shown(text)}; allowed is the gateway's address with its prefix, such as ${EXAMPLES[family]}`,
	);
}

/** 10.0.0.0/24 names no gateway, 10.0.0.1/24 does. */
function gatewayOf(text: string | undefined): string[] {
	const network = text === undefined ? undefined : parseNetwork(text);
	if (!network || network.address === network.first) return [];
	return [formatAddress({ family: network.family, value: network.address })];
}
