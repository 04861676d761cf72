/**
 * Validation of inputs: the schema's complaints as a list of problems, each naming the property, the value got and what
 * is allowed. Values that are not known yet are neither complained about nor normalised.
 */
import type { z } from "zod";
import { allowedBy, allowedLength, misspelt, schemaAt } from "./allowed";
import { InputError, type Rule } from "./lifecycle";
import { overlaps } from "./secrets";
import { hasUnknown } from "./unknown";

export type Path = ReadonlyArray<PropertyKey>;

export interface Problem {
	/** Path of the property, such as `disks[0].bus`. */
	property: string;
	/** The same as a list of steps. */
	path: Path;
	/** What the complaint is about. @default "value" */
	about?: "key" | "value";
	message: string;
}

export interface Validated<Inputs> {
	/** The inputs with defaults filled in; as given where something in a property is unknown. */
	inputs: Inputs;
	problems: Problem[];
}

/**
 * @param sensitive inputs whose values are not repeated in a message
 * @param secret what the program has marked as a secret: a rule's complaint about it, which may cite a part of the value,
 *   is not repeated either
 */
export function validate<Inputs extends object>(
	schema: z.ZodType<Inputs>,
	given: Record<string, unknown>,
	rules: ReadonlyArray<Rule<Inputs>> = [],
	sensitive: ReadonlyArray<string> = [],
	secret: ReadonlyArray<Path> = [],
): Validated<Inputs> {
	const parsed = schema.safeParse(given, { error: () => GENERATED });
	const hidden = [...sensitive.map((name) => [name]), ...secret];
	const problems = parsed.success ? [] : firstOfEach(complaints(schema, parsed.error.issues, given, hidden));
	const inputs = parsed.success ? parsed.data : normaliseKnown(schema, given);
	if (problems.length === 0) problems.push(...brokenRules(rules, inputs, secret));
	return { inputs, problems };
}

/** Throws one `InputError` that lists all problems; for callers that are not the engine's `check`. */
export function refuse(what: string, problems: ReadonlyArray<Problem>): void {
	if (problems.length === 0) return;
	const lines = problems.map((problem) => `${problem.property}: ${problem.message}`);
	throw new InputError(
		problems[0]!.property,
		`${what}: ${lines.length === 1 ? lines[0] : "\n  " + lines.join("\n  ")}`,
	);
}

/** One value breaks several checks at once; the first says what matters. */
function firstOfEach(problems: ReadonlyArray<Problem>): Problem[] {
	return problems.filter(({ property }, index) => problems.findIndex((other) => other.property === property) === index);
}

/** Stands for "no text of its own" in a schema's complaint. */
const GENERATED = "";

function complaints(
	schema: z.ZodType,
	issues: ReadonlyArray<z.core.$ZodIssue>,
	given: unknown,
	sensitive: ReadonlyArray<Path>,
): Problem[] {
	return issues.flatMap((issue): Problem[] => {
		if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(schema, [...issue.path, key]));
		if (issue.code === "invalid_key") return issue.issues.slice(0, 1).map((own) => badKey(issue.path, own.message));
		const value = valueAt(given, issue.path);
		const deeper = issue.code === "invalid_union" ? likeliestOption(issue, value) : [];
		if (deeper.length > 0) return complaints(schema, deeper, given, sensitive);
		if (hasUnknown(value)) return [];
		const own = schemaAt(schema, issue.path) ?? schema;
		const allowed = isTelling(issue, own) ? issue.message : generated(issue, own, value);
		const hidden = sensitive.some((path) => overlaps(path, issue.path));
		const message =
			value === undefined
				? `is required; ${allowed}`
				: hidden
					? `got a value that is not shown; ${allowed}`
					: `got ${shown(value)}; ${allowed}`;
		return [{ property: propertyName(issue.path), path: issue.path, message }];
	});
}

function unknownKey(schema: z.ZodType, path: Path): Problem {
	const owner = schemaAt(schema, path.slice(0, -1)) ?? schema;
	return { property: propertyName(path), path, about: "key", message: misspelt(owner, String(path.at(-1))) };
}

function badKey(path: Path, allowed: string): Problem {
	return {
		property: propertyName(path),
		path,
		about: "key",
		message: `got the name ${shown(path.at(-1))}; ${allowed}`,
	};
}

/** Bounds are told together, both of them: a schema's own text covers only the one that was broken. */
function isTelling(issue: z.core.$ZodIssue, schema: z.ZodType): boolean {
	if (issue.message === GENERATED) return false;
	return schema._zod.def.type !== "number" || issue.code === "custom";
}

function generated(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string {
	const tooLong = issue.code === "too_big" && issue.origin === "string";
	return tooLong ? allowedLength(schema) : allowedBy(schema, value);
}

/** Of a choice of shapes, the complaints about the one that the value has the outline of. */
function likeliestOption(issue: z.core.$ZodIssueInvalidUnion, value: unknown): z.core.$ZodIssue[] {
	if (value === null || typeof value !== "object") return [];
	const fitting = issue.errors.filter((errors) =>
		errors.every(({ code, path }) => (code !== "invalid_type" && code !== "invalid_value") || path.length > 0),
	);
	const known = fitting.filter((errors) => errors.every(({ code }) => code !== "unrecognized_keys"));
	const [likeliest, ...others] = known.length === 1 ? known : fitting;
	if (!likeliest || others.length > 0) return [];
	return likeliest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
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

const HIDDEN_COMPLAINT =
	"is not acceptable. What is wrong with it is not shown, because it is a secret: try it with a value that is none";

function brokenRules<Inputs extends object>(
	rules: ReadonlyArray<Rule<Inputs>>,
	inputs: Inputs,
	secret: ReadonlyArray<Path>,
): Problem[] {
	return rules.flatMap((rule) => {
		if (rule.needs.some((property) => hasUnknown(inputs[property]))) return [];
		const message = rule.check(inputs);
		if (message === undefined) return [];
		const path = rule.property.split(".");
		const hidden = secret.some((steps) => steps.length <= path.length && overlaps(steps, path));
		return [{ property: rule.property, path, message: hidden ? HIDDEN_COMPLAINT : message }];
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

/** The steps of a name such as `disks[0].bus`. */
export function pathOf(name: string): Path {
	return [...name.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
		index === undefined ? key! : Number(index),
	);
}

/** A value for an error message: short, on one line. */
export function shown(value: unknown): string {
	// JSON has no word for these, and would say null.
	const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
	return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}
