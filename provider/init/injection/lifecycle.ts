/**
 * Scripts that are put into what is there already, and taken out of it in the end: a disk that nobody uses by libguestfs, a
 * running machine by its guest agent.
 */
import { type Change, type Context, InputError, type Lifecycle } from "../../lifecycle";
import { isUnknown } from "../../unknown";
import { firstDisk } from "../../volume/domain-disks";
import { findPool, findVolume } from "../../volume/pools";
import { runScripts, type ScriptFacts } from "../awaited";
import { injectThroughAgent } from "../inject/agent";
import { guestfishObstacle } from "../inject/guestfish";
import { injectIntoSource, refuseInUse } from "../inject/into-source";
import { NOTHING } from "../inject/placed";
import { payloadOf, recordedOf, shortVersion } from "../injected";
import type { Payload } from "../payload-type";
import { type InjectionFacts, type InjectionInputs, injectionSchema, rules } from "./schema";

/** Where it goes. */
type Target = { kind: "disk"; path: string } | { kind: "machine"; uuid: string; name: string };

export const injection: Lifecycle<InjectionInputs, InjectionFacts> = {
	name: "Injection",
	schema: injectionSchema,
	sensitive: ["injected"],
	rules,

	resolve: async (inputs) => ({ ...inputs, injected: recordedOf(inputs.injected) }),

	/** Pure. */
	changes(olds, news) {
		const found: Change[] = [];
		for (const property of ["volume", "domain"] as const) {
			if (olds[property] === news[property]) continue;
			found.push({ property, effect: "replace", note: "the scripts are taken out there, and put in here" });
		}
		if (isUnknown(news.injected) || olds.injected.version !== news.injected.version) {
			found.push({
				property: "injected",
				effect: "live",
				note: "other scripts take the place of those that are there",
			});
		}
		return found;
	},

	async plan(inputs, context) {
		const { files } = payloadOf(inputs.injected);
		const target = await targetOf(context, inputs);
		const where = target.kind === "disk" ? `${target.path} itself by libguestfs` : `${target.name} by its guest agent`;
		const obstacle =
			target.kind === "disk" ? ((await userOf(context, target.path)) ?? (await guestfishObstacle())) : undefined;
		return [
			`scripts ${shortVersion(inputs.injected)}: ${files.length} files are put into ${where}`,
			...(obstacle === undefined ? [] : [`warning: ${obstacle}`]),
		];
	},

	async create(inputs, context) {
		const started = performance.now();
		const target = await targetOf(context, inputs);
		const scripts = await put(context, target, payloadOf(inputs.injected), inputs.run);
		const injectMs = Math.round(performance.now() - started);
		const place = target.kind === "disk" ? target.path : target.uuid;
		// Not that of the disk or the machine, which are resources of their own.
		return {
			id: `scripts in ${place}`,
			state: { ...inputs, target: place, ...(scripts && { scripts }), timings: { injectMs } },
		};
	},

	async read(_id, state, { host }) {
		const isThere =
			state.domain === undefined ? await findVolume(host, state.target) : await host.domains.find(state.domain);
		return isThere && state;
	},

	async update(_id, olds, news, context) {
		const { target, timings } = olds;
		const scripts = await put(context, await targetOf(context, news), payloadOf(news.injected), news.run);
		return { ...news, target, scripts: scripts ?? olds.scripts, timings };
	},

	async delete(id, state, context) {
		if (state.leave || !(await injection.read(id, state, context))) return;
		await put(context, await targetOf(context, state), NOTHING);
	},
};

/** Who keeps a disk from being given scripts, as `up` would say it. */
async function userOf({ host }: Context, path: string): Promise<string | undefined> {
	return refuseInUse(host, path).then(
		() => undefined,
		(error: Error) => error.message,
	);
}

/** @throws InputError when there is no such volume or domain */
async function targetOf({ host }: Pick<Context, "host">, { volume, domain }: InjectionInputs): Promise<Target> {
	if (domain === undefined) {
		const found = await findVolume(host, volume!);
		if (found) return { kind: "disk", path: found.path };
		throw new InputError(
			"volume",
			`got ${JSON.stringify(volume)}; allowed is the path or key of a volume on ${host.uri}`,
		);
	}
	const found = await host.domains.find(domain);
	if (!found) {
		throw new InputError(
			"domain",
			`got ${JSON.stringify(domain)}; allowed is the UUID or name of a domain on ${host.uri}`,
		);
	}
	if (found.state === "running") return { kind: "machine", uuid: found.uuid, name: found.name };
	if (found.state !== "shutoff") {
		throw new InputError(
			"domain",
			`got ${JSON.stringify(found.name)}, which is ${found.state}; allowed is one that runs or is off: resume it, or shut it down`,
		);
	}
	const disk = firstDisk(await host.domains.xml(found.uuid, { inactive: true }))?.disk;
	const pool = disk?.pool === undefined ? undefined : await findPool(host, disk.pool);
	const path = disk?.path ?? (pool && (await host.volumes.findInPool(pool.uuid, disk!.volume!)))?.path;
	if (path !== undefined) return { kind: "disk", path };
	throw new InputError("domain", `got ${JSON.stringify(found.name)}, which has no disk; allowed is one with a disk`);
}

/** @returns what has become of the scripts, where they are to run */
async function put(
	context: Context,
	target: Target,
	payload: Payload,
	run?: InjectionInputs["run"],
): Promise<ScriptFacts[] | undefined> {
	if (target.kind === "disk") {
		await injectIntoSource(context, target.path, payload);
		return undefined;
	}
	const { uuid, name } = target;
	await injectThroughAgent(context.host, uuid, payload);
	// Also where they were there already: an earlier run may have been cut off before this. The guest knows what is due.
	return run && runScripts(context, uuid, name, run);
}
