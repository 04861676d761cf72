/**
 * The guard of a stack on one host: it makes nothing, and when it is deleted, last of all, it removes what an
 * interrupted run made on that host but could not record in the state.
 */
import type { Lifecycle } from "../lifecycle";
import { guardTag, stackOf } from "../owner";
import { runPostponed } from "./postponed";
import { type GuardInputs, guardSchema } from "./schema";
import { sweep } from "./sweep";

export const guard: Lifecycle<GuardInputs, object> = {
	name: "Guard",
	schema: guardSchema,
	changes: (olds, news) =>
		(news.retained ?? []).every((name) => olds.retained?.includes(name))
			? []
			: [{ property: "retained", effect: "live", note: "recorded: which volumes are never swept" }],
	async create(inputs, { host }) {
		// Something is about to be made there: this is asked for meanwhile, and what fails is told where it matters.
		host.capabilitiesXml().catch(() => {});
		// A host that does not answer is not recorded: with a wrong address it could never be swept.
		await host.domains.list();
		return { id: `${stackOf(inputs.ownerId)}@${guardTag(inputs.uri)}`, state: inputs };
	},
	read: async (_id, state) => state,
	// What was retained once stays so: it may be on the host after its resource has gone from the program.
	update: async (_id, olds, news) => ({
		...news,
		retained: [...new Set([...(olds.retained ?? []), ...(news.retained ?? [])])].sort(),
	}),
	async delete(_id, state, { host, log }) {
		const stack = stackOf(state.ownerId);
		const { removed, kept } = await sweep(host, { stack, guard: guardTag(state.uri), retained: state.retained });
		for (const what of removed) log(`removed what an interrupted run had left: ${what}`);
		const { done, left } = await runPostponed(host);
		const stays = kept.filter((line) => !done.some((what) => line.startsWith(`${what}:`)));
		for (const line of [...left, ...stays]) log(`left in place: ${line}`);
	},
};
