/**
 * SQLite itself: better-sqlite3, or what Node.js 22.13 and later bring where that has no binary. Both block the process
 * for the moment of a statement. What they have in common, in the same names, is all that is used.
 */
import { missing, tryToLoad } from "./load";

/** How much of either is used. */
export interface SqliteFile {
	exec(sql: string): unknown;
	prepare(sql: string): SqliteStatement;
	close(): unknown;
}

export interface SqliteStatement {
	/** @param values by their names */
	all(values: Readonly<Record<string, unknown>>): unknown[];
}

export const SQLITE_LIBRARIES = ["better-sqlite3", "node:sqlite"] as const;
export type SqliteLibrary = (typeof SQLITE_LIBRARIES)[number];

/**
 * @param libraries in the order in which they are tried
 * @throws LibraryMissingError when none of them can be used
 */
export function openSqlite(path: string, libraries: ReadonlyArray<SqliteLibrary> = SQLITE_LIBRARIES): SqliteFile {
	const problems: string[] = [];
	for (const library of libraries) {
		const found = library === "node:sqlite" ? builtIn(path) : betterSqlite(path);
		if ("module" in found) return found.module;
		problems.push(found.problem);
	}
	throw missing("A SQLite identity store", "better-sqlite3", problems);
}

interface BetterSqlite {
	new (
		path: string,
	): {
		exec(sql: string): unknown;
		prepare(sql: string): SqliteStatement & { reader: boolean; run: SqliteStatement["all"] };
		close(): unknown;
	};
}

function betterSqlite(path: string): { module: SqliteFile } | { problem: string } {
	const found = tryToLoad<BetterSqlite>("better-sqlite3");
	if ("problem" in found) return found;
	const opened = tryToOpen(() => new found.module(path));
	if ("problem" in opened) return opened;
	const file = opened.module;
	return {
		module: {
			exec: (sql) => file.exec(sql),
			close: () => file.close(),
			prepare(sql) {
				const statement = file.prepare(sql);
				// It wants to be asked in another way where nothing comes back.
				if (statement.reader) return statement;
				return {
					all(values) {
						statement.run(values);
						return [];
					},
				};
			},
		},
	};
}

/** The binary is loaded by the first opening, so that a missing one shows only then. */
function tryToOpen<File>(open: () => File): { module: File } | { problem: string } {
	try {
		return { module: open() };
	} catch (error) {
		const { code, message } = error as { code?: string; message: string };
		if (code?.startsWith("SQLITE_") || error instanceof TypeError) throw error;
		return { problem: `better-sqlite3: ${message.split("\n")[0]}` };
	}
}

function builtIn(path: string): { module: SqliteFile } | { problem: string } {
	const found = tryToLoad<{ DatabaseSync: new (path: string) => SqliteFile }>("node:sqlite");
	return "problem" in found ? found : { module: new found.module.DatabaseSync(path) };
}

/** What an error of either means, by SQLite's result codes. */
export function meaningOf(error: unknown): "busy" | "unique" | undefined {
	const { code, errcode } = error as { code?: unknown; errcode?: unknown };
	if (code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY") return "unique";
	if (typeof code === "string" && /^SQLITE_(BUSY|LOCKED)/.test(code)) return "busy";
	if (typeof errcode !== "number") return undefined;
	// The extended code of a unique index and of a primary key; the lower byte of SQLITE_BUSY and SQLITE_LOCKED.
	if (errcode === 2067 || errcode === 1555) return "unique";
	return [5, 6].includes(errcode & 0xff) ? "busy" : undefined;
}
