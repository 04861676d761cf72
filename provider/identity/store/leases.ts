/** Taking identities, and giving them back. */
import { type Identity, nameKey } from "../identity";
import type { Database, Dialect, Transaction } from "./database";
import { PoolDrainedError, StaleEpochError } from "./errors";
import { findPool, type IdentityRow, toIdentity, toPool } from "./rows";

/**
 * What the owner holds, else a free one, in one statement. The conditions on the row itself are for PostgreSQL, which
 * looks at them again when somebody else has just changed it.
 *
 * @param condition on a free one
 */
function taking({ now, newEpoch, skipLocked }: Dialect, condition: string): string {
	return `UPDATE clones_identities
		SET state = 'leased', owner = $2,
			epoch = CASE state WHEN 'leased' THEN epoch ELSE ${newEpoch} END,
			changed_at = CASE state WHEN 'leased' THEN changed_at ELSE ${now} END
		WHERE pool = $1 AND (state = 'free' OR (state = 'leased' AND owner = $2)) AND name_key = COALESCE(
			(SELECT name_key FROM clones_identities WHERE pool = $1 AND owner = $2 AND state = 'leased'),
			(SELECT name_key FROM clones_identities WHERE pool = $1 AND state = 'free' ${condition}
				AND EXISTS (SELECT 1 FROM clones_pools WHERE pool = $1 AND drained = 0)
				ORDER BY ordinal LIMIT 1 ${skipLocked})
		) RETURNING *`;
}

/** @returns undefined when none is free; or for a moment none that is not locked by others */
export async function allocate(
	{ query, dialect }: Database,
	pool: string,
	owner: string,
	prefer: ReadonlyArray<string>,
): Promise<Identity | undefined> {
	for (const name of prefer) {
		const [preferred] = await query<IdentityRow>(taking(dialect, "AND name_key = $3"), [pool, owner, nameKey(name)]);
		if (preferred) return toIdentity(preferred);
	}
	const [taken] = await query<IdentityRow>(taking(dialect, ""), [pool, owner]);
	if (taken) return toIdentity(taken);
	if (toPool(await findPool({ query }, pool)).drained) throw new PoolDrainedError(pool, owner);
	return undefined;
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

/** @returns undefined when the former owner holds none */
export async function transfer(
	{ query }: Transaction,
	pool: string,
	from: string,
	to: string,
): Promise<Identity | undefined> {
	const [handed] = await query<IdentityRow>(
		"UPDATE clones_identities SET owner = $3 WHERE pool = $1 AND owner = $2 AND state = 'leased' RETURNING *",
		[pool, from, to],
	);
	return handed && toIdentity(handed);
}
