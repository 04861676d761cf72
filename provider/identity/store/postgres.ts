/** A store in a PostgreSQL server, for all machines that reach it. A server that is restarted is waited for. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Database, type Dialect, type Transaction, UniqueError, type Value } from "./database";
import { StoreError, StoreUnavailableError } from "./errors";
import { load } from "./load";
import { meaningOf } from "./postgres-errors";
import { connectionOf, type PostgresOptions } from "./postgres-options";
import { SqlStore } from "./sql-store";
import type { IdentityStore } from "./store";

/** How much of `pg` is used. */
interface Library {
	Pool: new (options: object) => ConnectionPool;
}

interface ConnectionPool {
	connect(): Promise<Client>;
	end(): Promise<void>;
	on(event: "error", listener: (error: Error) => void): void;
	on(event: "connect", listener: (client: Client) => void): void;
}

interface Client {
	query(query: { name?: string; text: string; values?: ReadonlyArray<Value> }): Promise<{ rows: unknown[] }>;
	/** Gives it back to the pool, or ends it. */
	release(end?: boolean): void;
	on(event: "error", listener: (error: Error) => void): void;
}

const dialect: Dialect = {
	kind: "postgres",
	types: { integer: "bigint", bytes: "bytea" },
	now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)",
	forUpdate: "FOR UPDATE",
	skipLocked: "FOR UPDATE SKIP LOCKED",
	newEpoch: "nextval('clones_epoch')",
	epochSchema: { before: ["CREATE SEQUENCE clones_epoch"], after: [] },
	textsOf: (parameter) => `SELECT jsonb_array_elements_text(CAST(${parameter} AS jsonb))`,
	findTable: "SELECT 1 WHERE to_regclass($1) IS NOT NULL",
	// Any number that nobody else uses.
	lockSchema: "SELECT pg_advisory_xact_lock(7205759403)",
};

/** @throws InputError, LibraryMissingError, StoreUnavailableError, StoreError */
export async function openPostgresStore(options: PostgresOptions): Promise<IdentityStore> {
	const connection = connectionOf(options);
	const { host, port, database } = connection;
	const { patienceSeconds = 30, connections = 4 } = options;
	const { Pool } = load<Library>("pg", "A PostgreSQL identity store");
	const pool = new Pool({
		...connection,
		max: connections,
		connectionTimeoutMillis: 10_000,
		// What takes longer than this is not going to end by itself.
		query_timeout: 60_000,
		idleTimeoutMillis: 10_000,
		allowExitOnIdle: true,
		keepAlive: true,
	});
	// A connection that ends is replaced by the next transaction. Without listeners of its own, from the first moment on,
	// one that ends between two queries would end the process.
	pool.on("error", () => {});
	pool.on("connect", (client) => client.on("error", () => {}));
	const where = host.startsWith("/") ? `${database} in ${host}` : `${database} on ${host}:${port}`;
	return SqlStore.open(new PostgresDatabase(pool, where, patienceSeconds * 1000));
}

class PostgresDatabase implements Database {
	readonly dialect = dialect;

	constructor(
		private readonly pool: ConnectionPool,
		readonly where: string,
		private readonly patienceMs: number,
	) {}

	query = <Row>(text: string, values?: ReadonlyArray<Value>): Promise<Row[]> =>
		this.patiently((client) => run<Row>(client, text, values));

	transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
		return this.patiently(async (client) => {
			await client.query({ text: "BEGIN" });
			try {
				const result = await work({
					dialect,
					query: <Row>(text: string, values?: ReadonlyArray<Value>) => run<Row>(client, text, values),
				});
				await client.query({ text: "COMMIT" });
				return result;
			} catch (error) {
				// A connection that has ended has rolled back as well.
				await client.query({ text: "ROLLBACK" }).catch(() => {});
				throw error;
			}
		});
	}

	close(): Promise<void> {
		return this.pool.end();
	}

	/** Again and again, on another connection, while the server is away or two transactions are in each other's way. */
	private async patiently<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
		const deadline = performance.now() + this.patienceMs;
		for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 500)) {
			try {
				return await this.connected(work);
			} catch (error) {
				switch (meaningOf(error)) {
					case "away":
						if (performance.now() > deadline) throw this.unavailable(error);
						break;
					case "conflict":
						if (performance.now() > deadline) throw this.explained(error);
						break;
					case "refused":
						throw this.explained(error);
					default:
						throw error;
				}
			}
			await sleep(pauseMs * (0.5 + Math.random()));
		}
	}

	private async connected<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
		const client = await this.pool.connect();
		let isLost = false;
		try {
			return await work(client);
		} catch (error) {
			isLost = meaningOf(error) === "away";
			throw error;
		} finally {
			client.release(isLost);
		}
	}

	private unavailable(error: unknown): Error {
		return new StoreUnavailableError(
			`identity store ${this.where} cannot be reached for ${this.patienceMs / 1000} s: ${reason(error)}. See that the server runs, then run again`,
			{ cause: error },
		);
	}

	private explained(error: unknown): Error {
		return new StoreError(`identity store ${this.where}: ${reason(error)}`, { cause: error });
	}
}

/** @returns the rows */
async function run<Row>(client: Client, text: string, values: ReadonlyArray<Value> = []): Promise<Row[]> {
	try {
		return (await client.query({ name: nameOf(text), text, values })).rows as Row[];
	} catch (error) {
		throw meaningOf(error) === "unique" ? new UniqueError(reason(error), { cause: error }) : error;
	}
}

const names = new Map<string, string>();

/** The server knows a statement by its name once it has prepared it on a connection. */
function nameOf(text: string): string {
	const known = names.get(text);
	if (known !== undefined) return known;
	const name = `clones_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
	names.set(text, name);
	return name;
}

function reason(error: unknown): string {
	if (error instanceof AggregateError) return error.errors.map(reason).join("; ");
	return error instanceof Error ? error.message : String(error);
}
