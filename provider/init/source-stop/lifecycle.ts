/**
 * The end of a machine whose clones have taken its place: it is shut down and no longer starts with the host. It stays
 * defined, with its disk, and nothing here ever starts it.
 */
import { turnOff } from "../../domain/power";
import type { Change, Context, Lifecycle } from "../../lifecycle";
import { withAccess } from "../access";
import { type SourceStopInputs, sourceStopSchema } from "./schema";

export const sourceStop: Lifecycle<SourceStopInputs, object> = {
	name: "SourceStop",
	schema: sourceStopSchema,
	sensitive: ["elevatedCredentials"],

	/** Pure. */
	changes(olds, news) {
		if (olds.domain !== news.domain) {
			return [{ property: "domain", effect: "replace", note: "another machine is shut down" }];
		}
		return olds.timeoutSeconds === news.timeoutSeconds
			? []
			: [{ property: "timeoutSeconds", effect: "live", note: "recorded" } satisfies Change];
	},

	async plan({ domain, elevatedCredentials }, context) {
		if (context.makes === false) return [];
		return withAccess(context, elevatedCredentials, async ({ host }) => {
			const info = await host.domains.find(domain);
			if (!info || info.state === "shutoff") return [];
			return [
				`${info.name} is shut down once all clones are up; it stays off, and does not start with the host any more`,
			];
		});
	},

	async create(inputs, context) {
		await withAccess(context, inputs.elevatedCredentials, (able) => end(able, inputs));
		return { id: inputs.domain, state: inputs };
	},

	read: async (_id, state) => state,

	update: async (_id, _olds, news) => news,

	async delete() {},
};

async function end(context: Context, { domain, timeoutSeconds }: SourceStopInputs): Promise<void> {
	const { host, log } = context;
	const info = await host.domains.find(domain);
	if (!info) return;
	if (info.persistent && (await host.domains.getAutostart(info.uuid)))
		await host.domains.setAutostart(info.uuid, false);
	if (info.state === "shutoff") return;
	log(`all clones are up: shuts ${info.name} down`);
	await turnOff(context, info.uuid, timeoutSeconds);
}
