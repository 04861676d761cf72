/** Says in words what a schema allows, for the second half of an error message. */
import type { z } from "zod";
import { didYouMean } from "./suggestion";

type Path = ReadonlyArray<PropertyKey>;

/** Structural view of zod's definitions: its classes are not exported in a form that can be switched over. */
interface Definition {
	type: string;
	innerType?: z.ZodType;
	in?: z.ZodType;
	element?: z.ZodType;
	valueType?: z.ZodType;
	shape?: Record<string, z.ZodType>;
	options?: z.ZodType[];
	entries?: Record<string, string>;
	values?: unknown[];
	defaultValue?: unknown;
	checks?: Array<{ _zod: { def: CheckDefinition } }>;
	format?: string;
	error?: (issue: object) => unknown;
}

interface CheckDefinition {
	check: string;
	value?: number;
	inclusive?: boolean;
	minimum?: number;
	maximum?: number;
	error?: (issue: object) => unknown;
}

export function definitionOf(schema: z.ZodType): Definition {
	return schema._zod.def as unknown as Definition;
}

/** Marks a property that the resource classes compute. */
export function computed<Schema extends z.ZodType>(schema: Schema): Schema {
	return schema.meta({ computed: true }) as Schema;
}

/** Whether nobody types it. */
export function isComputed(schema: z.ZodType): boolean {
	return schema.meta()?.computed === true;
}

/** The schema without what only says that it may be absent or is converted afterwards. */
export function innermost(schema: z.ZodType): z.ZodType {
	const { innerType, in: input } = definitionOf(schema);
	const inner = innerType ?? input;
	return inner === undefined ? schema : innermost(inner);
}

/** The schema of the value at a path; undefined where the path leaves the schema. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
	const inner = innermost(schema);
	const [step, ...rest] = path;
	if (step === undefined) return inner;
	const { shape, element, valueType, options } = definitionOf(inner);
	if (options) {
		for (const option of options) {
			const found = schemaAt(option, path);
			if (found) return found;
		}
		return undefined;
	}
	const next = shape ? shape[String(step)] : typeof step === "number" ? element : valueType;
	return next && schemaAt(next, rest);
}

/** "allowed is a whole number from 1 to 1024": without the full stop, to be put after the value got. */
export function allowedBy(schema: z.ZodType, got?: unknown): string {
	const inner = innermost(schema);
	const { type, entries, values } = definitionOf(inner);
	if (type === "enum" || type === "literal") {
		const choices = (entries ? Object.values(entries) : (values ?? [])).map((value) => JSON.stringify(value));
		const text = choices.length === 1 ? `allowed is ${choices[0]}` : `allowed are ${listed(choices, "and")}`;
		return text + (typeof got === "string" && entries ? didYouMean(got, Object.values(entries)) : "");
	}
	return ownText(inner) ?? `allowed is ${kindOf(inner)}`;
}

function keysOf(schema: z.ZodType): string[] {
	const { shape, options } = definitionOf(innermost(schema));
	return shape ? writable(shape) : (options ?? []).flatMap(keysOf);
}

/** Names of the properties that a user may write. */
function writable(shape: Record<string, z.ZodType>): string[] {
	return Object.keys(shape).filter((key) => !isComputed(shape[key]!));
}

/** "allowed is text of at most 253 characters". */
export function allowedLength(schema: z.ZodType): string {
	return `allowed is text${lengthOf(innermost(schema))}`;
}

/** What a choice says itself, or a text schema in the most specific of its checks. */
function ownText(schema: z.ZodType): string | undefined {
	const { type, error } = definitionOf(schema);
	const own = type === "union" ? error?.({}) : undefined;
	if (typeof own === "string") return own;
	if (type !== "string") return undefined;
	const texts = checksOf(schema).map((check) => (check.check === "string_format" ? check.error?.({}) : undefined));
	return texts.findLast((text): text is string => typeof text === "string" && text.startsWith("allowed"));
}

/** "there is no such property; allowed are a, b and c". */
export function misspelt(schema: z.ZodType, key: string): string {
	const known = keysOf(schema);
	const guess = didYouMean(key, known);
	return `there is no such property${guess || `; allowed are ${listed(known, "and")}`}`;
}

/** What a value has to be, as a noun. */
function kindOf(schema: z.ZodType): string {
	const inner = innermost(schema);
	const { type, options, shape, entries, values } = definitionOf(inner);
	switch (type) {
		case "string":
			return `text${lengthOf(inner)}`;
		case "number":
			return numberOf(inner);
		case "boolean":
			return "true or false";
		case "array":
			return `a list${lengthOf(inner, "entries")}`;
		case "object":
			return groupOf(writable(shape ?? {}));
		case "record":
			return "a group of names with a value each";
		case "union":
			return listed((options ?? []).map(kindOf), "or");
		case "enum":
		case "literal":
			return listed(
				(entries ? Object.values(entries) : (values ?? [])).map((value) => JSON.stringify(value)),
				"or",
			);
		default:
			return type;
	}
}

function groupOf(properties: ReadonlyArray<string>): string {
	return properties.length === 0 ? "a group of properties" : `a group of properties (${listed(properties, "and")})`;
}

function numberOf(schema: z.ZodType): string {
	const checks = checksOf(schema);
	const noun = definitionOf(schema).format === "safeint" ? "a whole number" : "a number";
	const above = checks.filter((check) => check.check === "greater_than").at(-1);
	const below = checks.filter((check) => check.check === "less_than").at(-1);
	const from = above && (above.inclusive ? `from ${above.value}` : `above ${above.value}`);
	const to = below && (below.inclusive ? `${from ? "to" : "up to"} ${below.value}` : `below ${below.value}`);
	return [noun, from && to && !above.inclusive ? `${from} and up` : from, to].filter(Boolean).join(" ");
}

function lengthOf(schema: z.ZodType, unit = "characters"): string {
	const checks = checksOf(schema);
	const minimum = checks.find((check) => check.check === "min_length")?.minimum;
	const maximum = checks.find((check) => check.check === "max_length")?.maximum;
	if (minimum !== undefined && maximum !== undefined) return ` of ${minimum} to ${maximum} ${unit}`;
	if (maximum !== undefined) return ` of at most ${maximum} ${unit}`;
	if (minimum === undefined) return "";
	return minimum === 1 && unit === "characters" ? " that is not empty" : ` of at least ${minimum} ${unit}`;
}

function checksOf(schema: z.ZodType): CheckDefinition[] {
	return (definitionOf(schema).checks ?? []).map((check) => check._zod.def);
}

export function listed(words: ReadonlyArray<string>, last: "and" | "or"): string {
	if (words.length < 2) return words.join("");
	return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
