/** IP addresses of identities, taken from ranges: `10.0.0.10-10.0.0.99`, `10.0.0.0/24`, `fd00::10-fd00::ff`, `fd00::/64`. */

import { listed } from "../allowed";
import { InputError } from "../lifecycle";
import { shown } from "../problems";
import {
	type Address,
	type Family,
	formatAddress,
	isIn,
	type Network,
	parseAddress,
	parseNetwork,
	reservedIn,
} from "./addresses";
import { checkRanges, type NumberRange, take } from "./number-ranges";

export interface AddressRules {
	/**
	 * The network that the machines are in, with the gateway's address: `10.0.0.1/24`. All ranges have to lie in it, and
	 * its own, its broadcast and its gateway's address are left out. @default what the range says, when it has a prefix
	 */
	network?: string | undefined;
	/** Addresses that are in use otherwise. */
	leaveOut?: ReadonlyArray<string> | undefined;
}

const EXAMPLES: Record<Family, string> = {
	4: "10.0.0.10-10.0.0.99 or 10.0.0.0/24",
	6: "fd00::10-fd00::ff or fd00::/64",
};

/**
 * @param ranges from the first address to the last, or with a prefix: then without what no machine may have
 * @param property of the list, for errors
 * @returns as many addresses, in the order of the ranges
 * @throws InputError for a malformed or overlapping range, one outside of the network, or when there are too few addresses
 */
export function addressesOf(
	family: Family,
	ranges: ReadonlyArray<string>,
	count: number,
	property = `ipv${family}`,
	{ network, leaveOut = [] }: AddressRules = {},
): string[] {
	const given = network === undefined ? undefined : checkNetwork(family, network, `${property}Network`);
	const parsed = ranges.map((text, index) => parseRange(family, text, `${property}[${index}]`));
	for (const range of parsed) if (given) checkInside(range, given);
	checkRanges(parsed);
	const excluded = leaveOut.map((text, index) => checkFamily(family, text, `${property}LeaveOut[${index}]`).value);
	const networks = [...parsed.flatMap(({ network: own }) => own ?? []), ...(given ? [given] : [])];
	const reserved = [...new Set([...networks.flatMap(withGateway), ...excluded])];
	return take(parsed, count, property, "machines", reserved).map((value) => formatAddress({ family, value }));
}

function withGateway(network: Network): bigint[] {
	// 10.0.0.0/24 names no gateway, 10.0.0.1/24 does.
	return [...reservedIn(network), ...(network.address === network.first ? [] : [network.address])];
}

function parseRange(family: Family, text: string, property: string): NumberRange & { network?: Network } {
	const network = parseNetwork(text);
	if (network?.family === family) return { first: network.first, last: network.last, text, property, network };
	const ends = text.split("-").map((end) => parseAddress(end.trim()));
	const [first, last] = ends;
	if (ends.length > 2 || first?.family !== family || (ends.length === 2 && last?.family !== family)) {
		throw new InputError(
			property,
			`got ${shown(text)}; allowed is a range of IPv${family} addresses such as ${EXAMPLES[family]}`,
		);
	}
	return { first: first.value, last: (last ?? first).value, text, property };
}

function checkNetwork(family: Family, text: string, property: string): Network {
	const network = parseNetwork(text);
	if (network?.family === family) return network;
	const example = family === 4 ? "10.0.0.1/24" : "fd00::1/64";
	throw new InputError(
		property,
		`got ${shown(text)}; allowed is the gateway's address with its prefix, such as ${example}`,
	);
}

function checkInside(range: NumberRange, network: Network): void {
	const outside = [range.first, range.last]
		.map((value): Address => ({ family: network.family, value }))
		.filter((address) => !isIn(network, address));
	if (outside.length === 0) return;
	throw new InputError(
		range.property,
		`got ${shown(range.text)}; ${listed(outside.map(formatAddress), "and")} ${outside.length === 1 ? "is" : "are"} not in ${network.text}: ` +
			`allowed are ${formatAddress({ family: network.family, value: network.first })} to ${formatAddress({ family: network.family, value: network.last })}`,
	);
}

function checkFamily(family: Family, text: string, property: string): Address {
	const address = parseAddress(text);
	if (address?.family === family) return address;
	throw new InputError(property, `got ${shown(text)}; allowed is an IPv${family} address without a prefix`);
}
