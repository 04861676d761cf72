/**
 * Who takes identities of a pool, recorded with each run, so that a refresh tells leases whose resources are gone. A
 * resource of its own: nothing depends on it, so that a change of it touches neither the pool nor any lease.
 */
import { existsSync } from "node:fs";
import { listed } from "../../allowed";
import type { Change, Lifecycle } from "../../lifecycle";
import { logicalNameOf, stackOf } from "../../owner";
import { type Access, withStore } from "../access";
import { type LesseesInputs, lesseesSchema } from "./schema";

export const lessees: Lifecycle<LesseesInputs, object> = {
	name: "Lessees",
	schema: lesseesSchema,
	sensitive: ["pool"],

	/** Pure. */
	changes(olds, news): Change[] {
		const found: Change[] = [];
		if (olds.pool !== news.pool) found.push({ property: "pool", effect: "live", note: "recorded" });
		if (olds.lessees.join() !== news.lessees.join()) {
			found.push({
				property: "lessees",
				effect: "live",
				note: "recorded, so that a refresh tells leases that nobody has",
			});
		}
		if (olds.orphans?.join() !== news.orphans?.join()) {
			const note = `left over: ${listed(olds.orphans ?? news.orphans ?? [], "and")}; see docs/identities.md, "Changes"`;
			found.push({ property: "orphans", effect: "live", note });
		}
		return found;
	},

	async create(inputs) {
		return { id: (JSON.parse(inputs.pool) as Access).pool, state: inputs };
	},

	/** What leases of this stack has the program not declared: an interrupted run, or a lost state, left them. */
	async read(_id, { orphans: _before, ...state }) {
		const { pool, store: settings } = JSON.parse(state.pool) as Access;
		if (settings.sqlite && !existsSync(settings.sqlite.path)) return state;
		const known = new Set(state.lessees);
		const leases = await withStore(settings, (store) => store.list(pool, { states: ["leased"] }));
		const orphans = leases.flatMap(({ name, owner, changedAt }) => {
			if (owner === undefined || stackOf(owner) !== stackOf(state.ownerId) || known.has(logicalNameOf(owner)))
				return [];
			return [`${name} is held by ${owner} since ${changedAt.toISOString()}, which is not in the program any more`];
		});
		return orphans.length > 0 ? { ...state, orphans } : state;
	},

	async update(_id, _olds, news) {
		return news;
	},

	async delete() {},
};
