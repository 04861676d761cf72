/** What goes wrong between this package and a directory, said so that the user knows which setting to look at. */

/** A directory refused something, could not be reached, or was not what it has to be. Holds no secret. */
export class DirectoryError extends Error {
	constructor(
		/** Address of the directory: "ldaps://dc1.example.com". */
		readonly url: string,
		/** The setting to look at; undefined where none is to blame. */
		readonly setting: string | undefined,
		/** What went wrong, the value got and what to do. */
		problem: string,
		options?: ErrorOptions,
	) {
		super(`${setting === undefined ? "" : `${setting}: `}${problem} (directory ${url})`, options);
		this.name = "DirectoryError";
	}
}

/** What a directory's answers are explained with. */
export interface Situation {
	url: string;
	/** Completes "could not ...": "create the account web-1". */
	what: string;
	/** Who is logged in. */
	user: string;
	/** Where accounts are, and the setting that says so. */
	container: { setting: string; value: string };
	/** The setting that decides which attributes an account has. */
	schemaSetting: string;
}

/** The error of an operation on a connection that was made: the directory's own answer, or the end of the connection. */
export function explain(error: unknown, situation: Situation): Error {
	if (error instanceof DirectoryError) return error;
	const { url, what } = situation;
	const [setting, advice] = adviceOn(resultCode(error), situation);
	return new DirectoryError(url, setting, `could not ${what}: ${reason(error)}. ${advice}`);
}

/** LDAP's number for the result (RFC 4511, appendix A); undefined when the directory did not answer. */
export function resultCode(error: unknown): number | undefined {
	const { code } = error as { code?: unknown };
	return error instanceof Error && typeof code === "number" ? code : undefined;
}

export const noSuchObject = 32;
export const alreadyExists = 68;

/** @returns the setting to blame and what to do */
function adviceOn(
	code: number | undefined,
	{ user, container, schemaSetting }: Situation,
): [string | undefined, string] {
	const { setting, value } = container;
	switch (code) {
		case undefined:
			return [
				undefined,
				"The connection was lost, and whether it took effect is not known: see that the directory runs, then run again. " +
					"What was begun is carried on",
			];
		case 8:
		case 13:
			return ["url", "The directory wants an encrypted connection: use ldaps://, or set startTls: true"];
		case 10:
			return [setting, `Another server is in charge of ${value}: name that one in url`];
		case 16:
		case 17:
		case 20:
		case 21:
		case 65:
			return [
				schemaSetting,
				`The directory's schema does not allow this: correct ${schemaSetting}, and give every attribute that is required`,
			];
		case 19:
			return [
				undefined,
				"A rule of the directory forbids it: look at its password policy, and whether the host names or service names are another account's",
			];
		case noSuchObject:
			return [setting, `There is no ${value}: create it, or correct ${setting}`];
		case 34:
			return [setting, `Got "${value}"; allowed is a distinguished name such as OU=Pool,DC=example,DC=com`];
		case 49:
			return ["user", `Log in as ${user} by hand to see whether it may`];
		case 50:
			return [
				"user",
				`${user} lacks the right: let it create, change and delete accounts in ${value}, or use another user`,
			];
		case 51:
		case 52:
			return [undefined, "The directory is busy or shutting down: run again"];
		case 53:
			return [undefined, "The directory is not willing: its log says why"];
		case 66:
			return [undefined, "There are entries below the account: remove them by hand if they are not needed"];
		default:
			return [undefined, "The directory's log may say more"];
	}
}

/** What the directory said, on one line. */
export function reason(error: unknown): string {
	const message = error instanceof Error ? error.message : String(error);
	return message
		.replaceAll("\0", "")
		.replace(/\s+/g, " ")
		.replace(/ ?Code: 0x[0-9a-f]+$/, "")
		.trim()
		.replace(/\.$/, "");
}
