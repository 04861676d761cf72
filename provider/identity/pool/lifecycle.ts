/** A pool of identities: made ahead of time, grown, shrunk, drained and removed. It is on no host. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type Context, IncompleteError, InputError, type Lifecycle } from "../../lifecycle";
import { stackOf } from "../../owner";
import { type Access, type OpenPool, withPool, withStore } from "../access";
import { Allocator } from "../allocator";
import type { Identity } from "../identity";
import { staticSettingsOf } from "../static-network";
import { inWords } from "../store/errors";
import type { IdentityStore } from "../store/store";
import { changes } from "./changes";
import { difference, membersOf, named } from "./members";
import { checkWhole, rules } from "./rules";
import { type IdentityPoolFacts, type IdentityPoolInputs, identityPoolSchema, type Member } from "./schema";

export const identityPool: Lifecycle<IdentityPoolInputs, IdentityPoolFacts> = {
	name: "IdentityPool",
	schema: identityPoolSchema,
	sensitive: ["encryptionKey"],
	outputs: ["name"],
	rules,

	async resolve(inputs) {
		checkWhole(inputs);
		return inputs;
	},

	changes,

	async plan(inputs, { makes = "new" }) {
		const members = membersOf(inputs);
		const lines = makes === false ? [] : [`makes ${named(members.map(({ name }) => name))}${inAccounts(inputs)}`];
		const { sqlite } = inputs.store;
		// Opening it would make it.
		if (sqlite && !existsSync(sqlite.path)) return [...lines, `makes the store ${sqlite.path}`];
		return withStore(inputs.store, async (store) => {
			const there = (await store.pools()).find(({ name }) => name === inputs.name);
			if (!there) return lines;
			if (makes === "new") refuseForeign(inputs, there.settings.owner, store);
			return [...lines, `now: ${inWords(await store.count(inputs.name))}`];
		});
	},

	async create(inputs, context) {
		const { name, encryptionKey } = inputs;
		const key = encryptionKey ?? randomBytes(32).toString("base64");
		const owner = await withStore(inputs.store, async (store) => {
			const there = (await store.pools()).find((pool) => pool.name === name);
			if (!there) return undefined;
			const { owner } = there.settings;
			refuseForeign(inputs, owner, store);
			// An interrupted run has made it, and its key is in no state.
			if (encryptionKey === undefined && isOwn(inputs, owner)) await beginAgain(store, inputs, key, owner!, context);
			return owner;
		});
		const access = accessOf(inputs, key, owner);
		const state = { ...inputs, access: JSON.stringify(access) };
		return withPool(access, context.log, async (open) => {
			try {
				return { id: name, state: { ...state, members: await converge(open, inputs) } };
			} catch (error) {
				// Recorded with its key: the next run finishes it, a destroy removes it.
				const message = error instanceof Error ? error.message : String(error);
				throw new IncompleteError<IdentityPoolInputs, IdentityPoolFacts>(name, { ...state, members: [] }, message, {
					cause: error,
				});
			}
		});
	},

	async read(_id, state) {
		const { name, store: settings } = state;
		if (settings.sqlite && !existsSync(settings.sqlite.path)) return undefined;
		return withStore(settings, async (store) => {
			const there = (await store.pools()).find((pool) => pool.name === name);
			if (!there) return undefined;
			const all = await store.list(name);
			return {
				...state,
				members: all.filter((identity) => identity.state !== "removing").map(memberOf),
				draining: there.drained,
			};
		});
	},

	async update(_id, olds, news, { log }) {
		const { key, owner } = JSON.parse(olds.access) as Access;
		const access = accessOf(news, news.encryptionKey ?? key, owner);
		const members = await withPool(access, log, (open) => converge(open, news));
		return { ...news, access: JSON.stringify(access), members };
	},

	/** Leases of this very stack are what an interrupted run left: its resources are deleted before their pool. */
	async delete(_id, state, { log }) {
		const access = JSON.parse(state.access) as Access;
		await withPool(access, log, async ({ store, allocator }) => {
			for (const { name, owner, epoch } of await store.list(access.pool, { states: ["leased"] })) {
				if (owner === undefined || stackOf(owner) !== stackOf(state.ownerId)) continue;
				log(`returned ${name}, which an interrupted run had taken for ${owner}`);
				await allocator.release(owner, epoch);
			}
			const all = await store.list(access.pool);
			await allocator.remove(all.map(({ name }) => name));
			await store.removePool(access.pool);
		});
	},
};

