/** The tables, and how those of earlier versions become today's. */
import type { Database, Dialect, Transaction } from "./database";
import { StoreError } from "./errors";

/** Each entry brings a store to its position plus one; entries that were published are never changed. */
const MIGRATIONS: ReadonlyArray<(dialect: Dialect) => ReadonlyArray<string>> = [
	({ types: { integer, bytes }, epochSchema }) => [
		...epochSchema.before,
		`CREATE TABLE clones_pools (
			pool TEXT PRIMARY KEY,
			realm TEXT NOT NULL,
			drained ${integer} NOT NULL DEFAULT 0,
			settings TEXT NOT NULL,
			created_at ${integer} NOT NULL
		)`,
		`CREATE TABLE clones_identities (
			pool TEXT NOT NULL REFERENCES clones_pools (pool),
			name_key TEXT NOT NULL,
			ordinal ${integer} NOT NULL,
			realm TEXT NOT NULL,
			name TEXT NOT NULL,
			mac TEXT,
			ips TEXT NOT NULL,
			machine_id TEXT,
			data TEXT NOT NULL,
			secrets ${bytes},
			state TEXT NOT NULL CHECK (state IN ('creating', 'free', 'leased', 'returning', 'quarantined', 'removing')),
			owner TEXT,
			epoch ${integer} NOT NULL DEFAULT 0,
			reason TEXT,
			worker TEXT,
			claimed_until ${integer},
			created_at ${integer} NOT NULL,
			changed_at ${integer} NOT NULL,
			PRIMARY KEY (pool, name_key),
			UNIQUE (realm, name_key),
			UNIQUE (realm, mac),
			UNIQUE (realm, machine_id),
			CHECK (state <> 'leased' OR owner IS NOT NULL)
		)`,
		"CREATE INDEX clones_identities_by_state ON clones_identities (pool, state, ordinal)",
		"CREATE UNIQUE INDEX clones_identities_by_owner ON clones_identities (pool, owner) WHERE state = 'leased'",
		`CREATE TABLE clones_addresses (
			realm TEXT NOT NULL,
			ip TEXT NOT NULL,
			pool TEXT NOT NULL,
			name_key TEXT NOT NULL,
			PRIMARY KEY (realm, ip),
			FOREIGN KEY (pool, name_key) REFERENCES clones_identities (pool, name_key) ON DELETE CASCADE
		)`,
		"CREATE INDEX clones_addresses_by_identity ON clones_addresses (pool, name_key)",
		...epochSchema.after,
	],
	() => [
		"ALTER TABLE clones_identities ADD COLUMN licence_id TEXT",
		"CREATE UNIQUE INDEX clones_identities_by_licence_id ON clones_identities (realm, licence_id)",
	],
];

/** Makes the tables, or brings them to today's version. @throws StoreError when they are of a later one */
export async function migrate(database: Database): Promise<void> {
	const version = await versionOf(database);
	// Mostly there is nothing to do, and nobody has to be waited for.
	if (version === MIGRATIONS.length) return;
	if (version > MIGRATIONS.length) {
		throw new StoreError(
			`identity store ${database.where} is of version ${version}, which a later version of this package has written; ` +
				`this one knows versions up to ${MIGRATIONS.length}: update pulumi-libvirt-clones`,
		);
	}
	await database.transaction(async ({ query, dialect }) => {
		if (dialect.lockSchema) await query(dialect.lockSchema);
		// Another process may have been faster.
		const found = await versionOf({ query, dialect });
		if (found === 0) {
			await query(`CREATE TABLE clones_schema (version ${dialect.types.integer} NOT NULL)`);
			await query("INSERT INTO clones_schema (version) VALUES (0)");
		}
		for (const statements of MIGRATIONS.slice(found)) {
			for (const statement of statements(dialect)) await query(statement);
		}
		if (found < MIGRATIONS.length) await query(`UPDATE clones_schema SET version = ${MIGRATIONS.length}`);
	});
}

/** @returns 0 where there is nothing yet */
async function versionOf({ query, dialect }: Transaction): Promise<number> {
	const [table] = await query(dialect.findTable, ["clones_schema"]);
	if (!table) return 0;
	const [row] = await query<{ version: number | string }>("SELECT version FROM clones_schema");
	return Number(row?.version ?? 0);
}
