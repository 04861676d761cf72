/** Whether a child is a member of the directory in which its identity has an account. */
import { createHash } from "node:crypto";
import { type Access, withPool } from "../identity/access";
import type { Membership } from "../identity/directory/directory";
import { NoMemberError } from "../identity/directory/membership";
import { IDENTITY_FILE, KEYTAB } from "../identity/guest-files";
import type { ForkedInputs } from "./forked";
import { ImpostorError } from "./quarantine";

type Identified = Pick<ForkedInputs, "lease" | "hostname" | "files">;

/** The file that a child's account is proven by; undefined where its identity has none. */
export function credentialsOf({ lease, files }: Identified): Identified["files"][number] | undefined {
	if (!lease || !(JSON.parse(lease.pool) as Access).directory) return undefined;
	// The first of a name is the identity's: what else is given for a path is not what its account goes by.
	return [KEYTAB, IDENTITY_FILE].flatMap((path) => files.find((file) => file.path === path) ?? [])[0];
}

/**
 * Asks the directory, as whoever keeps the accounts of the pool, and logs in there as the child.
 * @param shown SHA-256 of the child's file of credentials, in hex, by its own account
 * @returns undefined where its identity has no account
 * @throws ImpostorError when it is no member; Error when the directory does not answer
 */
export async function proveMembership(
	forked: Identified,
	shown: string,
	log: (line: string) => void,
): Promise<Membership | undefined> {
	const credentials = credentialsOf(forked);
	if (!credentials) return undefined;
	const { path, content, encoding } = credentials;
	if (
		shown !==
		createHash("sha256")
			.update(Buffer.from(content, encoding === "base64" ? "base64" : "utf8"))
			.digest("hex")
	)
		throw new ImpostorError(`the child is not who it was to be: its ${path} is not that of its account`);
	const { pool, epoch } = forked.lease!;
	try {
		return await withPool(JSON.parse(pool) as Access, log, ({ allocator }) => allocator.prove(forked.hostname, epoch));
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		if (error instanceof NoMemberError) {
			throw new ImpostorError(`the child is no member of its directory: ${message}`, { cause: error });
		}
		throw new Error(`whether the child is a member of its directory is not known: ${message}`, { cause: error });
	}
}
