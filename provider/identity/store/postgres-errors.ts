/** What an error of `pg` means for the one that asked. */

/**
 * - `away`: the server has gone, starts, stops, or does not answer
 * - `conflict`: two transactions were in each other's way
 * - `unique`: a unique index refused a row
 * - `refused`: the server, or the certificate that it showed, does not want what is asked
 */
export type Meaning = "away" | "conflict" | "unique" | "refused" | undefined;

const AWAY_CODES = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"EPIPE",
	"ENOENT",
	"ETIMEDOUT",
	"EHOSTUNREACH",
	"ENETUNREACH",
]);

/** How `pg` says it where there is no code. */
const AWAY_WORDS =
	/^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout|read ECONN|write EPIPE)/;

export function meaningOf(error: unknown): Meaning {
	if (!(error instanceof Error)) return undefined;
	if (error instanceof AggregateError) {
		return error.errors.every((each) => meaningOf(each) === "away") ? "away" : undefined;
	}
	const { code } = error as { code?: unknown };
	if (typeof code === "string") {
		if (AWAY_CODES.has(code)) return "away";
		if (code === "23505") return "unique";
		// Serialisation failures and deadlocks.
		if (code === "40001" || code === "40P01") return "conflict";
		// The server stops, has crashed, or starts; connection exceptions; too many connections.
		if (/^(57P0[1235]|08...|53300)$/.test(code)) return "away";
		if (/^[0-9A-Z]{5}$/.test(code)) return "refused";
		if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|HOSTNAME|^EAI_|^ENOTFOUND/.test(code)) return "refused";
	}
	if (AWAY_WORDS.test(error.message)) return "away";
	if (/^The server does not support SSL|SASL|password must be a string/.test(error.message)) return "refused";
	return undefined;
}
