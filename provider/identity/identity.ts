/** What an identity is: what a machine needs to be somebody. */

export interface NewIdentity {
	/** Host name without a domain: a label of letters, digits and hyphens. Case does not count. */
	name: string;
	/** MAC address of the first NIC, in lower case with colons. */
	mac?: string | undefined;
	/** Addresses without a prefix, as `canonicalAddress` writes them; at most one of each family when they are computed. */
	ips?: ReadonlyArray<string> | undefined;
	/** Content of /etc/machine-id: 32 hex digits. @default a random one */
	machineId?: string | undefined;
	/** Id of the licence that its machine uses; no secret. */
	licenceId?: string | undefined;
	/** Whatever else belongs to it; no secrets. */
	data?: Readonly<Record<string, string>> | undefined;
}

/** In the order of an identity's life; `quarantined` ones are left alone until somebody says otherwise. */
export const STATES = ["creating", "free", "leased", "returning", "quarantined", "removing"] as const;
export type State = (typeof STATES)[number];

/** States in which work is to be done that a killed process leaves to the next one. */
export const HALF_DONE: ReadonlyArray<State> = ["creating", "returning", "removing"];

export interface Identity extends NewIdentity {
	pool: string;
	/** Position in the pool, from 0; the lowest free one is taken first. */
	ordinal: number;
	ips: ReadonlyArray<string>;
	data: Readonly<Record<string, string>>;
	/** What only the machine may know, sealed by a key that the store never sees. */
	secrets?: Buffer | undefined;
	state: State;
	/** Who holds it (`leased`), or held it last. */
	owner?: string | undefined;
	/** Grows with each lease and each claim, never the same twice in a store: what an outdated holder says is refused. */
	epoch: number;
	/** Why it is quarantined. */
	reason?: string | undefined;
	/** Who is at work on it, while it is half-done. */
	worker?: string | undefined;
	createdAt: Date;
	/** When it came into this state. */
	changedAt: Date;
}

/** By this an identity's name is compared: a directory and DNS know no case. */
export function nameKey(name: string): string {
	return name.toLowerCase();
}
