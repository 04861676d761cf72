/** Taking identities, and giving them back. */
import { type Identity, nameKey } from "../identity";
import type { Transaction } from "./database";
import { NoSuchPoolError, PoolDrainedError, StaleEpochError } from "./errors";
import { type IdentityRow, toIdentity } from "./rows";

/** @returns undefined when none is free; or for a moment none that is not locked by others */
export async function allocate(
	transaction: Transaction,
	pool: string,
	owner: string,
	prefer: ReadonlyArray<string>,
): Promise<Identity | undefined> {
	const { query, dialect } = transaction;
	const [found] = await query<IdentityRow & { drained: number | string }>(
		`SELECT p.drained, i.* FROM clones_pools p
		LEFT JOIN clones_identities i ON i.pool = p.pool AND i.owner = $2 AND i.state = 'leased' WHERE p.pool = $1`,
		[pool, owner],
	);
	if (!found) throw new NoSuchPoolError(pool);
	if (found.name_key !== null) return toIdentity(found);
	if (Number(found.drained)) throw new PoolDrainedError(pool, owner);
	if (dialect.prepareEpoch) await query(dialect.prepareEpoch);
	for (const name of prefer) {
		const taken = await take(transaction, pool, owner, name);
		if (taken) return taken;
	}
	return take(transaction, pool, owner);
}

/** In two statements: in one, PostgreSQL may choose again when it meets a row that has just been changed. */
async function take(
	{ query, dialect }: Transaction,
	pool: string,
	owner: string,
	name?: string,
): Promise<Identity | undefined> {
	const [chosen] = await query<{ name_key: string }>(
		`SELECT name_key FROM clones_identities WHERE pool = $1 AND state = 'free' ${name === undefined ? "" : "AND name_key = $2"}
		ORDER BY ordinal LIMIT 1 ${dialect.skipLocked}`,
		name === undefined ? [pool] : [pool, nameKey(name)],
	);
	if (!chosen) return undefined;
	const [row] = await query<IdentityRow>(
		`UPDATE clones_identities
		SET state = 'leased', owner = $3, epoch = ${dialect.newEpoch}, changed_at = ${dialect.now}
		WHERE pool = $1 AND name_key = $2 RETURNING *`,
		[pool, chosen.name_key, owner],
	);
	return toIdentity(row!);
}

export async function release(
	{ query, dialect }: Transaction,
	pool: string,
	owner: string,
	epoch: number,
): Promise<Identity | undefined> {
	const [released] = await query<IdentityRow>(
		`UPDATE clones_identities SET state = 'returning', worker = NULL, claimed_until = NULL, changed_at = ${dialect.now}
		WHERE pool = $1 AND owner = $2 AND state = 'leased' AND epoch = $3 RETURNING *`,
		[pool, owner, epoch],
	);
	if (released) return toIdentity(released);
	const [held] = await query<IdentityRow>(
		"SELECT * FROM clones_identities WHERE pool = $1 AND owner = $2 AND state = 'leased'",
		[pool, owner],
	);
	if (held) throw new StaleEpochError(held.name, epoch, Number(held.epoch), held.state);
	// Given back before: the caller may want to finish that.
	const [returning] = await query<IdentityRow>(
		"SELECT * FROM clones_identities WHERE pool = $1 AND owner = $2 AND state = 'returning' AND epoch = $3",
		[pool, owner, epoch],
	);
	return returning && toIdentity(returning);
}
