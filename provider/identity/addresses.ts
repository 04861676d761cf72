/** IP addresses of both families as numbers, and in the one way of writing them that is compared. */
import { isIPv4, isIPv6 } from "node:net";
import { InputError } from "../lifecycle";
import { shown } from "../problems";

export type Family = 4 | 6;

export interface Address {
	family: Family;
	value: bigint;
}

export interface Network {
	family: Family;
	prefix: number;
	first: bigint;
	last: bigint;
	/** The address that was written before the prefix; the gateway's where it is not the network's first. */
	address: bigint;
	text: string;
}

export const BITS: Record<Family, number> = { 4: 32, 6: 128 };

/** @returns undefined when it is no address; one with a zone (`fe80::1%eth0`) is none */
export function parseAddress(text: string): Address | undefined {
	if (isIPv4(text)) return { family: 4, value: joined(text.split(".").map(BigInt), 8n) };
	if (!isIPv6(text) || text.includes("%")) return undefined;
	const [head = "", tail] = canonicalIpv6(text).split("::");
	const [left, right] = [hextets(head), hextets(tail ?? "")];
	const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n);
	return { family: 6, value: joined([...left, ...zeros, ...right], 16n) };
}

/** As it is compared: IPv4 in its four parts, IPv6 shortened and in lower case (RFC 5952). */
export function formatAddress({ family, value }: Address): string {
	if (family === 4) return split(value, 8n, 4).join(".");
	return canonicalIpv6(
		split(value, 16n, 8)
			.map((part) => part.toString(16))
			.join(":"),
	);
}

/** An address without its prefix, in the one way of writing it that is compared. */
export function compared(text: string): string {
	const [alone = ""] = text.split("/");
	const address = parseAddress(alone);
	return address ? formatAddress(address) : alone;
}

/** @throws InputError unless it is an address, which is returned as it is compared */
export function checkAddress(text: string, property: string): string {
	const address = parseAddress(text);
	if (address) return formatAddress(address);
	throw new InputError(
		property,
		`got ${shown(text)}; allowed is an address without a prefix, such as 192.168.150.10 or fd00:150::10`,
	);
}

/** @returns undefined when it is no address with a prefix */
export function parseNetwork(text: string): Network | undefined {
	const [, written = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
	const address = parseAddress(written);
	const prefix = Number(length);
	if (!address || prefix > BITS[address.family]) return undefined;
	const size = 1n << BigInt(BITS[address.family] - prefix);
	const first = (address.value / size) * size;
	return { family: address.family, prefix, first, last: first + size - 1n, address: address.value, text };
}

export function isIn({ first, last, family }: Network, address: Address): boolean {
	return family === address.family && address.value >= first && address.value <= last;
}

/** What no machine may have: the network's own address (IPv6: its routers' together) and IPv4's broadcast address. */
export function reservedIn({ family, prefix, first, last }: Network): bigint[] {
	if (BITS[family] - prefix < 2) return [];
	return family === 4 ? [first, last] : [first];
}

/** The URL standard writes IPv6 as RFC 5952 says, so Node.js does. */
function canonicalIpv6(text: string): string {
	return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function hextets(text: string): bigint[] {
	return text === "" ? [] : text.split(":").map((part) => BigInt(`0x${part}`));
}

function joined(parts: ReadonlyArray<bigint>, bits: bigint): bigint {
	return parts.reduce((sum, part) => (sum << bits) | part, 0n);
}

function split(value: bigint, bits: bigint, count: number): bigint[] {
	return Array.from(
		{ length: count },
		(_, index) => (value >> (bits * BigInt(count - 1 - index))) & ((1n << bits) - 1n),
	);
}
