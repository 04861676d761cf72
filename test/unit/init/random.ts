/** Random machines, trees and templates, and how a user would write them. */
import fc from "fast-check";
import type { Subject } from "../../../provider/init/expression/machine";
import { type Format, isComparison, type Piece, type Tree } from "../../../provider/init/expression/syntax";

const mac = fc.stringMatching(/^52:54(:[0-9a-f]{2}){4}$/);
const uuid = fc.uuid();
const serial = fc.oneof(
	fc.stringMatching(/^[a-zA-Z -]{1,6}[0-9]{0,18}$/),
	fc.constantFrom("0", "007", "é–7", "{1}", "no number ", "12 a"),
);
const tpm = fc.stringMatching(/^[0-9a-f]{64}$/);

/** Not all machines have all of them. */
const hardware = fc.record(
	{ "mac 0": mac, "mac 1": mac, uuid, serial, "oem c=": serial, "disk-serial 2": serial, tpm },
	{ requiredKeys: ["mac 0", "uuid"] },
);

const IDS = ["mac 0", "mac 1", "uuid", "serial", "oem c=", "disk-serial 2", "tpm"];
const identifier = fc.oneof(
	{ weight: 3, arbitrary: fc.constantFrom(["mac 0"], ["uuid"]) },
	{ weight: 2, arbitrary: fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: 3 }) },
);

export const subject: fc.Arbitrary<Subject> = fc.record({ identifier, hardware });

const of = fc.option(fc.constantFrom(...IDS), { nil: undefined, freq: 5 });
const MOST = Number.MAX_SAFE_INTEGER;
const literal = fc.oneof(
	fc.nat(9),
	fc.nat(300),
	fc.maxSafeNat(),
	fc.integer({ min: MOST - 3, max: MOST }),
	fc.integer({ min: 94_906_260, max: 94_906_270 }),
);
const place = fc.integer({ min: -8, max: 8 });
const span = fc.tuple(place, place).filter(([from, to]) => from < 0 !== to < 0 || (to >= from && to - from < 6));

const trees = fc.letrec<{ number: Tree; text: Tree; comparison: Tree }>((tie) => ({
	number: fc.oneof(
		{ maxDepth: 5, depthSize: "medium" },
		literal.map((value): Tree => ({ op: "literal", value })),
		of.map((id): Tree => ({ op: "instance", of: id })),
		fc.tuple(span, of).map(([[from, to], id]): Tree => ({ op: "bytes", from, to, of: id })),
		fc.tuple(fc.integer({ min: 1, max: 2 ** 48 }), of).map(([modulo, id]): Tree => ({ op: "hash", modulo, of: id })),
		tie("number").map((operand): Tree => ({ op: "negate", operand })),
		...(["+", "-", "*", "/", "%"] as const).map((op) =>
			fc.record({ op: fc.constant(op), left: tie("number"), right: tie("number") }),
		),
		fc.record({
			op: fc.constant("choose" as const),
			condition: tie("comparison"),
			whenTrue: tie("number"),
			whenFalse: tie("number"),
		}),
	),
	text: fc.oneof(
		{ maxDepth: 3 },
		fc.constantFrom("", "a", "server ", "ü}{:", "'").map((value): Tree => ({ op: "quoted", value })),
		of.map((id): Tree => ({ op: "id", of: id })),
		fc.record({
			op: fc.constant("choose" as const),
			condition: tie("comparison"),
			whenTrue: tie("text"),
			whenFalse: tie("text"),
		}),
	),
	comparison: fc.oneof(
		fc.record({
			op: fc.constantFrom("==", "!=", "<", "<=", ">", ">=" as const),
			left: tie("number"),
			right: tie("number"),
		}),
		fc.record({ op: fc.constantFrom("==", "!=" as const), left: tie("text"), right: tie("text") }),
	),
}));

export const numberTree = trees.number;

const format: fc.Arbitrary<Format | undefined> = fc.option(
	fc.record({ width: fc.nat(20), hex: fc.boolean() }).filter(({ width, hex }) => width > 0 || hex),
	{ nil: undefined },
);
const plainText = fc.oneof(
	fc.constantFrom("web-", " ", "{", "}", "{{", "end", "parameter x", "\\n %s ", "日本"),
	fc.nat(700).map((length) => "x".repeat(length)),
);

export const template: fc.Arbitrary<Piece[]> = fc.array(
	fc.oneof(
		{ weight: 2, arbitrary: plainText.map((text): Piece => ({ text })) },
		{ weight: 3, arbitrary: fc.record({ tree: trees.number, format }) },
		{ weight: 1, arbitrary: trees.text.map((tree): Piece => ({ tree })) },
	),
	{ maxLength: 3 },
);

/** As a user would write it; in parentheses only where it needs them. */
export function sourceOf(tree: Tree): string {
	return write(tree, 0);
}

export function templateSource(pieces: ReadonlyArray<Piece>): string {
	return pieces
		.map((piece) => {
			if ("text" in piece) return piece.text.replaceAll("{", "{{").replaceAll("}", "}}");
			const { width = 0, hex = false } = piece.format ?? {};
			const colon = piece.format ? `:${width > 0 ? `0${width}` : ""}${hex ? "x" : ""}` : "";
			return `{${sourceOf(piece.tree)}${colon}}`;
		})
		.join("");
}

/** @param binding how tightly what is around it binds: 0 a choice, 1 a comparison, 2 a sum, 3 a product, 4 a minus */
function write(tree: Tree, binding: number): string {
	const inner = (own: number, text: string): string => (own < binding ? `(${text})` : text);
	const call = (name: string, values: ReadonlyArray<number>, id?: string): string => {
		const words = [...values, ...(id === undefined ? [] : [`"${id}"`])];
		return words.length === 0 ? name : `${name}(${words.join(", ")})`;
	};
	switch (tree.op) {
		case "literal":
			return String(tree.value);
		case "quoted":
			return tree.value.includes("'") ? `"${tree.value}"` : `'${tree.value}'`;
		case "id":
		case "instance":
			return call(tree.op, [], tree.of);
		case "bytes":
			return tree.from === tree.to ? call("byte", [tree.from], tree.of) : call("number", [tree.from, tree.to], tree.of);
		case "hash":
			return call("hash", [tree.modulo], tree.of);
		case "negate":
			return inner(4, `-${write(tree.operand, 4)}`);
		case "choose":
			return inner(0, `${write(tree.condition, 1)} ? ${write(tree.whenTrue, 0)} : ${write(tree.whenFalse, 0)}`);
		default: {
			const own = isComparison(tree.op) ? 1 : tree.op === "+" || tree.op === "-" ? 2 : 3;
			return inner(
				own,
				`${write(tree.left, own === 1 ? 2 : own)}${own === 3 ? "" : " "}${tree.op} ${write(tree.right, own + 1)}`,
			);
		}
	}
}
