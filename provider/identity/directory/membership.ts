/** Whether whoever has an account's credentials is taken for it. */
import { reason, resultCode } from "./errors";
import type { ServerSettings } from "./schema";
import { Session } from "./session";

/** The directory has answered, and the answer is no. Holds no secret. */
export class NoMemberError extends Error {}

const INVALID_CREDENTIALS = 49;

/**
 * Logs in as an account, in a connection of its own.
 * @throws NoMemberError when the directory refuses that; DirectoryError when it does not answer
 */
export async function requireLogin(settings: ServerSettings, dn: string, password: string): Promise<void> {
	const session = new Session(
		{ ...settings, user: dn, password },
		{ container: { setting: "user", value: dn }, schemaSetting: "user" },
	);
	try {
		await session.run(`log in as ${dn}`, async () => {});
	} catch (error) {
		const { cause } = error as Error;
		if (resultCode(cause) !== INVALID_CREDENTIALS) throw error;
		throw new NoMemberError(`${settings.url} refuses the password of ${dn}: ${reason(cause)}`, { cause: error });
	} finally {
		await session.close();
	}
}
