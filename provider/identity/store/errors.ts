/** What a store refuses, each with what the caller can do about it. */
import type { State } from "../identity";

/** Anything a store refuses or cannot do. */
export class StoreError extends Error {
	constructor(message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
	}
}

/** The store cannot be reached, or is locked for longer than is waited. */
export class StoreUnavailableError extends StoreError {}

/** What the store needs is not installed. */
export class LibraryMissingError extends StoreError {}

export class NoSuchPoolError extends StoreError {
	constructor(readonly pool: string) {
		super(`there is no pool ${pool} in this store; it has to be made before identities are taken from it`);
	}
}

export class NoSuchIdentityError extends StoreError {
	constructor(
		readonly pool: string,
		readonly identityName: string,
	) {
		super(`pool ${pool} has no identity ${identityName}`);
	}
}

export type Counts = Record<State, number>;

export class NoneFreeError extends StoreError {
	constructor(
		readonly pool: string,
		readonly owner: string,
		readonly counts: Counts,
	) {
		super(
			`pool ${pool} has no free identity for ${owner}: ${inWords(counts)}. ` +
				"Let the pool grow, destroy a machine that holds one, or release one from quarantine",
		);
	}
}

/** "12 leased, 1 quarantined", or "it is empty". */
export function inWords(counts: Counts): string {
	const words = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []));
	return words.length === 0 ? "it is empty" : words.join(", ");
}

export class PoolDrainedError extends StoreError {
	constructor(
		readonly pool: string,
		readonly owner: string,
	) {
		super(`pool ${pool} is drained and gives ${owner} no identity: end the draining, or take another pool`);
	}
}

/** Somebody else has carried on: what an outdated holder says does not count. */
export class StaleEpochError extends StoreError {
	constructor(
		readonly identityName: string,
		readonly given: number,
		readonly current: number,
		readonly state: State,
	) {
		super(
			`epoch ${given} of identity ${identityName} is outdated: it is ${state} in epoch ${current}; nothing was changed`,
		);
	}
}

/** Refused because machines hold the identities. */
export class LeasedError extends StoreError {
	constructor(
		/** What was refused: "removed from pool web". */
		what: string,
		readonly leases: ReadonlyArray<{ name: string; owner: string }>,
	) {
		const all = leases.map(({ name, owner }) => `${name} (${owner})`);
		const listed = all.length > 10 ? [...all.slice(0, 10), `${all.length - 10} more`] : all;
		super(`cannot be ${what} while machines hold them: ${listed.join(", ")}. Destroy those machines first`);
	}
}

/** A name, MAC address, IP address, machine-id or licence id that another identity has. */
export class TakenError extends StoreError {
	constructor(
		readonly identityName: string,
		readonly pool: string,
		/** "IP address 10.0.0.7". */
		what: string,
		by: { name: string; pool: string },
	) {
		super(
			`identity ${identityName} of pool ${pool}: ${what} belongs to ${by.name} of pool ${by.pool} already; ` +
				"allowed is one that no other identity in this store has, or a pool with a realm of its own",
		);
	}
}
