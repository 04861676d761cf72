/**
 * Parameters of machines: from what a user says of them (`parameters-schema.ts`) to programs for the guest, and to the
 * values that they will have there.
 */
import { z } from "zod";
import { InputError } from "../lifecycle";
import { type Problem, propertyName, validate } from "../problems";
import { type Outcome, run, type Subject } from "./expression/machine";
import type { Program } from "./expression/program";
import { compileMapping } from "./mappings";
import { MOST_PARAMETERS, type Parameters, parametersShape } from "./parameters-schema";

export type { Outcome, Subject } from "./expression/machine";

const LARGEST_PROGRAMS_BYTES = 1 << 20;

export interface CompiledParameters {
	/** By name, in the order in which they were given. */
	programs: ReadonlyMap<string, Program>;
	/** The file `parameters` of the plan in the guest. */
	text: string;
	/** Identifiers in full that the programs ask for beside the machine's own. */
	identifiers: ReadonlyArray<string>;
}

/**
 * Everything that is wrong with parameters.
 *
 * @param property of the parameters, for the problems: `parameters.role.ranges[1]`
 */
export function parameterProblems(given: unknown, property = "parameters"): Problem[] {
	return examine(given, property).problems;
}

/** @throws InputError that says all that is wrong */
export function compileParameters(given: Parameters, property = "parameters"): CompiledParameters {
	const { problems, compiled } = examine(given, property);
	if (compiled === undefined) {
		const [first, ...others] = problems;
		const more = others.map((problem) => `\n  ${problem.property}: ${problem.message}`);
		throw new InputError(first!.property, [first!.message, ...more].join(""));
	}
	return compiled;
}

/** What each parameter comes to on a machine, or why it comes to nothing. */
export function outcomes({ programs }: CompiledParameters, subject: Subject): Record<string, Outcome> {
	return Object.fromEntries([...programs].map(([name, program]) => [name, run(program, subject)]));
}

/**
 * The values on a machine.
 *
 * @returns by name; undefined where only the machine itself can tell, because of its TPM
 * @throws InputError about the first parameter that has no value there
 */
export function evaluate(
	compiled: CompiledParameters,
	subject: Subject,
	property = "parameters",
): Record<string, string | undefined> {
	return Object.fromEntries(
		Object.entries(outcomes(compiled, subject)).map(([name, outcome]) => {
			if ("error" in outcome) throw new InputError(`${property}.${name}`, outcome.error);
			return [name, "value" in outcome ? outcome.value : undefined];
		}),
	);
}

const SHAPE = z.strictObject({ parameters: parametersShape });

function examine(given: unknown, property: string): { problems: Problem[]; compiled?: CompiledParameters } {
	const { problems, inputs } = validate(SHAPE, { parameters: given });
	if (problems.length > 0) return { problems: problems.map((problem) => under(property, problem)) };
	const entries = Object.entries(inputs.parameters);
	if (entries.length > MOST_PARAMETERS) {
		return { problems: [whole(property, `got ${entries.length} parameters; allowed are at most ${MOST_PARAMETERS}`)] };
	}
	const results = entries.map(([name, mapping]) => ({ name, ...compileMapping(mapping, [property, name]) }));
	problems.push(...results.flatMap((result) => result.problems));
	if (problems.length > 0) return { problems };
	const text = results.map(({ name, program }) => written(name, program)).join("");
	const bytes = Buffer.byteLength(text);
	if (bytes > LARGEST_PROGRAMS_BYTES) {
		const message = `got parameters that take ${bytes} bytes in the image; allowed are at most ${LARGEST_PROGRAMS_BYTES}: shorten tables, lists or ranges`;
		return { problems: [whole(property, message)] };
	}
	const programs = new Map(results.map(({ name, program }) => [name, program]));
	return { problems, compiled: { programs, text, identifiers: identifiersIn([...programs.values()].flat()) } };
}

function under(property: string, problem: Problem): Problem {
	const path = [property, ...problem.path.slice(1)];
	return { ...problem, path, property: propertyName(path) };
}

function whole(property: string, message: string): Problem {
	return { property, path: [property], message };
}

function written(name: string, program: Program): string {
	return [["parameter", name], ...program, ["end"]].map((words) => `${words.join(" ")}\n`).join("");
}

/** How many words there are before the identifier. */
const WORDS_BEFORE: Record<string, number> = { "push-id": 1, "push-instance": 1, "push-hash": 2, "push-bytes": 3 };

function identifiersIn(program: Program): string[] {
	return [...new Set(program.flatMap((words) => words[WORDS_BEFORE[words[0]] ?? words.length] ?? []))];
}
