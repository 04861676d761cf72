/**
 * Identities with their accounts: made ahead of time, leased, and made new before they are leased again. What a killed
 * process leaves half-done is carried on by the next one that comes by.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { accountOf, carryOn, type Outcome, type Secrets, type Settings } from "./accounts";
import type { Directory, Membership } from "./directory/directory";
import { HALF_DONE, type Identity, type NewIdentity, nameKey } from "./identity";
import { type KeySource, newSealing, type SealingSettings, sealerOf } from "./sealing";
import { NoneFreeError } from "./store/errors";
import type { IdentityStore } from "./store/store";
import { isGone, newWorker } from "./worker";

export interface AllocatorOptions {
	/** Closed by whoever opened it, as is the directory. */
	store: IdentityStore;
	directory: Directory;
	pool: string;
	/** See `PoolOptions`. */
	realm?: string | undefined;
	/** Deterministic name of the pool; written into the accounts. */
	owner: string;
	/** Domain of the machines, when it is not the directory's own. */
	domain?: string | undefined;
	/** Opens the secrets; the same for all that use the pool. */
	key: KeySource;
	/** How many accounts are worked on at the same time. @default 4 */
	parallel?: number | undefined;
	/** How long to wait for what others are at work on. @default 120 */
	patienceSeconds?: number | undefined;
	/** A line about what was not as expected. */
	log?: ((line: string) => void) | undefined;
}

export interface Lease {
	identity: Identity;
	secrets: Secrets;
}

/** A claim ends this long after its last renewal; a process of this machine that has ended is known at once. */
const CLAIM_SECONDS = 60;
const RENEWAL_MS = 20_000;
const POLL_MS = 250;
/** How many are claimed at once, for each that is worked on. */
const AHEAD = 4;

export class Allocator {
	private constructor(
		private readonly settings: Settings,
		private readonly parallel: number,
		private readonly patienceMs: number,
		private readonly log: (line: string) => void,
	) {}

	/**
	 * Begins again with another key, for a pool that is there: its identities are made anew by the next `ensure`.
	 * @throws LeasedError when machines hold some of them
	 */
	static async remake({ store, pool, owner, key }: Pick<AllocatorOptions, "store" | "pool" | "owner" | "key">) {
		await store.remake(pool, { ...(await newSealing(key, pool)), owner });
	}

	/** Makes the pool when it is not there. @throws InputError when the key is not the pool's */
	static async open(options: AllocatorOptions): Promise<Allocator> {
		const { store, directory, pool, realm, owner, domain, key } = options;
		const known = (await store.pools()).find(({ name }) => name === pool);
		const settings = known?.settings ?? { ...(await newSealing(key, pool)), owner };
		const record = await store.ensurePool(pool, { realm, settings });
		const sealer = await sealerOf(key, pool, record.settings as SealingSettings);
		return new Allocator(
			{ store, directory, sealer, pool, owner, domain },
			options.parallel ?? 4,
			(options.patienceSeconds ?? 120) * 1000,
			options.log ?? (() => {}),
		);
	}

	/**
	 * Adds those that are not there, and waits until none of them is half-done.
	 * @throws TakenError, and none is added; what the directory throws, and the next call carries on
	 */
	async ensure(identities: ReadonlyArray<NewIdentity>): Promise<void> {
		const { store, pool } = this.settings;
		await store.add(pool, identities);
		await this.settled(identities.map(({ name }) => name));
	}

	/** Removes identities with their accounts. @throws LeasedError, and none is removed, when machines hold some of them */
	async remove(names: ReadonlyArray<string>): Promise<void> {
		const { store, pool } = this.settings;
		await store.retire(pool, names);
		await this.settled(names);
	}

	/**
	 * What the owner holds already, else a free one; one that is being made ready is waited for when there is no other.
	 * @throws NoneFreeError with the counts, PoolDrainedError
	 */
	async allocate(owner: string, options: { prefer?: ReadonlyArray<string> } = {}): Promise<Lease> {
		const { store, pool } = this.settings;
		const deadline = performance.now() + this.patienceMs;
		for (;;) {
			try {
				return this.opened(await store.allocate(pool, owner, options));
			} catch (error) {
				if (!(error instanceof NoneFreeError) || error.counts.creating + error.counts.returning === 0) throw error;
				await this.resume();
				const { free } = await store.count(pool);
				if (free === 0 && performance.now() > deadline) throw error;
				if (free === 0) await sleep(POLL_MS);
			}
		}
	}

	/** Keeps what the owner holds under a former name, if it does. */
	async keep(owner: string, formerNames: ReadonlyArray<string>): Promise<void> {
		const { store, pool } = this.settings;
		for (const former of formerNames) if (former !== owner) await store.transfer(pool, former, owner);
	}

