/** Half-done identities: who is at work on them, and what comes of it. */
import { HALF_DONE, type Identity, nameKey } from "../identity";
import type { Transaction } from "./database";
import { StaleEpochError } from "./errors";
import { findIdentity, type IdentityRow, isHalfDone, toIdentity } from "./rows";
import type { Claim } from "./store";

const UNFINISHED = HALF_DONE.map((state) => `'${state}'`).join(", ");

export async function claim(
	{ query, dialect }: Transaction,
	pool: string,
	{ worker, seconds, limit, gone = [] }: Claim,
): Promise<Identity[]> {
	const chosen = await query<{ name_key: string }>(
		`SELECT name_key FROM clones_identities
		WHERE pool = $1 AND state IN (${UNFINISHED}) AND (
			worker IS NULL OR worker = $2 OR claimed_until < ${dialect.now} OR worker IN (${dialect.textsOf("$4")})
		)
		ORDER BY ordinal LIMIT $3 ${dialect.skipLocked}`,
		[pool, worker, limit, JSON.stringify(gone)],
	);
	if (chosen.length === 0) return [];
	const rows = await query<IdentityRow>(
		`UPDATE clones_identities
		SET worker = $2, claimed_until = ${dialect.now} + $3 * 1000, epoch = ${dialect.newEpoch}
		WHERE pool = $1 AND name_key IN (${dialect.textsOf("$4")}) RETURNING *`,
		[pool, worker, seconds, JSON.stringify(chosen.map(({ name_key }) => name_key))],
	);
	return rows.map(toIdentity).sort((a, b) => a.ordinal - b.ordinal);
}

export async function renew({ query, dialect }: Transaction, pool: string, worker: string, seconds: number) {
	await query(
		`UPDATE clones_identities SET claimed_until = ${dialect.now} + $3 * 1000 WHERE pool = $1 AND worker = $2`,
		[pool, worker, seconds],
	);
}

export async function unclaim({ query }: Transaction, pool: string, name: string, epoch: number) {
	await query(
		`UPDATE clones_identities SET worker = NULL, claimed_until = NULL
		WHERE pool = $1 AND name_key = $2 AND epoch = $3 AND state IN (${UNFINISHED})`,
		[pool, nameKey(name), epoch],
	);
}

export async function settle(
	transaction: Transaction,
	pool: string,
	name: string,
	epoch: number,
	secrets: Buffer | undefined,
): Promise<Identity> {
	const { query, dialect } = transaction;
	const [settled] = await query<IdentityRow>(
		`UPDATE clones_identities
		SET state = 'free', secrets = $4, owner = NULL, reason = NULL, worker = NULL, claimed_until = NULL, changed_at = ${dialect.now}
		WHERE pool = $1 AND name_key = $2 AND epoch = $3 AND state IN ('creating', 'returning') RETURNING *`,
		[pool, nameKey(name), epoch, secrets ?? null],
	);
	if (settled) return toIdentity(settled);
	const found = await findIdentity(transaction, pool, name, "");
	// The same call before has done it.
	if (found.state === "free" && Number(found.epoch) === epoch) return toIdentity(found);
	throw stale(found, epoch);
}

export async function forget(transaction: Transaction, pool: string, name: string, epoch: number): Promise<void> {
	const { query } = transaction;
	const key = [pool, nameKey(name)];
	const [gone] = await query(
		"DELETE FROM clones_identities WHERE pool = $1 AND name_key = $2 AND state = 'removing' AND epoch = $3 RETURNING name",
		[...key, epoch],
	);
	if (gone) return;
	const [found] = await query<IdentityRow>("SELECT * FROM clones_identities WHERE pool = $1 AND name_key = $2", key);
	if (found) throw stale(found, epoch);
}

/** @throws StaleEpochError when it is half-done and somebody else's work */
export function checkClaim(found: IdentityRow, epoch: number | undefined): void {
	const isClaimed = isHalfDone(found) && found.worker !== null;
	if (epoch === undefined ? isClaimed : epoch !== Number(found.epoch)) throw stale(found, epoch ?? 0);
}

function stale(found: IdentityRow, epoch: number): StaleEpochError {
	return new StaleEpochError(found.name, epoch, Number(found.epoch), found.state);
}
