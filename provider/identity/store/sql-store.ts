/** The store, in SQL that runs on SQLite and PostgreSQL. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Identity, type NewIdentity, nameKey, type State } from "../identity";
import { type Database, type Transaction, UniqueError } from "./database";
import { type Counts, NoneFreeError, StoreError } from "./errors";
import * as leases from "./leases";
import * as members from "./members";
import { countStates, findPool, type IdentityRow, type PoolRow, toIdentity, toPool } from "./rows";
import { migrate } from "./schema";
import type { Claim, IdentityStore, PoolOptions, PoolRecord } from "./store";
import * as work from "./work";

/** How often free ones that others have locked at the moment are tried again. */
const TRIES = 200;

export class SqlStore implements IdentityStore {
	private constructor(private readonly database: Database) {}

	/** Makes the tables where they are not there. */
	static async open(database: Database): Promise<SqlStore> {
		try {
			await migrate(database);
			return new SqlStore(database);
		} catch (error) {
			await database.close();
			throw error;
		}
	}

	get kind() {
		return this.database.dialect.kind;
	}

	get where() {
		return this.database.where;
	}

	async ensurePool(pool: string, { realm = "", settings = {} }: PoolOptions = {}): Promise<PoolRecord> {
		const { dialect } = this.database;
		const found = await this.within(async (transaction) => {
			await transaction.query(
				`INSERT INTO clones_pools (pool, realm, settings, created_at) VALUES ($1, $2, $3, ${dialect.now})
				ON CONFLICT (pool) DO NOTHING`,
				[pool, realm, JSON.stringify(settings)],
			);
			return toPool(await findPool(transaction, pool));
		});
		if (found.realm !== realm) {
			throw new StoreError(
				`pool ${pool} is of realm "${found.realm}"; got "${realm}": the realm of a pool does not change, make another pool`,
			);
		}
		return found;
	}

	async pools(): Promise<PoolRecord[]> {
		return (await this.database.query<PoolRow>("SELECT * FROM clones_pools ORDER BY pool")).map(toPool);
	}

	remake(pool: string, settings: Readonly<Record<string, string>>): Promise<void> {
		return this.within((transaction) => members.remake(transaction, pool, settings));
	}

	async drain(pool: string, drained: boolean): Promise<void> {
		await this.within(async (transaction) => {
			await findPool(transaction, pool);
			await transaction.query("UPDATE clones_pools SET drained = $2 WHERE pool = $1", [pool, drained ? 1 : 0]);
		});
	}

	async removePool(pool: string): Promise<void> {
		await this.within(async (transaction) => {
			const { query, dialect } = transaction;
			await query(`SELECT pool FROM clones_pools WHERE pool = $1 ${dialect.forUpdate}`, [pool]);
			const left = Object.values(await countStates(transaction, pool)).reduce((sum, count) => sum + count, 0);
			if (left > 0) throw new StoreError(`pool ${pool} has ${left} identities; only an empty pool can be removed`);
			await query("DELETE FROM clones_pools WHERE pool = $1", [pool]);
		});
	}

	async add(pool: string, identities: ReadonlyArray<NewIdentity>): Promise<void> {
		try {
			await this.within((transaction) => members.add(transaction, pool, identities));
		} catch (error) {
			if (!(error instanceof members.Collision)) throw error;
			throw await members.explainCollision(this.database, pool, error, identities);
		}
	}

	async allocate(pool: string, owner: string, { prefer = [] }: { prefer?: ReadonlyArray<string> | undefined } = {}) {
		for (let tries = 1; ; tries++) {
			try {
				const taken = await leases.allocate(this.database, pool, owner, prefer);
				if (taken) return taken;
			} catch (error) {
				// The same owner at the same moment: what came first has it now.
				if (error instanceof UniqueError && tries < TRIES) continue;
				throw error;
			}
			const counts = await this.count(pool);
			if (counts.free === 0 || tries >= TRIES) throw new NoneFreeError(pool, owner, counts);
			await sleep(Math.random() * 50);
		}
	}

	release(pool: string, owner: string, epoch: number): Promise<Identity | undefined> {
		return leases.release(this.database, pool, owner, epoch);
	}

	transfer(pool: string, from: string, to: string): Promise<Identity | undefined> {
		return leases.transfer(this.database, pool, from, to);
	}

	claim(pool: string, claim: Claim): Promise<Identity[]> {
		return this.within((transaction) => work.claim(transaction, pool, claim));
	}

	renew(pool: string, worker: string, seconds: number): Promise<void> {
		return work.renew(this.database, pool, worker, seconds);
	}

	unclaim(pool: string, name: string, epoch: number): Promise<void> {
		return work.unclaim(this.database, pool, name, epoch);
	}

	settle(pool: string, name: string, epoch: number, secrets?: Buffer): Promise<Identity> {
		return work.settle(this.database, pool, name, epoch, secrets);
	}

	retire(pool: string, names: ReadonlyArray<string>): Promise<void> {
		return this.within((transaction) => members.retire(transaction, pool, names));
	}

	forget(pool: string, name: string, epoch: number): Promise<void> {
		return work.forget(this.database, pool, name, epoch);
	}

	quarantine(pool: string, name: string, reason: string, epoch?: number): Promise<Identity> {
		return this.within((transaction) => members.quarantine(transaction, pool, name, reason, epoch));
	}

	unquarantine(pool: string, name: string): Promise<Identity> {
		return members.unquarantine(this.database, pool, name);
	}

	async list(
		pool: string,
		filter: { states?: ReadonlyArray<State>; owner?: string; name?: string } = {},
	): Promise<Identity[]> {
		const conditions = ["pool = $1"];
		const values = [pool];
		if (filter.states) {
			values.push(JSON.stringify(filter.states));
			conditions.push(`state IN (${this.database.dialect.textsOf(`$${values.length}`)})`);
		}
		if (filter.owner !== undefined) {
			values.push(filter.owner);
			conditions.push(`owner = $${values.length}`);
		}
		if (filter.name !== undefined) {
			values.push(nameKey(filter.name));
			conditions.push(`name_key = $${values.length}`);
		}
		const rows = await this.database.query<IdentityRow>(
			`SELECT * FROM clones_identities WHERE ${conditions.join(" AND ")} ORDER BY ordinal`,
			values,
		);
		return rows.map(toIdentity);
	}

	count(pool: string): Promise<Counts> {
		return countStates(this.database, pool);
	}

	async checkIntegrity(): Promise<void> {
		const { integrity } = this.database.dialect;
		if (integrity === undefined) return;
		const complaints = (await this.database.query<Record<string, string>>(integrity)).flatMap(Object.values);
		if (complaints.some((line) => line !== "ok")) {
			throw new StoreError(`identity store ${this.where} is damaged: ${complaints.slice(0, 5).join("; ")}`);
		}
	}

	close(): Promise<void> {
		return this.database.close();
	}

	private within<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
		return this.database.transaction(work);
	}
}
