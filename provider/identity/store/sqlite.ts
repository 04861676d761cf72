/**
 * A store in a file of this machine, for one machine's processes: SQLite with a write-ahead log, written through to the
 * disk at each commit. Not for network file systems, whose locks and shared memory it could not rely on.
 */
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../lifecycle";
import { shown } from "../../problems";
import { type Database, type Dialect, type Transaction, UniqueError, type Value } from "./database";
import { StoreError, StoreUnavailableError } from "./errors";
import { SqlStore } from "./sql-store";
import { meaningOf, openSqlite, type SqliteFile, type SqliteLibrary, type SqliteStatement } from "./sqlite-library";
import type { IdentityStore } from "./store";

export interface SqliteOptions {
	/** Absolute path of the file; it and its folder are made when they are not there, for this user alone. */
	path: string;
	/** How long to wait for others that write. @default 30 */
	patienceSeconds?: number | undefined;
	/** @default better-sqlite3, else node:sqlite */
	libraries?: ReadonlyArray<SqliteLibrary> | undefined;
}

/** A statement may block the process for this long; what is left of the patience is spent asleep. */
const BLOCKING_MS = 200;

const dialect: Dialect = {
	kind: "sqlite",
	types: { integer: "INTEGER", bytes: "BLOB" },
	now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
	// Whoever writes is alone.
	forUpdate: "",
	skipLocked: "",
	newEpoch: "(SELECT value + 1 FROM clones_epoch)",
	epochSchema: {
		before: ["CREATE TABLE clones_epoch (value INTEGER NOT NULL)", "INSERT INTO clones_epoch (value) VALUES (0)"],
		after: [
			`CREATE TRIGGER clones_epoch_used AFTER UPDATE OF epoch ON clones_identities WHEN NEW.epoch > OLD.epoch
			BEGIN UPDATE clones_epoch SET value = MAX(value, NEW.epoch); END`,
		],
	},
	textsOf: (parameter) => `SELECT value FROM json_each(${parameter})`,
	findTable: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
	integrity: "PRAGMA integrity_check",
};

/** @throws InputError, LibraryMissingError, StoreError when the file is not a store that can be used */
export async function openSqliteStore(options: SqliteOptions): Promise<IdentityStore> {
	const { path, patienceSeconds = 30, libraries } = options;
	if (!isAbsolute(path)) {
		throw new InputError(
			"path",
			`got ${shown(path)}; allowed is an absolute path, so that all programs mean the same file`,
		);
	}
	const database = new SqliteDatabase(openFile(path, libraries), path, patienceSeconds * 1000);
	await database.configure();
	return SqlStore.open(database);
}

function openFile(path: string, libraries: ReadonlyArray<SqliteLibrary> | undefined): SqliteFile {
	try {
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
		const isNew = !existsSync(path);
		const file = openSqlite(path, libraries);
		// The files of the log get the mode of this one.
		if (isNew && existsSync(path)) chmodSync(path, 0o600);
		return file;
	} catch (error) {
		if (error instanceof StoreError) throw error;
		throw new StoreError(
			`identity store ${path} cannot be opened: ${reason(error)}. Allowed is a file that this user may write, in a folder of this machine`,
			{ cause: error },
		);
	}
}

class SqliteDatabase implements Database {
	readonly dialect = dialect;
	private readonly statements = new Map<string, SqliteStatement>();
	/** Transactions of this process, one after the other. */
	private last: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly file: SqliteFile,
		readonly where: string,
		private readonly patienceMs: number,
	) {}

	async configure(): Promise<void> {
		try {
			this.file.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
			// The first one to open a new file changes its format, and is alone with it meanwhile.
			const [mode] = await this.patiently(() => this.run<{ journal_mode: string }>("PRAGMA journal_mode = WAL"));
			if (mode?.journal_mode !== "wal") {
				throw new StoreError(
					`identity store ${this.where} cannot have a write-ahead log; allowed is a file on a local file system`,
				);
			}
			this.file.exec("PRAGMA synchronous = FULL");
			this.file.exec("PRAGMA foreign_keys = ON");
		} catch (error) {
			await this.close();
			throw this.explained(error);
		}
	}

	query = async <Row>(text: string, values: ReadonlyArray<Value> = []): Promise<Row[]> => {
		// After the transactions: a statement on its own must not become part of one.
		const turn = this.last.then(() => this.patiently(() => this.run<Row>(text, values)));
		this.last = turn.catch(() => {});
		return turn.catch((error) => Promise.reject(this.explained(error)));
	};

	transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
		const turn = this.last.then(() => this.alone(work));
		this.last = turn.catch(() => {});
		return turn.catch((error) => Promise.reject(this.explained(error)));
	}

	async close(): Promise<void> {
		await this.last;
		this.statements.clear();
		this.file.close();
	}

	private async alone<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
		await this.patiently(() => this.run("BEGIN IMMEDIATE"));
		try {
			const result = await work({
				dialect,
				query: async <Row>(text: string, values?: ReadonlyArray<Value>) => this.run<Row>(text, values),
			});
			this.run("COMMIT");
			return result;
		} catch (error) {
			this.rollBack();
			throw error;
		}
	}

	private rollBack(): void {
		try {
			this.run("ROLLBACK");
		} catch {
			// SQLite has done it itself, as it does when the disk is full.
		}
	}

	private run<Row>(text: string, values: ReadonlyArray<Value> = []): Row[] {
		let statement = this.statements.get(text);
		if (!statement) {
			statement = this.file.prepare(text);
			this.statements.set(text, statement);
		}
		try {
			// To SQLite, $1 is a value of the name 1.
			return statement.all(Object.fromEntries(values.map((value, index) => [index + 1, value]))) as Row[];
		} catch (error) {
			throw meaningOf(error) === "unique" ? new UniqueError(reason(error), { cause: error }) : error;
		}
	}

	private async patiently<Result>(work: () => Result): Promise<Result> {
		const deadline = performance.now() + this.patienceMs;
		for (;;) {
			try {
				return work();
			} catch (error) {
				if (meaningOf(error) !== "busy") throw error;
				if (performance.now() > deadline) {
					throw new StoreUnavailableError(
						`identity store ${this.where} has been locked by another process for ${this.patienceMs / 1000} s: ` +
							"see who has it open (fuser), end what hangs, and run again",
						{ cause: error },
					);
				}
			}
			await sleep(Math.random() * 20);
		}
	}

	private explained(error: unknown): unknown {
		const { code } = error as { code?: unknown };
		if (typeof code !== "string" || !/^(ERR_)?SQLITE_/.test(code)) return error;
		return new StoreError(`identity store ${this.where}: ${reason(error)}`, { cause: error });
	}
}

function reason(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
