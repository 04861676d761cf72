/** What the state of a stack says of identities: its pools, the way to them, and who has a lease. */
import type { Access } from "../provider/identity/access";
import { deploymentOf, TYPES } from "./state";

export interface IdentityState {
	/** The ways to the pools that the stack has, or takes identities from, by their names. */
	pools: ReadonlyMap<string, Access>;
	/** Owner ids of all leases that the state knows. */
	owners: ReadonlySet<string>;
}

/** @throws Error for a text that is no export of a stack, one without secrets, and one of a run that was cut off */
export function readIdentityState(text: string): IdentityState {
	const { resources = [], pending_operations: pending = [] } = deploymentOf(text);
	if (pending.length > 0) {
		throw new Error(
			`the state has ${pending.length} pending operation(s) of a run that was cut off: who it gave identities is not in it. ` +
				"Run pulumi up, then pulumi refresh --clear-pending-creates, and try again.",
		);
	}
	const pools = new Map<string, Access>();
	const owners = new Set<string>();
	for (const { type, inputs, outputs } of resources) {
		const isLease = type === `${TYPES}Identity`;
		if (!isLease && type !== `${TYPES}IdentityPool`) continue;
		const access = JSON.parse(plain(isLease ? inputs?.pool : outputs?.access)) as Access;
		// The pool's own is the newest.
		if (!isLease || !pools.has(access.pool)) pools.set(access.pool, access);
		if (isLease && typeof inputs?.ownerId === "string") owners.add(inputs.ownerId);
	}
	return { pools, owners };
}

/** The way to a pool is a secret, which an export holds as JSON of its own. */
function plain(value: unknown): string {
	if (typeof value === "string") return value;
	const { plaintext } = Object(value) as { plaintext?: unknown };
	if (typeof plaintext === "string") return JSON.parse(plaintext) as string;
	throw new Error(
		"the state holds its secrets encrypted, and with them the way to the pools; write it with `pulumi stack export --show-secrets`",
	);
}
