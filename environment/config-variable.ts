/** Variables whose values are in the Pulumi configuration. */
import { z } from "zod";

/** A variable whose value is in the Pulumi configuration of the stack. */
export const configVariableSchema = z.strictObject({
	config: z
		.string()
		.regex(
			/^([A-Za-z0-9_.-]+:)?[A-Za-z0-9_.-]+$/,
			'allowed is a configuration key such as "machines" or "project:key"',
		),
	secret: z.boolean().optional(),
	type: z.enum(["string", "number", "boolean"]).optional(),
	default: z.union([z.string(), z.number(), z.boolean()]).optional(),
});

export type ConfigVariable = z.output<typeof configVariableSchema>;

/** The Pulumi configuration, as far as it can be told for a stack. */
export interface Configuration {
	/**
	 * @returns the text and whether it is a secret; undefined where it is not set; "unknown" for another stack's
	 */
	get(key: string): { text: string; secret: boolean } | undefined | "unknown";
}

/** What the text in the configuration stands for. */
export function typeOf({ type, default: fallback }: ConfigVariable): string {
	return type ?? (fallback === undefined ? "string" : typeof fallback);
}

/** @returns undefined where the text is not of the variable's type */
export function convert(text: string, variable: ConfigVariable): string | number | boolean | undefined {
	switch (typeOf(variable)) {
		case "number":
			return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
		case "boolean":
			return text === "true" ? true : text === "false" ? false : undefined;
		default:
			return text;
	}
}
