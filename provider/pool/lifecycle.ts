/**
 * Storage pools of type `dir`. The owner is recorded as the product of the pool's source in the persistent definition;
 * the UUID, which is the id, is a function of the owner id that made it.
 */
import type { Change, Lifecycle } from "../lifecycle";
import { foundOwnLine } from "../owner";
import { isUnknown } from "../unknown";
import { forgetPools } from "../volume/pools";
import { activate, existsAlready, make, makeFirst, takeOver } from "./make";
import { refuseSharedDirectory } from "./others";
import { definitionOf, findOurs, isOurs, recordOwner, refuseForeign } from "./own";
import { removePool } from "./remove";
import { rename } from "./rename";
import { noteRename } from "./renamed";
import { type PoolFacts, type PoolInputs, poolSchema } from "./schema";
import { describePool } from "./xml";

export const pool: Lifecycle<PoolInputs, PoolFacts> = {
	name: "StoragePool",
	schema: poolSchema,
	outputs: ["name", "path"],

	/** Pure. */
	changes(olds, news) {
		const changed = (property: keyof PoolInputs & string, effect: Change["effect"], note: string): Change[] =>
			olds[property] === news[property] ? [] : [{ property, effect, note }];
		return [
			...changed("name", "live", "the pool is stopped for a moment and defined under the new name; its volumes stay"),
			...changed(
				"path",
				"replace",
				"the pool is made anew in another directory, and with it this program's volumes in it: what was written to them is lost",
			),
			...changed("autostart", "live", news.autostart ? "it starts with the host" : "it starts no more with the host"),
			...changed("deleteDirectory", "live", "it counts when the pool is deleted; nothing is done now"),
		];
	},

	async plan(inputs, context) {
		const { host, makes = "new" } = context;
		if (makes !== false) await refuseSharedDirectory(host, inputs);
		const existing = makes === "new" ? await host.pools.find(inputs.name) : undefined;
		if (!existing) return [];
		const described = await definitionOf(host, existing);
		if (isOurs(inputs, existing, described)) return [foundOwnLine(`the storage pool "${inputs.name}"`)];
		if (inputs.adopt) return [`takes over the storage pool "${inputs.name}" with what is in it (adopt)`];
		return [`warning: ${existsAlready(context, inputs, described)}`];
	},

	async settle(olds, news, { host }) {
		if (olds.name === news.name || isUnknown(news.name)) return news;
		// A preview without a way to the host goes on.
		const find = (name: string) => host.pools.find(name).catch(() => undefined);
		const found = (await find(olds.name)) ?? (await find(news.name));
		if (found) noteRename(host, [olds.name, news.name], found.uuid);
		return news;
	},

	async create(inputs, context) {
		const { host } = context;
		const existing = (await host.pools.find(inputs.name)) ?? (await findOurs(host, inputs));
		const uuid = existing ? await takeOver(context, inputs, existing) : await makeFirst(context, inputs);
		forgetPools(host);
		return { id: uuid, state: { ...inputs, uuid } };
	},

	/**
	 * A pool that is not active is marked incomplete, so that the next update starts it; and one that is not even defined,
	 * so that it is defined again: what was in its directory is there, and its volumes stay what they are.
	 */
	async read(id, state, { host, log }) {
		const existing = await host.pools.find(id);
		if (!existing) {
			log(`the storage pool "${state.name}" is not defined any more: pulumi up defines it again, for ${state.path}`);
			return { ...state, incomplete: true };
		}
		const { path } = describePool(await host.pools.xml(id));
		const { incomplete: _before, ...rest } = state;
		return {
			...rest,
			name: existing.name,
			uuid: existing.uuid,
			path: path ?? state.path,
			autostart: await host.pools.getAutostart(id),
			...(existing.active ? {} : { incomplete: true }),
		};
	},

	async exists(id, { host }) {
		return (await host.pools.find(id)) !== undefined;
	},

	async update(id, olds, news, { host }) {
		const existing = await host.pools.find(id);
		if (!existing) await make(host, news, id);
		else {
			refuseForeign(existing, await definitionOf(host, existing), [olds, news], "was not changed");
			if (existing.name !== news.name) await rename(host, existing, news);
			else {
				await recordOwner(host, existing, news);
				await activate(host, existing, news);
			}
		}
		forgetPools(host);
		return { ...news, uuid: id };
	},

	async delete(id, state, context) {
		const existing = await context.host.pools.find(id);
		if (existing) await removePool(existing, state, context);
		forgetPools(context.host);
	},
};
