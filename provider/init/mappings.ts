/** From what a user says of a parameter to its program, and all that is wrong with it. */
import { listed } from "../allowed";
import { checkRanges } from "../identity/number-ranges";
import { InputError } from "../lifecycle";
import { type Path, type Problem, propertyName, shown } from "../problems";
import { parseNumber } from "./expression/parser";
import { compileTemplate, compileTree, type Instruction, type Program } from "./expression/program";
import { checkSource, parseTemplate } from "./expression/template";
import { SyntaxProblem } from "./expression/tokens";
import { hashOf, possibleForms } from "./identifiers";
import { type LooseMapping, MOST_ROWS } from "./parameters-schema";

/** A row of a table, a list or ranges: what it is chosen by, and its value. */
interface Choice {
	/** Without how many instructions follow. */
	guard: (skip: number) => Instruction;
	value: Program;
}

export interface Compiled {
	program: Program;
	problems: Problem[];
}

/** @param path of the mapping, for the problems */
export function compileMapping(mapping: LooseMapping, path: Path): Compiled {
	const compiler = new MappingCompiler();
	const program = compiler.compile(mapping, path);
	return { program, problems: compiler.problems };
}

class MappingCompiler {
	readonly problems: Problem[] = [];

	compile(mapping: LooseMapping, path: Path): Program {
		if (typeof mapping === "string") return this.template(mapping, path);
		const kinds = (["table", "list", "ranges"] as const).filter((kind) => mapping[kind] !== undefined);
		if (kinds.length !== 1) {
			const got = kinds.length === 0 ? "none of table, list and ranges" : listed(kinds, "and");
			return this.refuse(path, `got ${got}; allowed is exactly one of table, list and ranges`);
		}
		const [kind] = kinds as ["table" | "list" | "ranges"];
		const foreign = kind === "list" ? "of" : "at";
		if (mapping[foreign] !== undefined) {
			const own = kind === "list" ? "at, the place in the list" : "of, the number that is looked up";
			this.refuse([...path, foreign], `got ${shown(mapping[foreign])} with ${kind}; allowed is ${own}`);
		}
		if (kind === "table") return this.table(mapping, path);
		if (kind === "list") return this.list(mapping, path);
		return this.ranges(mapping, path);
	}

	private table({ table = {}, of, default: fallback }: Exclude<LooseMapping, string>, path: Path): Program {
		const rows = Object.entries(table);
		if (rows.length === 0) {
			this.refuse([...path, "table"], "got a table without rows; allowed is one with at least one row");
		}
		if (rows.length > MOST_ROWS) {
			this.refuse([...path, "table"], `got ${rows.length} rows; allowed are at most ${MOST_ROWS}`);
		}
		const taken = new Map<string, string>();
		const choices = rows.map(([key, value]) => {
			const place = [...path, "table", key];
			const keys = of === undefined ? keysOf(key) : isWhole(key) ? [key] : [];
			if (keys.length === 0) {
				const allowed = of === undefined ? "an instance or an id" : 'a whole number, as there is "of"';
				this.refuse(place, `got the key ${shown(key)}; allowed is ${allowed}`, "key");
			}
			const clash = keys.map((each) => taken.get(each)).find((other) => other !== undefined);
			if (clash !== undefined) {
				this.refuse(
					place,
					`got the key ${shown(key)}, which is the same as ${shown(clash)}; allowed is one row`,
					"key",
				);
			}
			for (const each of keys) taken.set(each, key);
			return {
				byId: keys.some((each) => each.length === 64),
				guard: (skip: number): Instruction => ["row", String(skip), ...keys],
				value: this.template(value, place),
			};
		});
		const select: Program = of === undefined ? [["select-id"]] : [...this.number(of, [...path, "of"]), ["select"]];
		// Who is named goes before who is numbered.
		const inOrder = choices.toSorted((a, b) => Number(b.byId) - Number(a.byId));
		return this.choose(select, inOrder, fallback, path, "allowed are the keys of the table: add a row or a default");
	}

	private list({ list = [], at, default: fallback }: Exclude<LooseMapping, string>, path: Path): Program {
		const select = this.number(at ?? `instance % ${list.length}`, [...path, "at"]);
		const choices = list.map((value, index) => ({
			guard: (skip: number): Instruction => ["row", String(skip), String(index)],
			value: this.template(value, [...path, "list", index]),
		}));
		const wrong = `allowed are places in the list from 0 to ${list.length - 1}: add a default`;
		return this.choose([...select, ["select"]], choices, fallback, path, wrong);
	}

	private ranges({ ranges = [], of, default: fallback }: Exclude<LooseMapping, string>, path: Path): Program {
		try {
			checkRanges(
				ranges.map(({ from, to }, index) => ({
					first: BigInt(from),
					last: BigInt(to),
					text: `${from} to ${to}`,
					property: propertyName([...path, "ranges", index]),
				})),
				"number",
			);
		} catch (error) {
			if (!(error instanceof InputError)) throw error;
			const index = ranges.findIndex((_, each) => propertyName([...path, "ranges", each]) === error.property);
			this.refuse([...path, "ranges", index], error.message);
		}
		const select = this.number(of ?? "instance", [...path, "of"]);
		const choices = ranges.map(({ from, to, value }, index) => ({
			guard: (skip: number): Instruction => ["range", String(skip), String(from), String(to)],
			value: this.template(value, [...path, "ranges", index, "value"]),
		}));
		const wrong = "allowed are numbers in one of the ranges: add a range or a default";
		return this.choose([...select, ["select"]], choices, fallback, path, wrong);
	}

	private choose(
		select: Program,
		choices: ReadonlyArray<Choice>,
		fallback: string | undefined,
		path: Path,
		wrong: string,
	): Program {
		const last: Program = fallback === undefined ? [["fail", wrong]] : this.template(fallback, [...path, "default"]);
		// From the end, because each value jumps over all that follows it.
		let following = last.length;
		const backwards = choices.toReversed().map(({ guard, value }): Program => {
			const block: Program = [guard(value.length + 1), ...value, ["jump", String(following)]];
			following += block.length;
			return block;
		});
		return [...select, ...backwards.toReversed().flat(), ...last];
	}

	private template(source: string, path: Path): Program {
		return this.compiled(source, path, () => compileTemplate(parseTemplate(source)));
	}

	private number(source: string, path: Path): Program {
		return this.compiled(source, path, () => {
			checkSource(source);
			return compileTree(parseNumber(source));
		});
	}

	private compiled(source: string, path: Path, compile: () => Program): Program {
		try {
			return compile();
		} catch (error) {
			if (!(error instanceof SyntaxProblem)) throw error;
			return this.refuse(path, `got ${shown(source)}: ${error.message}`);
		}
	}

	private refuse(path: Path, message: string, about: Problem["about"] = "value"): Program {
		this.problems.push({ property: propertyName(path), path, about, message });
		return [];
	}
}

function isWhole(key: string): boolean {
	return /^(0|-?[1-9]\d*)$/.test(key) && Number.isSafeInteger(Number(key));
}

/** What a key of a table is stored as: an instance as it is, an id as the hash of each form that it can have. */
function keysOf(key: string): string[] {
	if (isWhole(key) && !key.startsWith("-")) return [key];
	if (key === "" || /\p{Cc}|\p{Surrogate}/u.test(key)) return [];
	return possibleForms(key).map(hashOf);
}
