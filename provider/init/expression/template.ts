/**
 * Templates: text with expressions in braces, as in `web-{instance + 1:02}`. Two braces stand for one: `{{` and `}}`.
 *
 * After the colon is how a number is written: `02` with zeros before it up to two characters, `x` in hex, `02x` both.
 */
import { shown } from "../../problems";
import { parseExpression } from "./parser";
import { type Format, type Piece, typeOf } from "./syntax";
import { problemAt, SyntaxProblem, written } from "./tokens";

export const LONGEST_SOURCE = 1024;

const FORMAT = /^(?=.)(?:0([1-9]\d?))?(x?)$/;
const WIDEST = 64;

/** @throws SyntaxProblem whose message is a clause after "got ..." */
export function parseTemplate(source: string): Piece[] {
	checkSource(source);
	const pieces: Piece[] = [];
	let text = "";
	let offset = 0;
	while (offset < source.length) {
		const two = source.slice(offset, offset + 2);
		if (two === "{{" || two === "}}") {
			text += two[0];
			offset += 2;
		} else if (source[offset] === "}") {
			throw problemAt(source, offset, 'is "}" without a "{" before it; allowed is }} for a brace');
		} else if (source[offset] === "{") {
			if (text !== "") pieces.push({ text });
			text = "";
			const { piece, end } = parsePiece(source, offset + 1);
			pieces.push(piece);
			offset = end;
		} else {
			text += source[offset];
			offset++;
		}
	}
	if (text !== "") pieces.push({ text });
	return pieces;
}

/** @throws SyntaxProblem for text that no expression or template can have */
export function checkSource(source: string): void {
	if (source.length > LONGEST_SOURCE) {
		throw new SyntaxProblem(`has ${source.length} characters; allowed are at most ${LONGEST_SOURCE}`);
	}
	const bad = /\p{Cc}|\p{Surrogate}/u.exec(source);
	if (bad) throw problemAt(source, bad.index, "is a control character, or half of one; allowed is text on one line");
}

function parsePiece(source: string, start: number): { piece: Piece; end: number } {
	const { tree, next } = parseExpression(source, start);
	const close = next.kind === "symbol" && next.text === ":" ? source.indexOf("}", next.end) : next.at;
	if (close === -1 || source[close] !== "}") {
		throw problemAt(source, next.at, `is ${written(next)}; allowed is an operator, ":" and a format, or "}"`);
	}
	if (close === next.at) return { piece: { tree }, end: close + 1 };
	const format = formatOf(source, next.end, close);
	if (typeOf(tree) !== "number") {
		throw problemAt(source, next.at, "is a format after text; allowed are formats of numbers");
	}
	return { piece: { tree, format }, end: close + 1 };
}

function formatOf(source: string, start: number, end: number): Format {
	const text = source.slice(start, end);
	const found = FORMAT.exec(text);
	const width = Number(found?.[1] ?? 0);
	if (found && width <= WIDEST) return { width, hex: found[2] === "x" };
	throw problemAt(
		source,
		start,
		`is the format ${shown(text)}; allowed are 0 and a width from 1 to ${WIDEST}, x for hex, or both, such as 02, x and 02x`,
	);
}
