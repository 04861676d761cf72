/** The two stores, each as a place in which tests make pools. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore } from "../../provider/identity/store/postgres";
import { openSqliteStore } from "../../provider/identity/store/sqlite";
import type { SqliteLibrary } from "../../provider/identity/store/sqlite-library";
import type { IdentityStore } from "../../provider/identity/store/store";
import { PostgresServer } from "../../tools/postgres/server";

export interface StorePlace {
	/** Another connection to the same store. */
	open(): Promise<IdentityStore>;
	/** The same, as arguments of a program. */
	address: StoreAddress;
	/** The server, where there is one. */
	server?: PostgresServer;
	remove(): Promise<void>;
}

export type StoreAddress =
	| { kind: "sqlite"; path: string; libraries: SqliteLibrary[] }
	| { kind: "postgres"; host: string; port: number; database: string; user: string };

export function openAt(address: StoreAddress): Promise<IdentityStore> {
	return address.kind === "sqlite" ? openSqliteStore(address) : openPostgresStore(address);
}

async function sqlite(library: SqliteLibrary): Promise<StorePlace> {
	const folder = await mkdtemp(join(tmpdir(), "clones-store-"));
	const address: StoreAddress = { kind: "sqlite", path: join(folder, "pools/identities.db"), libraries: [library] };
	return { address, open: () => openAt(address), remove: () => rm(folder, { recursive: true, force: true }) };
}

async function postgres(): Promise<StorePlace> {
	const server = await PostgresServer.start();
	const address: StoreAddress = { kind: "postgres", ...server.connection };
	return { address, server, open: () => openAt(address), remove: () => server.stop() };
}

/** Whatever this version of Node.js has. */
const builtIn: Record<string, () => Promise<StorePlace>> = process.getBuiltinModule?.("node:sqlite")
	? { "node:sqlite": () => sqlite("node:sqlite") }
	: {};

export const PLACES: Record<string, () => Promise<StorePlace>> = {
	"better-sqlite3": () => sqlite("better-sqlite3"),
	...builtIn,
	PostgreSQL: postgres,
};
