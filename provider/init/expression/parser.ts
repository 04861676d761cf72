/**
 * From the text of an expression to its tree:
 *
 *     expression = sum [comparison sum] ["?" expression ":" expression]
 *     sum        = product {("+" | "-") product}
 *     product    = factor {("*" | "/" | "%") factor}
 *     factor     = "-" factor | "(" expression ")" | number | text in quotes | call
 *     call       = "instance" | "id" | "byte(n)" | "number(from, to)" | "hash(m)", each with an identifier as last argument
 */
import { type Call, callOf, isCall } from "./calls";
import { type Arithmetic, DEEPEST, isComparison, LARGEST, type Tree, type Type, typeOf } from "./syntax";
import { problemAt, SyntaxProblem, type Token, tokenAt, written } from "./tokens";

const VALUE = 'a number, text in quotes, instance, id, byte(), number(), hash(), "-" or "("';
const NAMES: Record<Type, string> = { number: "a number", text: "text", comparison: "a comparison" };

/**
 * @param offset where the expression starts in the source
 * @returns its tree, and the token after it
 * @throws SyntaxProblem
 */
export function parseExpression(source: string, offset = 0): { tree: Tree; next: Token } {
	const parser = new Parser(source, offset);
	const tree = parser.value(0);
	return { tree, next: parser.next };
}

/**
 * An expression that stands alone, and is a number.
 *
 * @throws SyntaxProblem
 */
export function parseNumber(source: string): Tree {
	const { tree, next } = parseExpression(source);
	if (next.kind !== "end") {
		throw problemAt(source, next.at, `is ${written(next)}; allowed is an operator, or the end of the expression`);
	}
	if (typeOf(tree) === "number") return tree;
	throw new SyntaxProblem("the expression is text; allowed is a number");
}

class Parser {
	next: Token;

	constructor(
		private readonly source: string,
		offset: number,
	) {
		this.next = tokenAt(source, offset);
	}

	value(depth: number): Tree {
		const start = this.next;
		const tree = this.expression(depth);
		if (typeOf(tree) !== "comparison") return tree;
		throw this.refuse(start, "is a comparison; allowed is a number or text: go on with ? and two values");
	}

	private expression(depth: number): Tree {
		this.checkDepth(this.next, depth);
		const start = this.next;
		const condition = this.comparison(depth);
		if (!this.isAt("?")) return condition;
		const type = typeOf(condition);
		if (type !== "comparison") {
			throw this.refuse(start, `is ${NAMES[type]}; allowed is a comparison before ?, such as instance % 2 == 0`);
		}
		this.take();
		const whenTrue = this.value(depth + 1);
		this.expect(":", '":" and the value for when the comparison does not hold');
		const second = this.next;
		const whenFalse = this.value(depth + 1);
		const [first, other] = [typeOf(whenTrue), typeOf(whenFalse)];
		if (first === other) return { op: "choose", condition, whenTrue, whenFalse };
		throw this.refuse(second, `is ${NAMES[other]}; allowed is ${NAMES[first]}, as before the ":"`);
	}

	private comparison(depth: number): Tree {
		const left = this.sum(depth);
		const operator = this.next;
		if (operator.kind !== "symbol" || !isComparison(operator.text)) return left;
		this.take();
		const right = this.sum(depth);
		const [first, second] = [typeOf(left), typeOf(right)];
		const isTextual = operator.text === "==" || operator.text === "!=";
		if (first === second && (first === "number" || (first === "text" && isTextual))) {
			return { op: operator.text, left, right };
		}
		throw this.refuse(
			operator,
			`is ${written(operator)} between ${NAMES[first]} and ${NAMES[second]}; ` +
				"allowed are comparisons of two numbers, and == and != of two texts",
		);
	}

	private sum(depth: number): Tree {
		return this.chain(["+", "-"], () => this.chain(["*", "/", "%"], () => this.factor(depth)));
	}

	private chain(operators: ReadonlyArray<Arithmetic>, operand: () => Tree): Tree {
		let left = operand();
		for (;;) {
			const operator = this.next;
			const op = operators.find((each) => this.isAt(each));
			if (op === undefined) return left;
			this.take();
			const right = operand();
			for (const side of [left, right]) this.checkOperand(operator, side);
			left = { op, left, right };
		}
	}

	private factor(depth: number): Tree {
		const token = this.take();
		if (token.kind === "number") return { op: "literal", value: this.wholeNumber(token) };
		if (token.kind === "text") return { op: "quoted", value: token.text };
		if (token.kind === "word") return this.call(token);
		if (token.kind === "symbol" && token.text === "-") {
			this.checkDepth(token, depth + 1);
			const operand = this.factor(depth + 1);
			this.checkOperand(token, operand);
			return { op: "negate", operand };
		}
		if (token.kind === "symbol" && token.text === "(") {
			const inner = this.expression(depth + 1);
			this.expect(")", 'an operator or ")"');
			return inner;
		}
		throw this.refuse(token, `is ${written(token)}; allowed is ${VALUE}`);
	}

	private call(name: Token): Tree {
		if (!isCall(name.text)) throw this.refuse(name, `is ${written(name)}; allowed is ${VALUE}`);
		const values: Call["values"] = [];
		if (this.isAt("(")) {
			this.take();
			while (!this.isAt(")")) {
				if (values.length > 0) this.expect(",", '"," or ")"');
				values.push(this.argument());
			}
			this.take();
		}
		try {
			return callOf({ name: name.text, values });
		} catch (error) {
			throw error instanceof SyntaxProblem ? this.refuse(name, error.message) : error;
		}
	}

	/** Fixed: what a call asks for can be told without running it. */
	private argument(): number | string {
		const isNegative = this.isAt("-");
		if (isNegative) this.take();
		const token = this.take();
		if (token.kind === "number") return isNegative ? -this.wholeNumber(token) : this.wholeNumber(token);
		if (token.kind === "text" && !isNegative) return token.text;
		throw this.refuse(token, `is ${written(token)}; allowed is a number, or an identifier in quotes, such as "uuid"`);
	}

	private wholeNumber(token: Token): number {
		if (token.text.length > 1 && token.text.startsWith("0")) {
			throw this.refuse(token, `is ${written(token)}; allowed are numbers without zeros before them`);
		}
		const value = Number(token.text);
		if (value <= LARGEST) return value;
		throw this.refuse(token, `is ${written(token)}; allowed are numbers up to ${LARGEST}`);
	}

	private checkOperand(operator: Token, operand: Tree): void {
		const type = typeOf(operand);
		if (type === "number") return;
		throw this.refuse(operator, `is ${written(operator)} with ${NAMES[type]}; allowed are numbers`);
	}

	private checkDepth(token: Token, depth: number): void {
		if (depth <= DEEPEST) return;
		throw this.refuse(
			token,
			`is nested too deep; allowed are at most ${DEEPEST} parentheses, minus signs and choices in one another`,
		);
	}

	private isAt(symbol: string): boolean {
		return this.next.kind === "symbol" && this.next.text === symbol;
	}

	private take(): Token {
		const token = this.next;
		// The last brace ends the expression: what follows it is no expression's.
		if (token.kind !== "symbol" || token.text !== "}") this.next = tokenAt(this.source, token.end);
		return token;
	}

	private expect(symbol: string, allowed: string): void {
		if (!this.isAt(symbol)) throw this.refuse(this.next, `is ${written(this.next)}; allowed is ${allowed}`);
		this.take();
	}

	private refuse(token: Token, clause: string): SyntaxProblem {
		return problemAt(this.source, token.at, clause);
	}
}
