/** Which identities a pool has, and which of them are not to be used. */
import { type Identity, type NewIdentity, nameKey } from "../identity";
import { newMachineId } from "../machine-id";
import { type Queries, type Transaction, UniqueError } from "./database";
import { LeasedError, StoreError, TakenError } from "./errors";
import { findIdentity, findPool, type IdentityRow, toIdentity } from "./rows";
import { checkClaim } from "./work";

/** What could not be added, because something of it is another's. */
export class Collision extends Error {
	constructor(
		readonly identity: NewIdentity,
		readonly realm: string,
	) {
		super();
	}
}

export async function add(
	transaction: Transaction,
	pool: string,
	identities: ReadonlyArray<NewIdentity>,
): Promise<void> {
	const { query, dialect } = transaction;
	// Others that add to the pool wait here.
	const { realm } = await findPool(transaction, pool, dialect.forUpdate);
	const rows = await query<IdentityRow>("SELECT * FROM clones_identities WHERE pool = $1 ORDER BY ordinal", [pool]);
	const known = new Map(rows.map((row) => [row.name_key, toIdentity(row)]));
	let ordinal = Number(rows.at(-1)?.ordinal ?? -1);
	for (const identity of identities) {
		const there = known.get(nameKey(identity.name));
		if (there) await keep(transaction, there, identity);
		else await insert(transaction, pool, realm, ++ordinal, identity);
	}
}

async function keep({ query }: Transaction, there: Identity, wanted: NewIdentity): Promise<void> {
	const { pool, name } = there;
	if (there.state === "removing") throw new StoreError(`identity ${name} of pool ${pool} is being removed: run again`);
	for (const [what, old, given] of [
		["MAC address", there.mac, wanted.mac],
		["IP addresses", there.ips.join(", "), wanted.ips?.join(", ")],
		["machine-id", there.machineId, wanted.machineId],
		["licence id", there.licenceId, wanted.licenceId],
	]) {
		if (given === undefined || given === old) continue;
		throw new StoreError(
			`identity ${name} of pool ${pool} has ${old ? `the ${what} ${old}` : `no ${what}`}, not ${given}: ` +
				"what an identity is does not change; give the new one another name, or remove this one first",
		);
	}
	const data = wanted.data && JSON.stringify(wanted.data);
	if (data === undefined || data === JSON.stringify(there.data)) return;
	await query("UPDATE clones_identities SET data = $3 WHERE pool = $1 AND name_key = $2", [pool, nameKey(name), data]);
}

async function insert(
	{ query, dialect }: Transaction,
	pool: string,
	realm: string,
	ordinal: number,
	identity: NewIdentity,
): Promise<void> {
	const { name, mac, ips = [], machineId = newMachineId(), licenceId, data = {} } = identity;
	const key = nameKey(name);
	try {
		await query(
			`INSERT INTO clones_identities
			(pool, name_key, ordinal, realm, name, mac, ips, machine_id, licence_id, data, state, created_at, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'creating', ${dialect.now}, ${dialect.now})`,
			[
				pool,
				key,
				ordinal,
				realm,
				name,
				mac ?? null,
				JSON.stringify(ips),
				machineId,
				licenceId ?? null,
				JSON.stringify(data),
			],
		);
		for (const ip of ips) {
			await query("INSERT INTO clones_addresses (realm, ip, pool, name_key) VALUES ($1, $2, $3, $4)", [
				realm,
				ip,
				pool,
				key,
			]);
		}
	} catch (error) {
		throw error instanceof UniqueError ? new Collision(identity, realm) : error;
	}
}

/** Whose the thing is that could not be added; to be asked after the transaction has been given up. */
export async function explainCollision(
	{ query }: Queries,
	pool: string,
	{ identity, realm }: Collision,
	among: ReadonlyArray<NewIdentity>,
): Promise<Error> {
	const { name, mac, ips = [], machineId, licenceId } = identity;
	const byColumn = (column: string) => (value: string) =>
		query<{ name: string; pool: string }>(
			`SELECT name, pool FROM clones_identities WHERE realm = $1 AND ${column} = $2`,
			[realm, value],
		);
	const byAddress = (ip: string) =>
		query<{ name: string; pool: string }>(
			`SELECT i.name, i.pool FROM clones_addresses a JOIN clones_identities i ON i.pool = a.pool AND i.name_key = a.name_key
			WHERE a.realm = $1 AND a.ip = $2`,
			[realm, ip],
		);
	const others = among.filter((other) => other !== identity);
	const sought: Array<[string, string | undefined, typeof byAddress, (other: NewIdentity) => boolean]> = [
		["the name", nameKey(name), byColumn("name_key"), (other) => nameKey(other.name) === nameKey(name)],
		["MAC address", mac, byColumn("mac"), (other) => other.mac === mac],
		["machine-id", machineId, byColumn("machine_id"), (other) => other.machineId === machineId],
		["licence id", licenceId, byColumn("licence_id"), (other) => other.licenceId === licenceId],
		...ips.map((ip): (typeof sought)[number] => [
			"IP address",
			ip,
			byAddress,
			(other) => other.ips?.includes(ip) ?? false,
		]),
	];
	for (const [what, value, find, isTwin] of sought) {
		if (value === undefined) continue;
		const [recorded] = await find(value);
		const twin = recorded ?? others.filter(isTwin).map((other) => ({ name: other.name, pool }))[0];
		if (twin) return new TakenError(name, pool, `${what} ${value}`, twin);
	}
	return new StoreError(`identity ${name} of pool ${pool} has something that another one had a moment ago: run again`);
}

