/**
 * Taking identities from the stores, one after the other, against the bare statement that takes a free row: both with
 * SQLite's settings of the store, on the same file system, in the same rounds; and making identities with an account
 * each. See bench/README.md.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore } from "../../provider/identity/store/postgres";
import { openSqliteStore } from "../../provider/identity/store/sqlite";
import type { IdentityStore } from "../../provider/identity/store/store";
import { PostgresServer } from "../../tools/postgres/server";
import { interleaved, progress, time } from "../measure";
import type { Benchmark, Options, Result } from "../result";
import { markdownTable } from "../tables";
import { accountsInActiveDirectory } from "./accounts";
import { BarePostgres, BareSqlite } from "./bare";

export const identity: Benchmark = { run, tables };

/** What an identity's secrets take: keys of two types, and a password. */
const SECRET_BYTES = 1500;

async function run({ quick }: Options): Promise<Result> {
	const folder = await mkdtemp(join(tmpdir(), "clones-bench-"));
	const server = await PostgresServer.start();
	const count = quick ? 50 : 1000;
	try {
		const sqlite = await openSqliteStore({ path: join(folder, "ours.db") });
		const postgres = await openPostgresStore(server.connection);
		const bareSqlite = new BareSqlite(join(folder, "bare.db"));
		const barePostgres = await BarePostgres.open(server.connection);
		progress("both stores are there");
		const allocation = await interleaved(quick ? 1 : 7, {
			sqlite: () => ours(sqlite, count),
			bare_sqlite: () => bare(bareSqlite, count),
			postgres: () => ours(postgres, count),
			bare_postgres: () => bare(barePostgres, count),
		});
		bareSqlite.close();
		await Promise.all([sqlite.close(), postgres.close(), barePostgres.close()]);
		const active_directory = await accountsInActiveDirectory(folder, quick ? 1 : 3, quick ? 4 : 100);
		return {
			milliseconds: { allocation, account: { active_directory } },
			ratios: {
				sqlite_allocations_per_second: 1000 / allocation.sqlite,
				postgres_allocations_per_second: 1000 / allocation.postgres,
				ours_over_bare_sqlite: allocation.sqlite / allocation.bare_sqlite,
				ours_over_bare_postgres: allocation.postgres / allocation.bare_postgres,
				accounts_per_second_ad: 1000 / active_directory,
			},
		};
	} finally {
		await server.stop();
		await rm(folder, { recursive: true, force: true });
	}
}

let pools = 0;

/** @returns milliseconds for one */
async function ours(store: IdentityStore, count: number): Promise<number> {
	const pool = `pool-${++pools}`;
	await store.ensurePool(pool, { realm: pool });
	await store.add(
		pool,
		Array.from({ length: count }, (_, index) => ({ name: `n-${index}` })),
	);
	for (const { name, epoch } of await store.claim(pool, { worker: "bench", seconds: 600, limit: count })) {
		await store.settle(pool, name, epoch, Buffer.alloc(SECRET_BYTES, 1));
	}
	return each(count, (number) => store.allocate(pool, `organization/bench/dev/machine-${number}`));
}

/** @returns milliseconds for one */
async function bare(table: BareSqlite | BarePostgres, count: number): Promise<number> {
	await table.fill(count);
	return each(count, () => table.take());
}

async function each(count: number, take: (number: number) => unknown): Promise<number> {
	const all = await time(async () => {
		for (let number = 0; number < count; number++) await take(number);
	});
	return all / count;
}

function tables({ milliseconds }: Result): Record<string, string> {
	const { sqlite, bare_sqlite, postgres, bare_postgres } = milliseconds!.allocation as Record<string, number>;
	return {
		identity: markdownTable(
			["one allocation", "store, ms", "bare statement, ms"],
			[
				["SQLite", sqlite, bare_sqlite],
				["PostgreSQL", postgres, bare_postgres],
			],
		),
	};
}
