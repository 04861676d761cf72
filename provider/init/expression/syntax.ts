/**
 * Syntax trees of expressions.
 *
 * All numbers are whole and lie within ±9007199254740991 (2^53 - 1); a result beyond is an error, never rounded. `/`
 * rounds down, and `%` is what is left then: it has the sign of the divisor, so that `(instance - 5) % 3` is always 0, 1
 * or 2. Dividing by zero is an error. Of `condition ? a : b` only the value that is chosen is computed: an error in the
 * other one does not matter. Comparisons are of numbers; `==` and `!=` also of text, byte by byte. A comparison is
 * neither a number nor text: it goes before a `?` only.
 */

export type Arithmetic = "+" | "-" | "*" | "/" | "%";
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Type = "number" | "text" | "comparison";

/** `of`: the identifier whose id it is about, in full (`mac 0`); absent for the machine's own. */
export type Tree =
	| { op: "literal"; value: number }
	| { op: "quoted"; value: string }
	| { op: "id"; of?: string | undefined }
	| { op: "instance"; of?: string | undefined }
	/** The bytes from one to another as one number, the first one highest; places below zero count from the end. */
	| { op: "bytes"; from: number; to: number; of?: string | undefined }
	/** The first 48 bits of the SHA-256 of the id, modulo a number. */
	| { op: "hash"; modulo: number; of?: string | undefined }
	| { op: "negate"; operand: Tree }
	| { op: Arithmetic; left: Tree; right: Tree }
	| { op: Comparison; left: Tree; right: Tree }
	| { op: "choose"; condition: Tree; whenTrue: Tree; whenFalse: Tree };

/** How a number is written. @default decimal, as short as can be */
export interface Format {
	/** Zeros are put before it until it has as many characters. */
	width: number;
	hex: boolean;
}

/** A template: text as it is, and expressions. */
export type Piece = { text: string } | { tree: Tree; format?: Format | undefined };

export const LARGEST = Number.MAX_SAFE_INTEGER;

/** Of a parenthesis, a minus or a `?` in another one. */
export const DEEPEST = 32;
export const MOST_BYTES = 6;
export const LARGEST_MODULO = 2 ** 48;

export function isComparison(op: string): op is Comparison {
	return ["==", "!=", "<", "<=", ">", ">="].includes(op);
}

export function typeOf(tree: Tree): Type {
	if (tree.op === "quoted" || tree.op === "id") return "text";
	if (tree.op === "choose") return typeOf(tree.whenTrue);
	return isComparison(tree.op) ? "comparison" : "number";
}
