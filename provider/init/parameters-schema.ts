/** The user's side of parameters: what each is made of, and the limits. */
import { z } from "zod";

/**
 * Text with expressions in braces, such as `web-{instance + 1:02}` or `10.0.{byte(-2)}.{byte(-1)}`; `{{` and `}}` stand for
 * braces. At most 1024 characters, and so many bytes once they are computed. In an expression there are
 *
 * - `instance`: the number that the machine's id carries: its clone's number
 * - `byte(n)`, `number(from, to)`: one byte, or up to 6 as one number; 0 is the first, -1 the last
 * - `hash(m)`: a number below m, spread evenly over the ids
 * - `id`: the id itself
 * - `"text"`, whole numbers, `+ - * / %` (`/` rounds down), parentheses, and `condition ? value : value`, where the
 *   condition compares with `== != < <= > >=`
 *
 * Each of the first four can be asked of another identifier than the machine's own: `instance("uuid")`, `byte(-1, "mac 1")`.
 * After a colon is how a number is written: `02` (zeros before it), `x` (hex), `02x`.
 */
export type ParameterTemplate = string;

/** Looks a value up. */
export interface TableParameter {
	/**
	 * Templates by instance (`"0"`) or by id (`"52:54:00:10:00:01"`; in the guest only its hash is kept). An id goes before
	 * an instance.
	 */
	table: Record<string, ParameterTemplate>;
	/** Look this number up instead, an expression such as `byte(-1)`: all keys are numbers then. */
	of?: string | undefined;
	/** For what is in no row. @default an error */
	default?: ParameterTemplate | undefined;
}

/** Deals values out. */
export interface ListParameter {
	list: ParameterTemplate[];
	/** Which one, an expression: 0 is the first. @default "instance" modulo the length of the list */
	at?: string | undefined;
	/** For a place that is not in the list. @default an error */
	default?: ParameterTemplate | undefined;
}

/** Values by range. */
export interface RangesParameter {
	/** Of which no two may overlap. `from` and `to` are both in the range. */
	ranges: Array<{ from: number; to: number; value: ParameterTemplate }>;
	/** Of what number, an expression. @default "instance" */
	of?: string | undefined;
	/** For a number in no range. @default an error */
	default?: ParameterTemplate | undefined;
}

export type ParameterMapping = ParameterTemplate | TableParameter | ListParameter | RangesParameter;

/** By name. A script gets `address` as `CLONE_ADDRESS`, `ntp-server` as `CLONE_NTP_SERVER`. */
export type Parameters = Record<string, ParameterMapping>;

export const MOST_PARAMETERS = 64;
export const MOST_ROWS = 4096;

/** What scripts get anyway, as CLONE_ID and so on; and the word before what is wrong with a parameter. */
const RESERVED = ["id", "instance", "identifier", "script", "run", "error"];

const text = z.string();
const number = z.int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/** A lookup, as the schema sees it. */
export const mappingSchema = z.strictObject({
	table: z.record(z.string(), text).optional(),
	list: z.array(text).min(1).max(MOST_ROWS).optional(),
	ranges: z
		.array(z.strictObject({ from: number, to: number, value: text }))
		.min(1)
		.max(MOST_ROWS)
		.optional(),
	at: text.optional(),
	of: text.optional(),
	default: text.optional(),
});

/** As the schema sees it: which properties go together, the rules tell. */
export type LooseMapping = string | z.infer<typeof mappingSchema>;

const name = z
	.string()
	.regex(
		/^[a-z][a-z0-9-]{0,62}$/,
		"allowed are names of 1 to 63 lower-case letters, digits and hyphens, starting with a letter",
	)
	.refine(
		(given) => !RESERVED.includes(given),
		"allowed are other names than id, instance, identifier, script and run, which scripts get anyway, and error",
	);

/** The shape only; `parameterProblems` has the rules. */
export const parametersShape = z.record(name, z.union([text, mappingSchema]));
