/** Settings of a pool's store and directory, with what is allowed. */
import { z } from "zod";
import { absolutePath, hostName, wholeText } from "../schema";
import { adSchema, ldapSchema } from "./directory/schema";

const text = wholeText.min(1, "allowed is text that is not empty").max(4096, "allowed are at most 4096 characters");
const pem = text.includes("-----BEGIN ", { error: "allowed is text in PEM form, not the path of a file" });

export const postgresSchema = z.strictObject({
	host: text,
	port: z.int().min(1).max(65_535).default(5432),
	database: text,
	user: text,
	password: text.optional(),
	tls: z
		.union([
			z.literal(false),
			z.strictObject({
				ca: pem.optional(),
				certificate: pem.optional(),
				key: pem.optional(),
				serverName: hostName.optional(),
			}),
		])
		.optional(),
});

/** Exactly one of them. */
export const storeSchema = z.strictObject({
	sqlite: z.strictObject({ path: absolutePath }).optional(),
	postgres: postgresSchema.optional(),
});

/** At most one of them. */
export const directorySchema = z.strictObject({
	ldap: ldapSchema.optional(),
	activeDirectory: adSchema.optional(),
});

export type StoreSettings = z.output<typeof storeSchema>;
export type DirectorySettings = z.output<typeof directorySchema>;

/** @returns the complaint about a group of which exactly one is to be given */
export function exactlyOne(group: object | undefined, names: ReadonlyArray<string>): string | undefined {
	const given = names.filter((name) => (group as Record<string, unknown> | undefined)?.[name] !== undefined);
	if (given.length === 1) return undefined;
	return `got ${given.length === 0 ? "none" : given.join(" and ")}; allowed is exactly one of ${names.join(" and ")}`;
}
