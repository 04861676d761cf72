/** What trees come to, by the tree and with numbers of any size: what programs are held against. */
import { createHash } from "node:crypto";
import type { Subject } from "../../../provider/init/expression/machine";
import type { Format, Piece, Tree } from "../../../provider/init/expression/syntax";

/** `undefined` stands for what only the machine can tell. */
export type Value = bigint | string | boolean;

export class Wrong extends Error {}

export class NotKnown extends Error {}

const LARGEST = 2n ** 53n - 1n;

export function treeValue(tree: Tree, subject: Subject): Value {
	const number = (operand: Tree): bigint => treeValue(operand, subject) as bigint;
	switch (tree.op) {
		case "literal":
			return BigInt(tree.value);
		case "quoted":
			return tree.value;
		case "id":
			return idOf(subject, tree.of);
		case "instance":
			return instanceOf(subject, tree.of);
		case "bytes":
			return bytesOf(subject, tree.from, tree.to, tree.of);
		case "hash": {
			const digest = createHash("sha256").update(idOf(subject, tree.of)).digest();
			return BigInt(digest.readUIntBE(0, 6)) % BigInt(tree.modulo);
		}
		case "negate":
			return -number(tree.operand);
		case "choose":
			return treeValue(treeValue(tree.condition, subject) ? tree.whenTrue : tree.whenFalse, subject);
		case "==":
			return treeValue(tree.left, subject) === treeValue(tree.right, subject);
		case "!=":
			return treeValue(tree.left, subject) !== treeValue(tree.right, subject);
		case "<":
			return number(tree.left) < number(tree.right);
		case "<=":
			return number(tree.left) <= number(tree.right);
		case ">":
			return number(tree.left) > number(tree.right);
		case ">=":
			return number(tree.left) >= number(tree.right);
		default: {
			const left = number(tree.left);
			const right = number(tree.right);
			const exact = arithmetic(tree.op, left, right);
			if (exact <= LARGEST && exact >= -LARGEST) return exact;
			throw new Wrong(`${left} ${tree.op} ${right} is beyond ${LARGEST}, the largest number allowed`);
		}
	}
}

function arithmetic(op: "+" | "-" | "*" | "/" | "%", left: bigint, right: bigint): bigint {
	if (op === "+") return left + right;
	if (op === "-") return left - right;
	if (op === "*") return left * right;
	if (right === 0n) throw new Wrong(`${left} ${op} 0 divides by zero`);
	const rest = ((left % right) + right) % right;
	return op === "%" ? rest : (left - rest) / right;
}

function known(subject: Subject, id: string): string {
	const value = subject.hardware[id];
	if (value !== undefined) return value;
	throw id === "tpm" ? new NotKnown(id) : new Wrong(`this machine has no ${id}`);
}

export function idOf(subject: Subject, of?: string): string {
	return (of === undefined ? subject.identifier : [of]).map((id) => known(subject, id)).join("/");
}

export function instanceOf(subject: Subject, of?: string): bigint {
	const ids = of === undefined ? subject.identifier : [of];
	for (const id of ids) {
		if (id === "tpm") continue;
		const value = known(subject, id);
		if (id.startsWith("mac ")) return BigInt(`0x${value.split(":").slice(4).join("")}`);
		if (id === "uuid") return BigInt(`0x${value.slice(-8)}`);
		const digits = value.match(/(\d*)$/)![1]!;
		if (digits !== "" && BigInt(digits) < 10n ** 15n) return BigInt(digits);
	}
	throw new Wrong(`${ids.join("/")} has no instance number`);
}

function bytesOf(subject: Subject, from: number, to: number, of?: string): bigint {
	const ids = of === undefined ? subject.identifier : [of];
	const id = ids.find((each) => /^(mac |uuid|tpm)/.test(each));
	if (id === undefined) throw new Wrong(`${ids.join("/")} has no bytes`);
	const all = [...Buffer.from(known(subject, id).replaceAll(/[:-]/g, ""), "hex")];
	for (const place of [from, to]) {
		if (all.at(place) === undefined) throw new Wrong(`${id} has ${all.length} bytes, and no byte ${place}`);
	}
	const [first, last] = [from, to].map((place) => (place + all.length) % all.length) as [number, number];
	const some = all.slice(first, last + 1);
	if (some.length >= 1 && some.length <= 6) return some.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
	throw new Wrong(`byte ${from} to byte ${to} of ${id} are ${some.length} bytes; allowed are 1 to 6`);
}

export function resultOf(pieces: ReadonlyArray<Piece>, subject: Subject): string {
	const text = pieces
		.map((piece) => {
			if ("text" in piece) return piece.text;
			const value = treeValue(piece.tree, subject);
			return typeof value === "bigint" ? formatted(value, piece.format) : String(value);
		})
		.join("");
	const bytes = Buffer.byteLength(text);
	if (bytes <= 1024) return text;
	throw new Wrong(`the value has ${bytes} bytes; allowed are at most 1024`);
}

function formatted(value: bigint, format: Format = { width: 0, hex: false }): string {
	if (format.hex && value < 0n) throw new Wrong(`${value} is below zero, which has no hexadecimal form`);
	const text = value.toString(format.hex ? 16 : 10);
	const zeros = "0".repeat(Math.max(0, format.width - text.length));
	return text.startsWith("-") ? `-${zeros}${text.slice(1)}` : zeros + text;
}
