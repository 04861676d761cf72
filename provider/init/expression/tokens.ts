/** The words of an expression, one at a time: inside a template only the parser knows where the expression ends. */
import { shown } from "../../problems";

export interface Token {
	kind: "number" | "word" | "text" | "symbol" | "end";
	/** As it is written; of a text what is between the quotes. */
	text: string;
	/** Where it starts and where the next one may: offsets in the source. */
	at: number;
	end: number;
}

/** What is wrong with an expression or a template. The message says where, what is there, and what is allowed. */
export class SyntaxProblem extends Error {}

const SPACES = / */y;
const TOKENS: ReadonlyArray<readonly [Token["kind"], RegExp]> = [
	["number", /\d+/y],
	["word", /[A-Za-z_][A-Za-z0-9_]*/y],
	["text", /"[^"]*"|'[^']*'/y],
	["symbol", /==|!=|<=|>=|[-+*/%()<>?:,}]/y],
];
const ALLOWED =
	'allowed are numbers, text in quotes, instance, id, byte(), number(), hash(), + - * / %, comparisons, "condition ? value : value" and parentheses';

/** @throws SyntaxProblem when what is there is no part of an expression */
export function tokenAt(source: string, offset: number): Token {
	const at = offset + match(SPACES, source, offset)!.length;
	if (at === source.length) return { kind: "end", text: "", at, end: at };
	for (const [kind, pattern] of TOKENS) {
		const found = match(pattern, source, at);
		if (found === undefined) continue;
		return { kind, text: kind === "text" ? found.slice(1, -1) : found, at, end: at + found.length };
	}
	const character = String.fromCodePoint(source.codePointAt(at)!);
	if (character === '"' || character === "'") {
		throw problemAt(source, at, `is a ${character} that nothing closes; allowed is text between two of them`);
	}
	throw problemAt(source, at, `is ${shown(character)}; ${ALLOWED}`);
}

/** A token for an error message. */
export function written(token: Token): string {
	return token.kind === "end" ? "the end" : shown(token.text);
}

/** @param clause after the place: `is "}"; allowed is a number` */
export function problemAt(source: string, offset: number, clause: string): SyntaxProblem {
	return new SyntaxProblem(`character ${[...source.slice(0, offset)].length + 1} ${clause}`);
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
	pattern.lastIndex = at;
	return pattern.exec(source)?.[0];
}
