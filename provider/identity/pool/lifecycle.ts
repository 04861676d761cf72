/** A pool of identities: made ahead of time, grown, shrunk, drained and removed. It is on no host. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type Change, type Context, InputError, type Lifecycle, type State } from "../../lifecycle";
import { logicalNameOf, stackOf } from "../../owner";
import { type Access, directoryOf, type OpenPool, withPool, withStore } from "../access";
import type { Identity } from "../identity";
import { exactlyOne } from "../settings";
import { inWords } from "../store/errors";
import type { IdentityStore } from "../store/store";
import { difference, membersOf, named } from "./members";
import { type IdentityPoolFacts, type IdentityPoolInputs, identityPoolSchema, type Member } from "./schema";

type Full = State<IdentityPoolInputs, IdentityPoolFacts>;

export const identityPool: Lifecycle<IdentityPoolInputs, IdentityPoolFacts> = {
	name: "IdentityPool",
	schema: identityPoolSchema,
	sensitive: ["encryptionKey"],
	outputs: ["name"],
	rules: [
		{ property: "store", needs: ["store"], check: ({ store }) => exactlyOne(store, ["sqlite", "postgres"]) },
		{
			property: "directory",
			needs: ["directory"],
			check: ({ directory }) => directory && exactlyOne(directory, ["ldap", "activeDirectory"]),
		},
	],

	async resolve(inputs) {
		const names = new Set(membersOf(inputs).map(({ name }) => name));
		const stranger = inputs.quarantined.find((name) => !names.has(name));
		if (stranger !== undefined) {
			throw new InputError("quarantined", `got "${stranger}"; allowed are names of identities of this pool`);
		}
		checkKey(inputs.encryptionKey);
		await directoryOf(inputs.directory).close();
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
			return [...lines, `now: ${inWords(await store.count(inputs.name))}`, ...(await orphansOf(store, inputs))];
		});
	},

	async create(inputs, context) {
		const owner = await withStore(inputs.store, async (store) => {
			const there = (await store.pools()).find(({ name }) => name === inputs.name);
			if (there) refuseForeign(inputs, there.settings.owner, store);
			return there?.settings.owner;
		});
		const key = inputs.encryptionKey ?? randomBytes(32).toString("base64");
		return { id: inputs.name, state: await converge(accessOf(inputs, key, owner), inputs, context) };
	},

	async read(_id, state) {
		const { name, store: settings } = state;
		if (settings.sqlite && !existsSync(settings.sqlite.path)) return undefined;
		return withStore(settings, async (store) => {
			const there = (await store.pools()).find((pool) => pool.name === name);
			if (!there) return undefined;
			const all = await store.list(name);
			const orphans = await orphansOf(store, state);
			const { orphans: _before, ...rest } = state;
			return {
				...rest,
				members: all.filter((identity) => identity.state !== "removing").map(memberOf),
				draining: there.drained,
				...(orphans.length > 0 ? { orphans } : {}),
			};
		});
	},

	async update(_id, olds, news, context) {
		const { key, owner } = JSON.parse(olds.access) as Access;
		return converge(accessOf(news, news.encryptionKey ?? key, owner), news, context);
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

/** Pure. */
function changes(olds: Full | IdentityPoolInputs, news: IdentityPoolInputs): Change[] {
	const found: Change[] = [];
	const differs = (property: keyof IdentityPoolInputs) =>
		JSON.stringify(olds[property]) !== JSON.stringify(news[property]);
	const anew = "the pool is made anew; refused while machines hold identities of it";
	for (const property of ["name", "realm", "encryptionKey"] as const) {
		if (differs(property)) found.push({ property, effect: "replace", note: anew });
	}
	if (placeOf(olds) !== placeOf(news)) found.push({ property: "store", effect: "replace", note: anew });
	else if (differs("store")) found.push({ property: "store", effect: "live", note: "it is reached in another way" });
	if (accountsOf(olds) !== accountsOf(news)) found.push({ property: "directory", effect: "replace", note: anew });
	else if (differs("directory")) {
		found.push({ property: "directory", effect: "live", note: "it is reached in another way" });
	}
	if (differs("domain")) {
		found.push({ property: "domain", effect: "live", note: "counts for accounts that are made or reset from now on" });
	}
	found.push(...memberChanges(olds, news));
	if (olds.draining !== news.draining) {
		const note = news.draining ? "no identity is given out any more" : "identities are given out again";
		found.push({ property: "draining", effect: "live", note });
	}
	if (differs("quarantined")) {
		const [before, after] = [new Set(olds.quarantined), new Set(news.quarantined)];
		const into = news.quarantined.filter((name) => !before.has(name));
		const out = olds.quarantined.filter((name) => !after.has(name));
		const note = [
			...(into.length > 0 ? [`${named(into)} into quarantine`] : []),
			...(out.length > 0 ? [`${named(out)} out of it, with new credentials`] : []),
		].join("; ");
		found.push({ property: "quarantined", effect: "live", note });
	}
	return found;
}