	/**
	 * Gives back, and makes it ready for the next. Succeeds when the owner holds none any more. When the directory cannot be
	 * used now, the identity stays `returning` and is made ready later.
	 * @throws StaleEpochError
	 */
	async release(owner: string, epoch: number): Promise<void> {
		const { store, pool } = this.settings;
		const released = await store.release(pool, owner, epoch);
		if (released === undefined) return;
		await this.resume().catch((error) => {
			this.log(`identity ${released.name} has been returned, and is made ready by a later run: ${messageOf(error)}`);
		});
	}

	/** The same for what the owner holds, whatever its epoch: when the owner is gone for good. */
	async releaseHeld(owner: string): Promise<void> {
		const { store, pool } = this.settings;
		const [held] = await store.list(pool, { states: ["leased"], owner });
		if (held) await this.release(owner, held.epoch);
	}

	/**
	 * Whether the directory takes the credentials of a lease.
	 * @returns undefined without a directory
	 * @throws NoMemberError when it does not; DirectoryError when that could not be found out
	 */
	async prove(name: string, epoch: number): Promise<Membership | undefined> {
		const { store, directory, pool } = this.settings;
		const [held] = await store.list(pool, { states: ["leased"], name });
		if (held?.epoch !== epoch)
			throw new Error(`identity ${name} is not held by its machine any more: run pulumi refresh`);
		return directory.prove(accountOf(this.settings, held), this.opened(held).secrets.credentials);
	}

	/** Takes one out of quarantine, and makes it ready. */
	async unquarantine(name: string): Promise<void> {
		await this.settings.store.unquarantine(this.settings.pool, name);
		await this.settled([name]);
	}

	/**
	 * Carries on what is half-done and nobody is at work on.
	 * @throws what the directory throws; what was not done is left for the next call
	 */
	async resume(): Promise<void> {
		const { store, pool } = this.settings;
		const gone = await this.goneWorkers();
		const left: Array<Outcome & { kind: "left" }> = [];
		try {
			while (!left.some(({ wholly }) => wholly)) {
				const outcomes = await this.carryOnSome(gone);
				if (outcomes.length === 0) break;
				for (const outcome of outcomes) {
					if (outcome.kind === "left") left.push(outcome);
					if (outcome.kind === "quarantined") this.log(`identity ${outcome.name} is in quarantine: ${outcome.reason}`);
				}
			}
		} finally {
			// Only now, or they would have been taken up again at once.
			for (const { identity } of left) await store.unclaim(pool, identity.name, identity.epoch);
		}
		if (left.length > 0) throw left[0]!.error;
	}

	private async carryOnSome(gone: ReadonlyArray<string>): Promise<Outcome[]> {
		const { store, pool } = this.settings;
		const worker = newWorker();
		const limit = this.parallel * AHEAD;
		const claimed = await store.claim(pool, { worker, seconds: CLAIM_SECONDS, limit, gone });
		const renewal = setInterval(() => store.renew(pool, worker, CLAIM_SECONDS).catch(() => {}), RENEWAL_MS);
		const outcomes: Outcome[] = [];
		const next = async () => {
			for (let identity = claimed.shift(); identity; identity = claimed.shift()) {
				outcomes.push(await carryOn(this.settings, identity));
			}
		};
		try {
			const lanes = Array.from({ length: this.parallel }, next);
			// When the store is away for one, the others finish what they have begun, and begin nothing more.
			await Promise.all(lanes).catch(async (error) => {
				claimed.length = 0;
				await Promise.allSettled(lanes);
				throw error;
			});
			return outcomes;
		} finally {
			clearInterval(renewal);
		}
	}

	private async goneWorkers(): Promise<string[]> {
		const halfDone = await this.settings.store.list(this.settings.pool, { states: HALF_DONE });
		return [...new Set(halfDone.flatMap(({ worker }) => worker ?? []))].filter(isGone);
	}

	/** Works, and waits for others that do, until none of these is half-done. */
	private async settled(names: ReadonlyArray<string>): Promise<void> {
		const { store, pool } = this.settings;
		const wanted = new Set(names.map(nameKey));
		const deadline = performance.now() + this.patienceMs;
		for (;;) {
			await this.resume();
			const open = (await store.list(pool, { states: HALF_DONE })).filter(({ name }) => wanted.has(nameKey(name)));
			if (open.length === 0) return;
			if (performance.now() > deadline) {
				throw new Error(
					`pool ${pool}: another process is at work on ${open.map(({ name }) => name).join(", ")} and does not finish; run again`,
				);
			}
			await sleep(POLL_MS);
		}
	}

	private opened(identity: Identity): Lease {
		const { sealer } = this.settings;
		const { secrets, ...rest } = identity;
		return { identity: rest, secrets: sealer.open(identity.name, secrets ?? Buffer.alloc(0)) as Secrets };
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
