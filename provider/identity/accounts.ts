/** Half-done identities, carried on: their accounts made, reset or removed, and what came of it recorded. */
import type { Account, Credentials, Directory } from "./directory/directory";
import { DirectoryError } from "./directory/errors";
import { type HostKey, newHostKeys } from "./host-keys";
import type { Identity } from "./identity";
import type { Sealer } from "./sealing";
import { StaleEpochError } from "./store/errors";
import type { IdentityStore } from "./store/store";

/** What only the machine may know. */
export interface Secrets {
	credentials: Credentials;
	hostKeys: HostKey[];
}

export interface Settings {
	store: IdentityStore;
	directory: Directory;
	sealer: Sealer;
	pool: string;
	/** Written into the accounts. */
	owner: string;
	/** Of the machines, when it is not the directory's own. */
	domain?: string | undefined;
}

/** What came of the work on one identity. */
export type Outcome =
	/** Done, or carried on by somebody else in the meantime. */
	| { kind: "done" }
	/** The account makes trouble; the identity is out of use. */
	| { kind: "quarantined"; name: string; reason: string }
	/** Left as it is, for later; `wholly` when the directory cannot be used for any. */
	| { kind: "left"; identity: Identity; error: unknown; wholly: boolean };

const LONGEST_REASON = 500;

/** @param identity claimed in its epoch */
export async function carryOn(settings: Settings, identity: Identity): Promise<Outcome> {
	const { store, directory, sealer, pool } = settings;
	const { name, epoch, state } = identity;
	try {
		if (state === "removing") {
			await directory.remove(accountOf(settings, identity));
			await store.forget(pool, name, epoch);
			return { kind: "done" };
		}
		const account = accountOf(settings, identity);
		const credentials = await (state === "creating" ? directory.create(account) : directory.reset(account));
		// What the machine before had known must not open the next one.
		const secrets: Secrets = { credentials, hostKeys: await newHostKeys(name) };
		await store.settle(pool, name, epoch, sealer.seal(name, secrets));
		return { kind: "done" };
	} catch (error) {
		if (error instanceof StaleEpochError) return { kind: "done" };
		return afterFailure(settings, identity, error);
	}
}

/** One that is not the directory's fault as a whole would fail for ever: it must not keep the others from being used. */
async function afterFailure(settings: Settings, identity: Identity, error: unknown): Promise<Outcome> {
	const { store, directory, pool } = settings;
	const { name, epoch, state } = identity;
	// No setting is to blame: the connection was lost, and whether it took effect is not known.
	if (error instanceof DirectoryError && error.setting === undefined) {
		return { kind: "left", identity, error, wholly: true };
	}
	try {
		await directory.check();
	} catch (unusable) {
		return { kind: "left", identity, error: unusable, wholly: true };
	}
	if (state === "removing") return { kind: "left", identity, error, wholly: false };
	const what = state === "creating" ? "its account could not be made" : "its credentials could not be reset";
	const reason = `${what}: ${error instanceof Error ? error.message : error}`.slice(0, LONGEST_REASON);
	try {
		await store.quarantine(pool, name, reason, epoch);
		return { kind: "quarantined", name, reason };
	} catch (refused) {
		if (refused instanceof StaleEpochError) return { kind: "done" };
		throw refused;
	}
}

export function accountOf({ owner, domain }: Settings, { name }: Identity): Account {
	return { name, owner, ...(domain !== undefined && { dnsName: `${name}.${domain}` }) };
}
