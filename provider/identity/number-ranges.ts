/** Ranges of numbers, and of addresses as numbers: what MAC and IP addresses have in common. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";

export interface NumberRange {
	first: bigint;
	/** In the range. */
	last: bigint;
	/** As it was given, for errors. */
	text: string;
	/** Of this range, for errors: `ipv4[1]`. */
	property: string;
}

/** What lies in none: in order, each value once. */
export type Reserved = ReadonlyArray<bigint>;

/**
 * @param what is in them
 * @throws InputError when one ends before it starts, or two have a value in common
 */
export function checkRanges(ranges: ReadonlyArray<NumberRange>, what: "address" | "number" = "address"): void {
	for (const { first, last, text, property } of ranges) {
		if (last >= first) continue;
		throw new InputError(
			property,
			`got ${shown(text)}, which ends before it starts; allowed is a range from its first ${what} to its last`,
		);
	}
	const inOrder = ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
	for (const [index, range] of inOrder.entries()) {
		const before = inOrder[index - 1];
		if (before === undefined || before.last < range.first) continue;
		throw new InputError(
			range.property,
			`got ${shown(range.text)}, which overlaps ${shown(before.text)} (${before.property}); allowed are ranges that have no ${what} in common`,
		);
	}
}

/** How many values there are, without those that are reserved. */
export function roomIn(ranges: ReadonlyArray<NumberRange>, reserved: Reserved = []): bigint {
	return ranges.reduce((sum, { first, last }) => {
		const left = reserved.filter((value) => value >= first && value <= last).length;
		return sum + (last - first + 1n) - BigInt(left);
	}, 0n);
}

/**
 * The first values of the ranges, in their order.
 *
 * @throws InputError when there are fewer
 */
export function take(
	ranges: ReadonlyArray<NumberRange>,
	count: number,
	property: string,
	what: string,
	reserved: Reserved = [],
): bigint[] {
	const room = roomIn(ranges, reserved);
	if (room < BigInt(count)) {
		const given = ranges.map(({ text }) => text).join(", ");
		throw new InputError(
			property,
			`got ${shown(given)}, which has room for ${room} ${what}; count is ${count}: widen the range, or add one`,
		);
	}
	const skipped = new Set(reserved);
	const taken: bigint[] = [];
	for (const { first, last } of ranges) {
		for (let value = first; value <= last && taken.length < count; value++) {
			if (!skipped.has(value)) taken.push(value);
		}
	}
	return taken;
}
