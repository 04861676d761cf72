/** Rows of the tables as the objects they stand for. */
import { HALF_DONE, type Identity, nameKey, STATES, type State } from "../identity";
import type { Queries } from "./database";
import { type Counts, NoSuchIdentityError, NoSuchPoolError } from "./errors";
import type { PoolRecord } from "./store";

/** PostgreSQL gives its 64 bit integers as text. */
type Integer = number | string;

export interface IdentityRow {
	pool: string;
	name_key: string;
	ordinal: Integer;
	name: string;
	mac: string | null;
	ips: string;
	machine_id: string | null;
	licence_id: string | null;
	data: string;
	secrets: Uint8Array | null;
	state: State;
	owner: string | null;
	epoch: Integer;
	reason: string | null;
	worker: string | null;
	created_at: Integer;
	changed_at: Integer;
}

export interface PoolRow {
	pool: string;
	realm: string;
	drained: Integer;
	settings: string;
}

export function toIdentity(row: IdentityRow): Identity {
	return {
		pool: row.pool,
		ordinal: Number(row.ordinal),
		name: row.name,
		mac: row.mac ?? undefined,
		ips: JSON.parse(row.ips),
		machineId: row.machine_id ?? undefined,
		licenceId: row.licence_id ?? undefined,
		data: JSON.parse(row.data),
		secrets: row.secrets === null ? undefined : Buffer.from(row.secrets),
		state: row.state,
		owner: row.owner ?? undefined,
		epoch: Number(row.epoch),
		reason: row.reason ?? undefined,
		worker: row.worker ?? undefined,
		createdAt: new Date(Number(row.created_at)),
		changedAt: new Date(Number(row.changed_at)),
	};
}

export function toPool({ pool, realm, drained, settings }: PoolRow): PoolRecord {
	return { name: pool, realm, drained: Number(drained) !== 0, settings: JSON.parse(settings) };
}

/** @param locking such as the dialect's `forUpdate` */
export async function findPool({ query }: Queries, pool: string, locking = ""): Promise<PoolRow> {
	const [row] = await query<PoolRow>(`SELECT * FROM clones_pools WHERE pool = $1 ${locking}`, [pool]);
	if (!row) throw new NoSuchPoolError(pool);
	return row;
}

/** @param locking such as the dialect's `forUpdate` */
export async function findIdentity(
	{ query }: Queries,
	pool: string,
	name: string,
	locking: string,
): Promise<IdentityRow> {
	const [row] = await query<IdentityRow>(
		`SELECT * FROM clones_identities WHERE pool = $1 AND name_key = $2 ${locking}`,
		[pool, nameKey(name)],
	);
	if (!row) throw new NoSuchIdentityError(pool, name);
	return row;
}

export async function countStates({ query }: Queries, pool: string): Promise<Counts> {
	const rows = await query<{ state: State; count: Integer }>(
		"SELECT state, COUNT(*) AS count FROM clones_identities WHERE pool = $1 GROUP BY state",
		[pool],
	);
	const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Counts;
	for (const { state, count } of rows) counts[state] = Number(count);
	return counts;
}

export function isHalfDone({ state }: { state: State }): boolean {
	return HALF_DONE.includes(state);
}
