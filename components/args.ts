/** What components do with their arguments before they make anything. */
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { allowedBy } from "../provider/allowed";
import { InputError, type Rule } from "../provider/lifecycle";
import { refuse, shown, validate } from "../provider/problems";
import { UNKNOWN } from "../provider/unknown";

/**
 * Checks a component's arguments as far as they are known already; what is an output is checked by the provider, once
 * it is known.
 *
 * @param what names the component in the error: "ThinClonePool web"
 * @throws InputError naming each property that is wrong, the value got and what is allowed
 */
export function checkArgs<Inputs extends object>(
	what: string,
	schema: z.ZodType<Inputs>,
	args: object,
	rules: ReadonlyArray<Rule<Inputs>> = [],
): void {
	if (!isGroup(args))
		refuse(what, [{ property: "arguments", path: [], message: `got ${told(args)}; ${allowedBy(schema)}` }]);
	const { problems } = validate(schema, plain(args) as Record<string, unknown>, rules);
	refuse(what, problems);
}

/**
 * What it returns; what it refuses with the component's name in front.
 * @param what names the component in the error
 */
export function naming<T>(what: string, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		throw new InputError(error.property, `${what}: ${error.property}: ${error.message}`);
	}
}

/**
 * Refuses outputs and promises where a plain value is needed to know which resources there are.
 * @throws InputError naming the argument
 */
export function refuseLater<Args extends object>(
	what: string,
	args: Args,
	names: ReadonlyArray<keyof Args & string>,
): void {
	const later = names.filter((name) => args[name] instanceof Promise || pulumi.Output.isInstance(args[name]));
	refuse(
		what,
		later.map((property) => ({
			property,
			path: [property],
			message:
				`got ${told(args[property])}; allowed is a plain value, as it says which resources there are, which has to be known ` +
				"before any is made. Take it from the configuration (new pulumi.Config())",
		})),
	);
}

/** Programs in plain JavaScript give anything; a promise or an output has properties, too, but not these. */
function isGroup(value: unknown): boolean {
	if (value instanceof Promise || pulumi.Output.isInstance(value)) return false;
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function told(value: unknown): string {
	if (value instanceof Promise) return "a promise";
	return pulumi.Output.isInstance(value) ? "an output" : shown(value);
}

/** The arguments with whatever is only known later marked as unknown. */
function plain(value: unknown): unknown {
	if (pulumi.Output.isInstance(value) || value instanceof Promise || typeof value === "function") return UNKNOWN;
	if (pulumi.Resource.isInstance(value)) return UNKNOWN;
	if (Array.isArray(value)) return value.map(plain);
	if (value === null || typeof value !== "object") return value;
	const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
	return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}
