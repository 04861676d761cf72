/** The little that SQLite and PostgreSQL have to have in common for the same SQL to run on both. */

export type Value = string | number | Buffer | null;

export interface Queries {
	/** One prepared statement, outside of a transaction one of its own; `$1` is the first value. */
	query<Row>(text: string, values?: ReadonlyArray<Value>): Promise<Row[]>;
}

export interface Transaction extends Queries {
	readonly dialect: Dialect;
}

export interface Database extends Queries {
	readonly dialect: Dialect;
	readonly where: string;
	/**
	 * Runs the work in one transaction, which is committed at its end. The work may run more than once: when the database
	 * was locked, or ended in the middle, and it is not known whether it took effect.
	 * @throws UniqueError, StoreUnavailableError
	 */
	transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
	close(): Promise<void>;
}

/** Where the two differ. */
export interface Dialect {
	kind: "sqlite" | "postgres";
	types: { integer: string; bytes: string };
	/** Milliseconds since 1970, by one clock for all who use the store. */
	now: string;
	/** Keeps others from changing the rows that are read. */
	forUpdate: string;
	/** The same, passing over rows that others have locked. */
	skipLocked: string;
	/** A number that no identity has had as its epoch, as an expression. */
	newEpoch: string;
	/** What `newEpoch` needs, before and after the table of identities is made. */
	epochSchema: { before: ReadonlyArray<string>; after: ReadonlyArray<string> };
	/** The texts of a JSON list, as a query. */
	textsOf(parameter: string): string;
	/** A row where there is a table of that name. */
	findTable: string;
	/** Keeps others from making the tables at the same time. */
	lockSchema?: string;
	/** Lines that are not "ok" say what is wrong with the files. */
	integrity?: string;
}

/** A unique index refused a row. */
export class UniqueError extends Error {}
