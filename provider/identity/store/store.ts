/**
 * Where pools of identities are recorded. Each operation is one transaction, and may be called again by whoever does not
 * know whether it took effect: a second call with the same arguments changes nothing more.
 */
import type { Identity, NewIdentity, State } from "../identity";
import type { Counts } from "./errors";

export interface PoolRecord {
	name: string;
	/** Names, MAC and IP addresses, machine-ids and licence ids are unique among the pools of one realm. */
	realm: string;
	/** No new leases. */
	drained: boolean;
	/** What the caller keeps with the pool, as it was when the pool was made (or remade); no secrets. */
	settings: Readonly<Record<string, string>>;
}

export interface PoolOptions {
	/** For networks that know nothing of each other, where the same addresses may be used twice. @default "" */
	realm?: string | undefined;
	settings?: Readonly<Record<string, string>> | undefined;
}

export interface Claim {
	/** Unique to this claim: a second one by the same worker text is the first one again. */
	worker: string;
	/** After this time without a renewal the work is anybody's. */
	seconds: number;
	/** At most as many. */
	limit: number;
	/** Workers that are known to have ended: their work is taken over at once. */
	gone?: ReadonlyArray<string> | undefined;
}

export interface IdentityStore {
	readonly kind: "sqlite" | "postgres";
	/** For messages: the file, or the server and its database. */
	readonly where: string;

	/** Makes the pool unless it is there. @throws StoreError when it is there in another realm */
	ensurePool(pool: string, options?: PoolOptions): Promise<PoolRecord>;
	/** All pools of the store, by name. */
	pools(): Promise<PoolRecord[]>;
	/**
	 * Begins again with other settings: all identities are `creating`, without secrets.
	 * @throws LeasedError, and nothing is changed, when machines hold some of them
	 */
	remake(pool: string, settings: Readonly<Record<string, string>>): Promise<void>;
	/** Ends new leases, or allows them again. */
	drain(pool: string, drained: boolean): Promise<void>;
	/** Removes an empty pool; succeeds when it is gone already. @throws StoreError when it has identities */
	removePool(pool: string): Promise<void>;

	/**
	 * Adds identities, all or none, in state `creating`. One that is there already with the same addresses stays as it is,
	 * but for its `data`.
	 * @throws TakenError when something of one is another's
	 */
	add(pool: string, identities: ReadonlyArray<NewIdentity>): Promise<void>;
	/**
	 * Begins the removal of identities: state `removing`. Names that are not there are passed over.
	 * @throws LeasedError, and none is removed, when machines hold some of them
	 */
	retire(pool: string, names: ReadonlyArray<string>): Promise<void>;
	/** Ends the removal of one; succeeds when it is gone already. @throws StaleEpochError */
	forget(pool: string, name: string, epoch: number): Promise<void>;

	/**
	 * What the owner holds already; else the first of the preferred ones that is free; else the lowest free one.
	 * @throws NoneFreeError with the counts, PoolDrainedError
	 */
	allocate(pool: string, owner: string, options?: { prefer?: ReadonlyArray<string> | undefined }): Promise<Identity>;
	/**
	 * Gives back: state `returning`.
	 * @returns undefined when the owner holds none any more
	 * @throws StaleEpochError when the owner holds one in another epoch
	 */
	release(pool: string, owner: string, epoch: number): Promise<Identity | undefined>;

	/**
	 * An owner under another name: keeps what it holds, in the same epoch.
	 * @returns undefined when the former name holds none
	 */
	transfer(pool: string, from: string, to: string): Promise<Identity | undefined>;

	/** Takes over half-done ones, lowest first: whoever has claimed one is alone at work on it, in an epoch of its own. */
	claim(pool: string, claim: Claim): Promise<Identity[]>;
	/** Keeps a claim. */
	renew(pool: string, worker: string, seconds: number): Promise<void>;
	/** Leaves a half-done one to the next. Changes nothing when somebody else has it. */
	unclaim(pool: string, name: string, epoch: number): Promise<void>;
	/** `creating` or `returning` becomes `free`, with new secrets. @throws StaleEpochError */
	settle(pool: string, name: string, epoch: number, secrets?: Buffer): Promise<Identity>;

	/**
	 * Keeps an identity from being used until it is released.
	 * @param epoch of the claim, when it is half-done; of the lease, when its own machine is what it is kept from
	 * @throws LeasedError, StaleEpochError
	 */
	quarantine(pool: string, name: string, reason: string, epoch?: number): Promise<Identity>;
	/** From quarantine to `returning`: its credentials are reset before it is free. */
	unquarantine(pool: string, name: string): Promise<Identity>;

	/** By their position in the pool. */
	list(pool: string, filter?: { states?: ReadonlyArray<State>; owner?: string; name?: string }): Promise<Identity[]>;
	count(pool: string): Promise<Counts>;

	/** @throws StoreError when the store's own check of its files finds something, as far as it has one */
	checkIntegrity(): Promise<void>;
	close(): Promise<void>;
}
