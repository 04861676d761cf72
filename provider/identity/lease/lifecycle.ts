/** One identity, held for as long as its resource is there. */
import type { Change, Lifecycle, State } from "../../lifecycle";
import { type Access, withPool, withStore } from "../access";
import type { Lease } from "../allocator";
import { type IdentityFacts, type IdentityInputs, identitySchema } from "./schema";

type Full = State<IdentityInputs, IdentityFacts>;

export const identity: Lifecycle<IdentityInputs, IdentityFacts> = {
	name: "Identity",
	schema: identitySchema,
	sensitive: ["access"],

	/** Pure. */
	changes(olds, news): Change[] {
		if (olds.access === news.access) return [];
		const [before, after] = [accessOf(olds), accessOf(news)];
		if (before && after && before.pool === after.pool && before.key === after.key) {
			return [{ property: "access", effect: "live", note: "recorded: its pool is reached in another way" }];
		}
		return [{ property: "access", effect: "replace", note: "it is returned, and one of the other pool is taken" }];
	},

	async plan({ access, ownerId, prefer }, { makes = "new" }) {
		if (makes === false) return [];
		const { pool, store: settings } = JSON.parse(access) as Access;
		return withStore(settings, async (store) => {
			const [held] = await store.list(pool, { states: ["leased"], owner: ownerId });
			if (held) return [`keeps ${held.name} of the pool ${pool}, which it holds already`];
			const free = await store.list(pool, { states: ["free"] });
			if (free.length === 0) return [`warning: the pool ${pool} has no free identity now`];
			const wanted = free.find(({ name }) => prefer.includes(name));
			return [`takes ${wanted ? wanted.name : "one"} of ${free.length} free identities of the pool ${pool}`];
		});
	},

	async create(inputs, { log }) {
		const access = parsed(inputs);
		const { ownerId, prefer, previousOwnerIds = [] } = inputs;
		const lease = await withPool(access, log, async ({ allocator }) => {
			await allocator.keep(ownerId, previousOwnerIds);
			return allocator.allocate(ownerId, { prefer });
		});
		return { id: `${access.pool}/${lease.identity.name}`, state: { ...inputs, ...factsOf(lease) } };
	},

	/** Gone when the store says that somebody else holds it, or nobody. */
	async read(_id, state) {
		const { pool, store: settings } = parsed(state);
		return withStore(settings, async (store) => {
			const [held] = await store.list(pool, { states: ["leased"], owner: state.ownerId });
			return held?.epoch === state.epoch ? state : undefined;
		});
	},

	async update(_id, olds, news, { log }) {
		const lease = await withPool(parsed(news), log, async ({ allocator }) => {
			await allocator.keep(news.ownerId, [olds.ownerId]);
			return allocator.allocate(news.ownerId, { prefer: [olds.profile.name] });
		});
		if (lease.identity.name === olds.profile.name) return { ...news, ...factsOf(lease) };
		throw new Error(
			`identity ${olds.profile.name} is held by somebody else by now; run pulumi refresh, then pulumi up takes another`,
		);
	},

	async delete(_id, state, { log }) {
		await withPool(parsed(state), log, ({ allocator }) => allocator.release(state.ownerId, state.epoch));
	},
};

function factsOf({ identity: taken, secrets }: Lease): IdentityFacts {
	const { name, mac, ips, machineId, data, epoch } = taken;
	const { password, keytab, joinBlob } = secrets.credentials;
	return {
		profile: { name, ...(mac !== undefined && { mac }), ips: [...ips], machineId: machineId!, data: { ...data } },
		secrets: { password, keytab, joinBlob, hostKeys: secrets.hostKeys },
		epoch,
	};
}

function parsed({ access }: Pick<Full, "access">): Access {
	return JSON.parse(access) as Access;
}

/** undefined while it is not known. */
function accessOf(inputs: Pick<Full, "access">): Access | undefined {
	try {
		return parsed(inputs);
	} catch {
		return undefined;
	}
}
