/** Runs programs (`program.ts`) as `guest/init/parameters.awk` does: to the same text, or the same words of an error. */
import type { Hardware } from "../identifiers";
import { Failure, Ids, UnknownId } from "./ids";
import type { Instruction, Program } from "./program";
import { LARGEST } from "./syntax";

/** Of the result, in UTF-8. */
export const LONGEST_RESULT_BYTES = 1024;

const HASH_DIGITS = 64;

/** `unknown`: it depends on an id that only the machine itself can tell. */
export type Outcome = { value: string } | { error: string } | { unknown: true };

/** Whose parameters are computed. */
export interface Subject {
	/** Identifiers in full (`mac 0`), of which the machine's own id is made; several are a combination. */
	identifier: ReadonlyArray<string>;
	/** Its ids that are known. A TPM that is not among them is unknown; anything else that is not, the machine has not. */
	hardware: Hardware;
}

export function run(program: Program, { identifier, hardware }: Subject): Outcome {
	try {
		return { value: new Machine(new Ids(identifier, hardware)).run(program) };
	} catch (error) {
		if (error instanceof UnknownId) return { unknown: true };
		if (error instanceof Failure) return { error: error.message };
		throw error;
	}
}

class Machine {
	private readonly stack: Array<number | string> = [];
	private result = "";
	/** Absent where rows are compared with the machine's own id. */
	private selected: number | undefined;

	constructor(private readonly ids: Ids) {}

	run(program: Program): string {
		for (let place = 0; place < program.length; place++) place += this.step(program[place]!);
		const bytes = Buffer.byteLength(this.result);
		if (bytes <= LONGEST_RESULT_BYTES) return this.result;
		throw new Failure(`the value has ${bytes} bytes; allowed are at most ${LONGEST_RESULT_BYTES}`);
	}

	/** @returns how many of the following instructions are left out */
	private step([operation, first = "", ...rest]: Instruction): number {
		switch (operation) {
			case "text":
				this.result += first;
				return 0;
			case "put":
				this.result += formatted(this.number(), Number(first), rest[0] === "x");
				return 0;
			case "put-text":
				this.result += this.stack.pop();
				return 0;
			case "unless":
				return this.number() === 0 ? Number(first) : 0;
			case "jump":
				return Number(first);
			case "select":
				this.selected = this.number();
				return 0;
			case "select-id":
				this.selected = undefined;
				this.ids.checkOwn();
				return 0;
			case "row":
				return rest.some((key) => this.isSelected(key)) ? 0 : Number(first);
			case "range":
				return this.selected! >= Number(rest[0]) && this.selected! <= Number(rest[1]) ? 0 : Number(first);
			case "fail":
				throw new Failure(`got ${this.selected ?? this.ids.text()}; ${first}`);
			default:
				this.stack.push(this.computed(operation, first, rest));
				return 0;
		}
	}

	private isSelected(key: string): boolean {
		if (key.length === HASH_DIGITS) return key === this.ids.hash();
		return Number(key) === (this.selected ?? this.ids.instanceIfAny());
	}

	private computed(operation: string, first: string, rest: ReadonlyArray<string>): number | string {
		switch (operation) {
			case "push":
				return Number(first);
			case "quote":
				return first;
			case "push-id":
				return this.ids.text(first || undefined);
			case "push-instance":
				return this.ids.instance(first || undefined);
			case "push-bytes":
				return this.ids.bytes(Number(first), Number(rest[0]), rest[1]);
			case "push-hash":
				return Number.parseInt(this.ids.hash(rest[0]).slice(0, 12), 16) % Number(first);
			case "negate":
				return 0 - this.number();
			default: {
				const right = this.stack.pop()!;
				const left = this.stack.pop()!;
				return typeof left === "string" || typeof right === "string"
					? Number((left === right) === (operation === "same"))
					: binary(operation, left, right);
			}
		}
	}

	private number(): number {
		return Number(this.stack.pop());
	}
}

function binary(operation: string, left: number, right: number): number {
	switch (operation) {
		case "==":
			return Number(left === right);
		case "!=":
			return Number(left !== right);
		case "<":
			return Number(left < right);
		case "<=":
			return Number(left <= right);
		case ">":
			return Number(left > right);
		case ">=":
			return Number(left >= right);
		default:
			return arithmetic(operation, left, right);
	}
}

function arithmetic(operation: string, left: number, right: number): number {
	if ((operation === "/" || operation === "%") && right === 0) {
		throw new Failure(`${left} ${operation} 0 divides by zero`);
	}
	const result = operate(operation, left, right);
	if (Math.abs(result) > LARGEST) {
		throw new Failure(`${left} ${operation} ${right} is beyond ${LARGEST}, the largest number allowed`);
	}
	// There is no zero below zero.
	return result + 0;
}

function operate(operation: string, left: number, right: number): number {
	switch (operation) {
		case "+":
			return left + right;
		case "-":
			return left - right;
		case "*":
			return left * right;
		case "/":
			return divided(left, right).quotient;
		default:
			return divided(left, right).rest;
	}
}

/**
 * Rounded down. The division itself rounds, and away from zero at worst by one, which the rest tells: it has no more
 * digits than numbers can have, and is exact.
 */
function divided(left: number, right: number): { quotient: number; rest: number } {
	const quotient = Math.trunc(left / right);
	const rest = left - quotient * right;
	return rest !== 0 && rest < 0 !== right < 0 ? { quotient: quotient - 1, rest: rest + right } : { quotient, rest };
}

function formatted(value: number, width: number, isHex: boolean): string {
	if (isHex && value < 0) throw new Failure(`${value} is below zero, which has no hexadecimal form`);
	const digits = Math.abs(value).toString(isHex ? 16 : 10);
	return value < 0 ? `-${digits.padStart(width - 1, "0")}` : digits.padStart(width, "0");
}
