/**
 * What trees become: a program for a machine with a stack, which guests run with awk and previews in TypeScript
 * (`machine.ts`). An instruction is a line, its words separated by a space. Jumps go forward only, so every program ends,
 * and can be run while it is read.
 *
 * | instruction | what it does |
 * |---|---|
 * | `text TEXT` | appends text to the result |
 * | `put [WIDTH [x]]` | takes a number, and appends it, with zeros up to the width, in hex |
 * | `put-text` | takes text, and appends it |
 * | `push N`, `quote TEXT` | puts a number or text on the stack |
 * | `push-id [ID]`, `push-instance [ID]` | the id, or its number; ID is an identifier in full, else it is the machine's own |
 * | `push-bytes FROM TO [ID]` | bytes as a number |
 * | `push-hash MODULO [ID]` | the first 48 bits of the hash |
 * | `negate`, `+`, `-`, `*`, `/`, `%` | takes one or two numbers, puts the result |
 * | `==`, `!=`, `<`, `<=`, `>`, `>=` | takes two numbers, puts 1 or 0 |
 * | `same`, `differs` | takes two texts, puts 1 or 0 |
 * | `unless N` | takes a number, and leaves out N instructions if it is 0 |
 * | `jump N` | leaves out N instructions |
 * | `select` | takes a number: what the following rows are compared with |
 * | `select-id` | the same of the hash of the machine's own id, and of its instance where it has one |
 * | `row N KEY ...` | leaves out N instructions unless a key is the one selected: 64 characters are a hash, fewer a number |
 * | `range N FROM TO` | leaves out N instructions unless the number selected is from FROM to TO |
 * | `fail TEXT` | ends in an error about what was selected |
 */
import { type Format, isComparison, type Piece, type Tree, typeOf } from "./syntax";

/** Its words; the last one may have spaces in it. */
export type Instruction = readonly [operation: string, ...words: string[]];

export type Program = ReadonlyArray<Instruction>;

export function compileTemplate(pieces: ReadonlyArray<Piece>): Program {
	return pieces.flatMap((piece): Program => {
		if ("text" in piece) return [["text", piece.text]];
		const put: Instruction = typeOf(piece.tree) === "text" ? ["put-text"] : ["put", ...formatWords(piece.format)];
		return [...compileTree(piece.tree), put];
	});
}

export function compileTree(tree: Tree): Program {
	switch (tree.op) {
		case "literal":
			return [["push", String(tree.value)]];
		case "quoted":
			return [["quote", tree.value]];
		case "id":
		case "instance":
			return [[`push-${tree.op}`, ...about(tree.of)]];
		case "bytes":
			return [["push-bytes", String(tree.from), String(tree.to), ...about(tree.of)]];
		case "hash":
			return [["push-hash", String(tree.modulo), ...about(tree.of)]];
		case "negate":
			return [...compileTree(tree.operand), ["negate"]];
		case "choose": {
			const whenTrue = compileTree(tree.whenTrue);
			const whenFalse = compileTree(tree.whenFalse);
			return [...compileTree(tree.condition), ...ifElse(whenTrue, whenFalse)];
		}
		default:
			return [...compileTree(tree.left), ...compileTree(tree.right), [operation(tree.op, typeOf(tree.left))]];
	}
}

function ifElse(whenTrue: Program, whenFalse: Program): Program {
	return [["unless", String(whenTrue.length + 1)], ...whenTrue, ["jump", String(whenFalse.length)], ...whenFalse];
}

function operation(op: string, operands: string): string {
	if (operands !== "text" || !isComparison(op)) return op;
	return op === "==" ? "same" : "differs";
}

function formatWords(format: Format | undefined): string[] {
	if (format === undefined) return [];
	return [String(format.width), ...(format.hex ? ["x"] : [])];
}

function about(of: string | undefined): string[] {
	return of === undefined ? [] : [of];
}