function memberChanges(olds: Full | IdentityPoolInputs, news: IdentityPoolInputs): Change[] {
	// What is gone from the store, as a refresh has seen, is made again.
	const there = "members" in olds ? new Set(olds.members.map(({ name }) => name)) : undefined;
	const before = quietly(() => membersOf(olds))?.filter(({ name }) => !there || there.has(name));
	const after = quietly(() => membersOf(news));
	if (!before || !after) return [];
	const { added, removed, changed } = difference(before, after);
	const property = news.identities ? "identities" : "count";
	const live = (note: string): Change => ({ property, effect: "live", note });
	return [
		...(added.length > 0 ? [live(`makes ${named(added.map(({ name }) => name))}`)] : []),
		...(removed.length > 0 ? [live(`removes ${named(removed)}; refused while machines hold them`)] : []),
		...(changed.length > 0
			? [
					live(
						`makes ${named(changed.map(({ name }) => name))} anew with other addresses; refused while machines hold them`,
					),
				]
			: []),
	];
}

/** Makes the pool in the store what the inputs say, from wherever an earlier run has left it. */
async function converge(access: Access, inputs: IdentityPoolInputs, { log }: Context): Promise<Full> {
	return withPool(access, log, async (open) => {
		const { store, allocator } = open;
		const wanted = membersOf(inputs);
		const there = await store.list(inputs.name);
		const { removed, changed } = difference(there, wanted);
		const going = [...removed, ...changed.map(({ name }) => name)];
		if (going.length > 0) await allocator.remove(going);
		await allocator.ensure(wanted);
		await quarantine(open, inputs);
		await store.drain(inputs.name, inputs.draining);
		return { ...inputs, access: JSON.stringify(access), members: wanted.map(memberOf) };
	});
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

const AS_ASKED = "as the program asks";

/** @param owner that the accounts are marked with: it stays when the pool gets another one */
function accessOf(inputs: IdentityPoolInputs, key: string, owner = inputs.ownerId): Access {
	const { name, realm, store, directory, domain } = inputs;
	return { pool: name, realm, store, directory, domain, owner, key };
}

function memberOf({ name, mac, ips = [] }: Pick<Identity, "name" | "mac"> & { ips?: ReadonlyArray<string> }): Member {
	return { name, ...(mac !== undefined && { mac }), ips: [...ips] };
}

/** Leases of this stack whose resources are in the program no more: what an interrupted run, or a lost state, left. */
async function orphansOf(store: IdentityStore, { name, ownerId, lessees }: IdentityPoolInputs): Promise<string[]> {
	if (!lessees) return [];
	const known = new Set(lessees);
	return (await store.list(name, { states: ["leased"] })).flatMap(({ name: identity, owner, changedAt }) => {
		if (owner === undefined || stackOf(owner) !== stackOf(ownerId) || known.has(logicalNameOf(owner))) return [];
		return [`${identity} is held by ${owner} since ${changedAt.toISOString()}, which is not in the program any more`];
	});
}

function refuseForeign(inputs: IdentityPoolInputs, owner: string | undefined, { where }: IdentityStore): void {
	if (owner === inputs.ownerId || inputs.previousOwnerIds?.includes(owner ?? "") || inputs.adopt) return;
	throw new InputError(
		"name",
		`got "${inputs.name}"; there is a pool of that name in ${where}, which belongs to "${owner}". Choose another name, or set adopt: true to take it over`,
	);
}

function inAccounts({ directory }: IdentityPoolInputs): string {
	const server = directory?.activeDirectory ?? directory?.ldap;
	return server ? `, with an account each in ${server.url}` : "";
}

/** What tells one store from another, however it is reached. */
function placeOf({ store }: IdentityPoolInputs): string {
	const { sqlite, postgres } = store;
	return sqlite ? `sqlite ${sqlite.path}` : `postgres ${postgres?.host} ${postgres?.port} ${postgres?.database}`;
}

/** Where the accounts are. */
function accountsOf({ directory }: IdentityPoolInputs): string {
	if (directory?.activeDirectory) return `activeDirectory ${directory.activeDirectory.ou}`;
	return directory?.ldap ? `ldap ${directory.ldap.baseDn}` : "none";
}

function checkKey(key: string | undefined): void {
	if (key === undefined || (Buffer.from(key, "base64").length === 32 && /^[A-Za-z0-9+/]{43}=$/.test(key))) return;
	throw new InputError(
		"encryptionKey",
		'got a value that is not shown; allowed are 32 bytes in base64, as "openssl rand -base64 32" makes them',
	);
}

/** undefined where something is not known yet. */
function quietly<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}
