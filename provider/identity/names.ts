/**
 * Host names with a counter. The digits in braces are the first number, written as it is to be written:
 *
 * - `web-{001}` gives web-001, web-002 ... web-999, and has room for no more
 * - `web-{1}` gives web-1, web-2 ... web-10 and so on: without a leading zero nothing is padded
 */
import { InputError } from "../lifecycle";
import { shown } from "../problems";

/** Of one label of a host name (RFC 1123). */
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
const LONGEST_LABEL = 63;
const COUNTER = /\{(\d{1,9})\}/g;

export interface NameLimit {
	characters: number;
	/** Who sets it: "a computer name in Active Directory". */
	of: string;
}

const HOST_NAME: NameLimit = { characters: LONGEST_LABEL, of: "a host name" };

/**
 * @param pattern such as `web-{001}`
 * @param property of the pattern, for the error
 * @returns as many names, in the order of their numbers
 * @throws InputError for a pattern without exactly one counter, one whose names are no host names, or with too little room
 */
export function namesOf(pattern: string, count: number, property = "names", limit = HOST_NAME): string[] {
	const counters = [...pattern.matchAll(COUNTER)];
	if (counters.length !== 1) {
		throw new InputError(
			property,
			`got ${shown(pattern)}, which has ${counters.length === 0 ? "no counter" : `${counters.length} counters`}; ` +
				'allowed is a host name with one counter: the first number in braces, as in "web-{001}"',
		);
	}
	const [{ 0: braces, 1: digits = "", index }] = counters as [RegExpMatchArray & { index: number }];
	const first = Number(digits);
	const isPadded = digits.length > 1 && digits.startsWith("0");
	const room = isPadded ? 10 ** digits.length - first : Number.MAX_SAFE_INTEGER;
	if (count > room) {
		throw new InputError(
			property,
			`got ${shown(pattern)}, which has room for ${room} names; count is ${count}: give the counter more digits`,
		);
	}
	const before = pattern.slice(0, index);
	const after = pattern.slice(index + braces.length);
	const nameAt = (offset: number) =>
		`${before}${String(first + offset).padStart(isPadded ? digits.length : 0, "0")}${after}`;
	// The last one is the longest.
	if (count > 0)
		checkName(nameAt(count - 1), property, limit, `got ${shown(pattern)}, which gives ${shown(nameAt(count - 1))}`);
	return Array.from({ length: count }, (_, offset) => nameAt(offset));
}

/** @throws InputError unless it is one label of a host name */
export function checkName(name: string, property: string, limit = HOST_NAME, got = `got ${shown(name)}`): void {
	if (name.length > limit.characters) {
		throw new InputError(
			property,
			`${got} of ${name.length} characters; allowed are ${limit.characters} characters in ${limit.of}`,
		);
	}
	if (!LABEL.test(name)) {
		throw new InputError(
			property,
			`${got}; allowed are letters, digits and, between them, hyphens: a host name without its domain`,
		);
	}
	if (/^\d+$/.test(name)) {
		throw new InputError(
			property,
			`${got}; allowed is a name with a letter in it: digits alone are taken for an address`,
		);
	}
}
