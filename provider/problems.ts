/**
 * Validation of inputs: the schema's complaints as a list of problems, each naming the property, the value got and what
 * is allowed. Values that are not known yet are neither complained about nor normalised.
 */
import type { z } from "zod";
import { InputError, type Rule } from "./lifecycle";
import { hasUnknown } from "./unknown";

export interface Problem {
	/** Path of the property, such as `disks[0].bus`. */
	property: string;
	message: string;
}

export interface Validated<Inputs> {
	/** The inputs with defaults filled in; as given where something in a property is unknown. */
	inputs: Inputs;
	problems: Problem[];
}

type Path = ReadonlyArray<PropertyKey>;

/**
 * @param sensitive top-level inputs whose values are not repeated in a message
 */
export function validate<Inputs extends object>(
	schema: z.ZodType<Inputs>,
	given: Record<string, unknown>,
	rules: ReadonlyArray<Rule<Inputs>> = [],
	sensitive: ReadonlyArray<string> = [],
): Validated<Inputs> {
	const parsed = schema.safeParse(given);
	const problems = parsed.success ? [] : complaints(parsed.error.issues, given, sensitive);
	const inputs = parsed.success ? parsed.data : normaliseKnown(schema, given);
	if (problems.length === 0) problems.push(...brokenRules(rules, inputs));
	return { inputs, problems };
}

/** Throws one `InputError` that lists all problems; for callers that are not the engine's `check`. */
export function refuse(what: string, problems: Problem[]): void {
	if (problems.length === 0) return;
	const lines = problems.map((problem) => `${problem.property}: ${problem.message}`);
	throw new InputError(
		problems[0]!.property,
		`${what}: ${lines.length === 1 ? lines[0] : "\n  " + lines.join("\n  ")}`,
	);
}

function complaints(issues: z.core.$ZodIssue[], given: unknown, sensitive: ReadonlyArray<string>): Problem[] {
	return issues.flatMap((issue) => {
		if (issue.code === "unrecognized_keys") {
			return issue.keys.map((key) => ({
				property: propertyName([...issue.path, key]),
				message: "there is no such property (misspelt?)",
			}));
		}
		const value = valueAt(given, issue.path);
		if (hasUnknown(value)) return [];
		if (value === undefined) return [{ property: propertyName(issue.path), message: `is required; ${issue.message}` }];
		const hidden = sensitive.includes(String(issue.path[0]));
		return [
			{ property: propertyName(issue.path), message: hidden ? issue.message : `got ${shown(value)}; ${issue.message}` },
		];
	});
}

/** Parses what is known of each property and keeps the rest as it is. */
function normaliseKnown<Inputs extends object>(schema: z.ZodType<Inputs>, given: Record<string, unknown>): Inputs {
	const known: Record<string, unknown> = {};
	const rest: Record<string, unknown> = {};
	for (const [key, value] of Object.entries(given)) {
		if (hasUnknown(value)) rest[key] = value;
		else known[key] = value;
	}
	const shape = (schema as unknown as z.ZodObject).shape;
	const parsed = (schema as unknown as z.ZodObject).partial().safeParse(known);
	// A partial object does not fill in the defaults of absent properties: each is asked for its own.
	const defaults: Record<string, unknown> = {};
	for (const [key, property] of Object.entries(shape)) {
		if (key in given) continue;
		const own = (property as z.ZodType).safeParse(undefined);
		if (own.success && own.data !== undefined) defaults[key] = own.data;
	}
	return { ...defaults, ...(parsed.success ? parsed.data : known), ...rest } as Inputs;
}

function brokenRules<Inputs extends object>(rules: ReadonlyArray<Rule<Inputs>>, inputs: Inputs): Problem[] {
	return rules.flatMap((rule) => {
		if (rule.needs.some((property) => hasUnknown(inputs[property]))) return [];
		const message = rule.check(inputs);
		return message === undefined ? [] : [{ property: rule.property, message }];
	});
}

function valueAt(given: unknown, path: Path): unknown {
	let value = given;
	for (const step of path) {
		if (value === null || typeof value !== "object") return value;
		value = (value as Record<PropertyKey, unknown>)[step];
	}
	return value;
}

export function propertyName(path: Path): string {
	return path
		.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${String(step)}`))
		.join("");
}

/** A value for an error message: short, on one line. */
export function shown(value: unknown): string {
	const text = JSON.stringify(value) ?? String(value);
	return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}
