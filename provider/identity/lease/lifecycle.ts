/** One identity, held for as long as its resource is there. */
import { listed } from "../../allowed";
import type { Change, Lifecycle, State } from "../../lifecycle";
import { isUnknown } from "../../unknown";
import { type Access, withPool, withStore } from "../access";
import type { Lease } from "../allocator";
import { staticNetworkOf } from "../static-network";
import { isNotThere, lostBy } from "./lost";
import { type IdentityFacts, type IdentityInputs, identitySchema } from "./schema";

type Full = State<IdentityInputs, IdentityFacts>;

export const identity: Lifecycle<IdentityInputs, IdentityFacts> = {
	name: "Identity",
	schema: identitySchema,
	sensitive: ["pool"],

	/** What its machine has lost to quarantine only the store knows. */
	async resolve(inputs) {
		const lost = await lostBy(inputs.ownerId, parsed(inputs));
		return lost === undefined ? inputs : { ...inputs, lost };
	},

	/** Pure. */
	changes(olds, news): Change[] {
		const { lost } = news;
		if (lost !== undefined && !("profile" in olds && olds.profile.name !== lost)) {
			return [{ property: "lost", effect: "replace", note: `${lost} is in quarantine, and another one is taken` }];
		}
		if (olds.pool === news.pool) return [];
		// A pool that is made anew gives away its name as little as the rest.
		const isSamePool = olds.poolName !== undefined && olds.poolName === news.poolName;
		if (isUnknown(news.pool) && isSamePool) return [];
		const [before, after] = [accessOf(olds), accessOf(news)];
		if (before && after && before.pool === after.pool && before.key === after.key) {
			return [{ property: "pool", effect: "live", note: "recorded: its pool or network is reached in another way" }];
		}
		return [{ property: "pool", effect: "replace", note: "it is returned, and one of the other pool is taken" }];
	},

	async plan(inputs, { makes = "new" }) {
		if (makes === false) return [];
		const { ownerId, prefer, channel } = inputs;
		const told = channel === undefined ? [] : [`its machine is told by ${channel}`];
		const { pool, store: settings } = parsed(inputs);
		if (isNotThere(settings)) return [`warning: the store ${settings.sqlite!.path} is not on this machine`, ...told];
		return withStore(settings, async (store) => {
			const [held] = await store.list(pool, { states: ["leased"], owner: ownerId });
			if (held) return [`keeps ${held.name} of the pool ${pool}, which it holds already`, ...told];
			const free = await store.list(pool, { states: ["free"] });
			if (free.length === 0) return [`warning: the pool ${pool} has no free identity now`, ...told];
			const wanted = free.find(({ name }) => prefer.includes(name));
			return [
				`takes ${wanted ? wanted.name : "one"} of ${free.length} free identities of the pool ${pool}`,
				...(prefer.length > 0 && !wanted ? [`warning: none of ${listed(prefer, "and")} is free now`] : []),
				...told,
			];
		});
	},

	async create(inputs, { log }) {
		const access = parsed(inputs);
		const { ownerId, prefer, previousOwnerIds = [] } = inputs;
		const lease = await withPool(access, log, async ({ allocator }) => {
			await allocator.keep(ownerId, previousOwnerIds);
			return allocator.allocate(ownerId, { prefer });
		});
		return { id: `${access.pool}/${lease.identity.name}`, state: { ...inputs, ...factsOf(lease, access) } };
	},

	/** Gone when the store says that somebody else holds it, or nobody. */
	async read(id, state, { log }) {
		const { pool, store: settings } = parsed(state);
		if (isNotThere(settings)) {
			log(`${id} was not looked at: the store ${settings.sqlite!.path} is not on this machine`);
			return state;
		}
		return withStore(settings, async (store) => {
			const [held] = await store.list(pool, { states: ["leased"], owner: state.ownerId });
			return held?.epoch === state.epoch ? state : undefined;
		});
	},

	async update(_id, olds, news, { log }) {
		const access = parsed(news);
		const lease = await withPool(access, log, async ({ allocator }) => {
			await allocator.keep(news.ownerId, [olds.ownerId]);
			return allocator.allocate(news.ownerId, { prefer: [olds.profile.name] });
		});
		if (lease.identity.name === olds.profile.name) return { ...news, ...factsOf(lease, access) };
		throw new Error(
			`identity ${olds.profile.name} is held by somebody else by now; run pulumi refresh, then pulumi up takes another`,
		);
	},

	async delete(_id, state, { log }) {
		await withPool(parsed(state), log, ({ allocator }) => allocator.release(state.ownerId, state.epoch));
	},
};

function factsOf({ identity: taken, secrets }: Lease, { network }: Access): IdentityFacts {
	const { name, mac, ips, machineId, licenceId, data, epoch } = taken;
	const { password, keytab, joinBlob } = secrets.credentials;
	return {
		profile: {
			name,
			...(mac !== undefined && { mac }),
			ips: [...ips],
			...(network && { network: staticNetworkOf(network, ips) }),
			machineId: machineId!,
			...(licenceId !== undefined && { licenceId }),
			data: { ...data },
		},
		secrets: { password, keytab, joinBlob, hostKeys: secrets.hostKeys },
		epoch,
	};
}

function parsed({ pool }: Pick<Full, "pool">): Access {
	return JSON.parse(pool) as Access;
}

/** undefined while it is not known. */
function accessOf(inputs: Pick<Full, "pool">): Access | undefined {
	try {
		return parsed(inputs);
	} catch {
		return undefined;
	}
}
