/** What components do with their arguments before they make anything. */
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { Rule } from "../provider/lifecycle";
import { refuse, validate } from "../provider/problems";
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
	const { problems } = validate(schema, plain(args) as Record<string, unknown>, rules);
	refuse(what, problems);
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
