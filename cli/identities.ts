/** Looking at pools of identities, and returning what nobody holds any more. Nothing that is secret is ever shown. */
import { type Access, withPool, withStore } from "../provider/identity/access";
import type { Identity } from "../provider/identity/identity";
import { AS_ASKED } from "../provider/identity/pool/lifecycle";
import { stackOf } from "../provider/owner";
import type { IdentityState } from "./identity-state";
import { table } from "./table";

export interface Asked {
	stack: string;
	state: IdentityState;
	/** Only this pool. */
	pool?: string | undefined;
}

const COLUMNS = ["pool", "identity", "state", "owner", "epoch", "since", ""] as const;

/** @returns lines of a table, one for each identity */
export async function listIdentities(asked: Asked): Promise<string[]> {
	const rows: string[][] = [];
	for (const access of poolsOf(asked)) {
		for (const identity of await withStore(access.store, (store) => store.list(access.pool))) {
			const { name, state, owner = "-", epoch, changedAt } = identity;
			const shownOwner = state === "leased" ? owner : "-";
			rows.push([
				access.pool,
				name,
				state,
				shownOwner,
				String(epoch),
				changedAt.toISOString(),
				noteOn(identity, asked),
			]);
		}
	}
	if (rows.length === 0) return [`no identities in pools of ${asked.stack}`];
	return table([[...COLUMNS], ...rows]);
}

/**
 * Returns one whose owner is gone, or takes it out of quarantine; its credentials are reset.
 * @param owner names it, where it is of a stack that is gone itself
 * @param dryRun only tells what it would do
 * @returns what was done
 * @throws Error when somebody holds it, or there is nothing to return
 */
export async function releaseIdentity(
	name: string,
	asked: Asked & { owner?: string | undefined; dryRun: boolean; log: (line: string) => void },
): Promise<string> {
	const { access, identity } = await find(name, asked);
	const refusal = identity.state === "quarantined" ? quarantineRefusal(identity) : leaseRefusal(identity, asked);
	if (refusal !== undefined) throw new Error(`${identity.name} of the pool ${access.pool} ${refusal}`);
	const quarantined = identity.state === "quarantined";
	if (!asked.dryRun) {
		await withPool(access, asked.log, ({ allocator }) =>
			quarantined ? allocator.unquarantine(identity.name) : allocator.release(identity.owner!, identity.epoch),
		);
	}
	const what = quarantined ? `in quarantine: ${identity.reason}` : `held by ${identity.owner}`;
	return `${identity.name} of the pool ${access.pool}, ${what}`;
}

function noteOn({ state, owner, reason }: Identity, { stack, state: { owners } }: Asked): string {
	if (state === "quarantined") return reason ?? "";
	if (state !== "leased" || owner === undefined) return "";
	if (stackOf(owner) !== stack) return "of another stack";
	return owners.has(owner) ? "" : "its owner is gone";
}

function leaseRefusal(
	{ state, owner, changedAt }: Identity,
	{ stack, state: { owners }, owner: named }: Asked & { owner?: string | undefined },
): string | undefined {
	if (state !== "leased" || owner === undefined) return `is ${state}; allowed are leased ones, and those in quarantine`;
	const held = `is held by ${owner} since ${changedAt.toISOString()}`;
	if (owners.has(owner)) return `${held}, which is in the state of its stack; destroy it there, and it is returned`;
	if (named !== undefined && named !== owner) return `${held}; --owner: got ${JSON.stringify(named)}`;
	if (stackOf(owner) === stack || named === owner) return undefined;
	return (
		`${held}, of another stack; give that stack as --stack. If it is gone for good, and no machine of it runs any more: ` +
		`--owner ${owner}`
	);
}

function quarantineRefusal({ reason }: Identity): string | undefined {
	return reason === AS_ASKED
		? "is in quarantine as the program asks; take it from the pool's `quarantined`"
		: undefined;
}

async function find(name: string, asked: Asked): Promise<{ access: Access; identity: Identity }> {
	const found: Array<{ access: Access; identity: Identity }> = [];
	for (const access of poolsOf(asked)) {
		const all = await withStore(access.store, (store) => store.list(access.pool));
		const identity = all.find((own) => own.name.toLowerCase() === name.toLowerCase());
		if (identity) found.push({ access, identity });
	}
	if (found.length > 1) {
		const pools = found.map(({ access }) => access.pool).join(" and ");
		throw new Error(`${name} is in the pools ${pools}; say which with --pool`);
	}
	if (!found[0]) throw new Error(`no pool of ${asked.stack} has an identity ${name}`);
	return found[0];
}

function poolsOf({ stack, state, pool }: Asked): Access[] {
	const all = [...state.pools.values()];
	if (pool === undefined) return all;
	const found = all.filter((own) => own.pool === pool);
	if (found.length > 0) return found;
	const names = [...state.pools.keys()].join(", ") || "it has none";
	throw new Error(`--pool: got ${JSON.stringify(pool)}; allowed are pools of ${stack}: ${names}`);
}
