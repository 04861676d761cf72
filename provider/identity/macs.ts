/** MAC addresses of identities: checked, and taken from ranges such as `52:54:00:10:00:01-52:54:00:10:0f:ff`. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";
import { checkRanges, type NumberRange, take } from "./number-ranges";

const ADDRESS = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i;
const MULTICAST = 0x01;
const LOCALLY_ADMINISTERED = 0x02;
const LAST = 0xffff_ffff_ffffn;

export interface MacRules {
	/** Also addresses of a vendor's own, which the second lowest bit of the first byte tells. @default false */
	universal?: boolean | undefined;
}

/**
 * @param given with colons or hyphens
 * @returns in lower case with colons
 * @throws InputError unless it is the address of one machine
 */
export function checkMac(given: string, property: string, { universal = false }: MacRules = {}): string {
	if (!ADDRESS.test(given)) {
		throw new InputError(property, `got ${shown(given)}; allowed is a MAC address such as 52:54:00:10:00:01`);
	}
	const mac = given.toLowerCase().replaceAll("-", ":");
	const firstByte = Number.parseInt(mac.slice(0, 2), 16);
	if (firstByte & MULTICAST) {
		throw new InputError(
			property,
			`got ${shown(given)}, a multicast address; allowed are those of one machine: the first byte is even, as in 52:54:00:10:00:01`,
		);
	}
	if (mac === "00:00:00:00:00:00") {
		throw new InputError(
			property,
			`got ${shown(given)}, which is no machine's; allowed is one such as 52:54:00:10:00:01`,
		);
	}
	if (!universal && !(firstByte & LOCALLY_ADMINISTERED)) {
		throw new InputError(
			property,
			`got ${shown(given)}, whose first bytes are a vendor's; allowed are locally administered ones: ` +
				"the second digit is 2, 6, a or e, as in 52:54:00:10:00:01",
		);
	}
	return mac;
}

/**
 * @param ranges `FIRST-LAST` with colons in the addresses; or `FIRST` alone: as many from there as are needed
 * @param property of the list, for errors
 * @returns as many addresses, in the order of the ranges
 * @throws InputError for a malformed or overlapping range, or when there are too few addresses
 */
export function macsOf(
	ranges: ReadonlyArray<string>,
	count: number,
	property = "macs",
	rules: MacRules = {},
): string[] {
	const parsed = ranges.map((text, index) => parseRange(text, count, `${property}[${index}]`, rules));
	checkRanges(parsed);
	return take(parsed, count, property, "MAC addresses").map(toMac);
}

function parseRange(text: string, count: number, property: string, rules: MacRules): NumberRange {
	const ends = text.split("-").map((end) => end.trim());
	if (ends.length > 2 || !ends.every((end) => end.includes(":"))) {
		throw new InputError(
			property,
			`got ${shown(text)}; allowed is a range such as 52:54:00:10:00:01-52:54:00:10:0f:ff, or its first address`,
		);
	}
	const [first = 0n, last] = ends.map((end) => toNumber(checkMac(end, property, rules)));
	const range = { first, last: last ?? clamp(first + BigInt(Math.max(count, 1)) - 1n), text, property };
	// Between two good ends there may be a first byte that is not.
	if (range.last >> 40n !== first >> 40n && range.last >= first) {
		throw new InputError(
			property,
			`got ${shown(text)}; allowed are ranges whose addresses have the first byte in common`,
		);
	}
	return range;
}

function clamp(value: bigint): bigint {
	return value > LAST ? LAST : value;
}

function toNumber(mac: string): bigint {
	return BigInt(`0x${mac.replaceAll(":", "")}`);
}

function toMac(number: bigint): string {
	return number
		.toString(16)
		.padStart(12, "0")
		.replace(/..(?!$)/g, "$&:");
}