/** What was sealed by a key that nobody has is of no use: everything is made anew, but for what other stacks hold. */
async function beginAgain(
	store: IdentityStore,
	{ name, ownerId }: IdentityPoolInputs,
	key: string,
	owner: string,
	{ log }: Context,
): Promise<void> {
	const leases = await store.list(name, { states: ["leased"] });
	for (const { name: identity, owner: lessee = "", epoch } of leases) {
		if (stackOf(lessee) !== stackOf(ownerId)) continue;
		log(`took back ${identity}, which an interrupted run had given to ${lessee}`);
		await store.release(name, lessee, epoch);
	}
	await Allocator.remake({ store, pool: name, owner, key: { key } });
}

/** Makes the pool in the store what the inputs say, from wherever an earlier run has left it. */
async function converge(open: OpenPool, inputs: IdentityPoolInputs): Promise<Member[]> {
	const { store, allocator } = open;
	const wanted = membersOf(inputs);
	const there = await store.list(inputs.name);
	const { removed, changed } = difference(there, wanted);
	const going = [...removed, ...changed.map(({ name }) => name)];
	if (going.length > 0) await allocator.remove(going);
	await allocator.ensure(wanted);
	await quarantine(open, inputs);
	await store.drain(inputs.name, inputs.draining);
	return wanted.map(memberOf);
}

async function quarantine(
	{ store, allocator }: OpenPool,
	{ name: pool, quarantined }: IdentityPoolInputs,
): Promise<void> {
	const asked = new Set(quarantined);
	for (const { name, state, reason } of await store.list(pool)) {
		if (asked.has(name) && state !== "quarantined") await store.quarantine(pool, name, AS_ASKED);
		// What the directory made trouble with stays until it is named and unnamed.
		if (!asked.has(name) && state === "quarantined" && reason === AS_ASKED) await allocator.unquarantine(name);
	}
}

/** Why those are in quarantine that the program names. */
export const AS_ASKED = "as the program asks";

/** @param owner that the accounts are marked with: it stays when the pool gets another one */
function accessOf(inputs: IdentityPoolInputs, key: string, owner = inputs.ownerId): Access {
	const { name, realm, store, directory, domain } = inputs;
	const network = staticSettingsOf(inputs, membersOf(inputs));
	return { pool: name, realm, store, directory, domain, ...(network && { network }), owner, key };
}

function memberOf({ name, mac, ips = [] }: Pick<Identity, "name" | "mac"> & { ips?: ReadonlyArray<string> }): Member {
	return { name, ...(mac !== undefined && { mac }), ips: [...ips] };
}

function isOwn({ ownerId, previousOwnerIds = [] }: IdentityPoolInputs, owner = ""): boolean {
	return owner === ownerId || previousOwnerIds.includes(owner);
}

function refuseForeign(inputs: IdentityPoolInputs, owner: string | undefined, { where }: IdentityStore): void {
	if (isOwn(inputs, owner) || inputs.adopt) return;
	throw new InputError(
		"name",
		`got "${inputs.name}"; there is a pool of that name in ${where}, which belongs to "${owner}". Choose another name, or set adopt: true to take it over`,
	);
}

function inAccounts({ directory }: IdentityPoolInputs): string {
	const server = directory?.activeDirectory ?? directory?.ldap;
	return server ? `, with an account each in ${server.url}` : "";
}
