/** What an expression can ask of an id: each call with its fixed arguments. */
import { identifierComplaint, identifierText, parseIdentifier } from "../identifiers";
import { LARGEST_MODULO, MOST_BYTES, type Tree } from "./syntax";
import { SyntaxProblem } from "./tokens";

const CALLS = ["id", "instance", "byte", "number", "hash"] as const;

type Name = (typeof CALLS)[number];

export interface Call {
	name: Name;
	/** As they are written: numbers, then an identifier. */
	values: Array<number | string>;
}

export function isCall(word: string): word is Name {
	return (CALLS as ReadonlyArray<string>).includes(word);
}

/** @throws SyntaxProblem whose message is a clause about the call */
export function callOf({ name, values }: Call): Tree {
	const last = values.at(-1);
	const of = typeof last === "string" ? identifierIn(name, last) : undefined;
	const numbers = of === undefined ? values : values.slice(0, -1);
	const areNumbers = (count: number): boolean =>
		numbers.length === count && numbers.every((value) => typeof value === "number");
	const [first = 0, second = 0] = numbers as number[];
	switch (name) {
		case "id":
		case "instance":
			if (areNumbers(0)) return { op: name, of };
			throw wrong(name, values, `allowed is ${name}, or ${name}("uuid") for that of another identifier`);
		case "byte":
			if (areNumbers(1) && isPlace(first)) return { op: "bytes", from: first, to: first, of };
			throw wrong(name, values, "allowed is a number from -32 to 31: 0 is the first byte of the id, -1 the last one");
		case "number":
			if (areNumbers(2) && isSpan(first, second)) return { op: "bytes", from: first, to: second, of };
			throw wrong(
				name,
				values,
				`allowed are the first and the last byte, both from -32 to 31, of at most ${MOST_BYTES}: number(0, 1), or number(-2, -1)`,
			);
		case "hash":
			if (areNumbers(1) && first >= 1 && first <= LARGEST_MODULO) return { op: "hash", modulo: first, of };
			throw wrong(name, values, `allowed is a number from 1 to ${LARGEST_MODULO}: the hash is below it`);
	}
}

function isPlace(value: number): boolean {
	return value >= -32 && value <= 31;
}

/** Only of places counted from the same end is it known before there is an id. */
function isSpan(from: number, to: number): boolean {
	if (!isPlace(from) || !isPlace(to)) return false;
	return from < 0 !== to < 0 || (to >= from && to - from < MOST_BYTES);
}

function identifierIn(name: Name, text: string): string {
	const complaint = identifierComplaint(text);
	if (complaint !== undefined) throw new SyntaxProblem(`is ${name}() of ${JSON.stringify(text)}; ${complaint}`);
	return identifierText(parseIdentifier(text));
}

function wrong(name: Name, values: Call["values"], allowed: string): SyntaxProblem {
	return new SyntaxProblem(`is ${name}(${values.map((value) => JSON.stringify(value)).join(", ")}); ${allowed}`);
}