export async function retire(transaction: Transaction, pool: string, names: ReadonlyArray<string>): Promise<void> {
	const { query, dialect } = transaction;
	const which = `pool = $1 AND name_key IN (${dialect.textsOf("$2")})`;
	const values = [pool, JSON.stringify(names.map(nameKey))];
	const rows = await query<IdentityRow>(
		`SELECT * FROM clones_identities WHERE ${which} ORDER BY ordinal ${dialect.forUpdate}`,
		values,
	);
	refuseLeased(`removed from pool ${pool}`, rows);
	// The work of those that are at it does not count any more.
	await query(
		`UPDATE clones_identities
		SET state = 'removing', epoch = ${dialect.newEpoch}, worker = NULL, claimed_until = NULL, changed_at = ${dialect.now}
		WHERE ${which} AND state <> 'removing'`,
		values,
	);
}

export async function remake(
	transaction: Transaction,
	pool: string,
	settings: Readonly<Record<string, string>>,
): Promise<void> {
	const { query, dialect } = transaction;
	await findPool(transaction, pool, dialect.forUpdate);
	const rows = await query<IdentityRow>(`SELECT * FROM clones_identities WHERE pool = $1 ${dialect.forUpdate}`, [pool]);
	refuseLeased(`made anew in pool ${pool}`, rows);
	await query("UPDATE clones_pools SET settings = $2 WHERE pool = $1", [pool, JSON.stringify(settings)]);
	await query(
		`UPDATE clones_identities
		SET state = 'creating', secrets = NULL, reason = NULL, epoch = ${dialect.newEpoch}, worker = NULL,
			claimed_until = NULL, changed_at = ${dialect.now}
		WHERE pool = $1 AND state <> 'removing'`,
		[pool],
	);
}

/** @param what completes "cannot be ..." */
function refuseLeased(what: string, rows: ReadonlyArray<IdentityRow>): void {
	const leased = rows.filter(({ state }) => state === "leased");
	if (leased.length === 0) return;
	throw new LeasedError(
		what,
		leased.map(({ name, owner }) => ({ name, owner: owner ?? "" })),
	);
}

export async function quarantine(
	transaction: Transaction,
	pool: string,
	name: string,
	reason: string,
	epoch: number | undefined,
): Promise<Identity> {
	const { query, dialect } = transaction;
	const found = await findIdentity(transaction, pool, name, dialect.forUpdate);
	if (found.state === "leased" && epoch === undefined) {
		throw new LeasedError("put into quarantine", [{ name: found.name, owner: found.owner ?? "" }]);
	}
	if (found.state === "removing") throw new StoreError(`identity ${found.name} of pool ${pool} is being removed`);
	if (found.state !== "quarantined") checkClaim(found, epoch);
	const [row] = await query<IdentityRow>(
		`UPDATE clones_identities
		SET state = 'quarantined', reason = $3, worker = NULL, claimed_until = NULL, changed_at = ${dialect.now}
		WHERE pool = $1 AND name_key = $2 RETURNING *`,
		[pool, found.name_key, reason],
	);
	return toIdentity(row!);
}

export async function unquarantine(transaction: Transaction, pool: string, name: string): Promise<Identity> {
	const { query, dialect } = transaction;
	const [row] = await query<IdentityRow>(
		`UPDATE clones_identities SET state = 'returning', reason = NULL, changed_at = ${dialect.now}
		WHERE pool = $1 AND name_key = $2 AND state = 'quarantined' RETURNING *`,
		[pool, nameKey(name)],
	);
	return toIdentity(row ?? (await findIdentity(transaction, pool, name, "")));
}
