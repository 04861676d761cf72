/**
 * Scripts that are put into what is there already, and taken out of it in the end: a disk that nobody uses by libguestfs, a
 * running machine by its guest agent.
 */
import { isDeepStrictEqual } from "node:util";
import { look } from "../../domain/look";
import { type Change, type Context, InputError, type Lifecycle } from "../../lifecycle";
import { isUnknown } from "../../unknown";
import { firstDisk } from "../../volume/domain-disks";
import { findPool, findVolume } from "../../volume/pools";
import { type DomainUse, refuseWhileUsed } from "../../volume/uses";
import { parse, serialize } from "../../xml/element";
import { withAccess } from "../access";
import { runScripts, type ScriptFacts } from "../awaited";
import { injectThroughAgent } from "../inject/agent";
import { guestfishObstacle } from "../inject/guestfish";
import { injectIntoSource, refuseInUse } from "../inject/into-source";
import { NOTHING } from "../inject/placed";
import { payloadOf, recordedOf, shortVersion } from "../injected";
import type { Payload } from "../payload-type";
import { isStartedForThis, whilePoweredOn } from "./powered";
import { type InjectionFacts, type InjectionInputs, injectionSchema, rules } from "./schema";

/** For the guest of one that was started for scripts in a former run. */
const SHUTDOWN_SECONDS = 300;

/** Where it goes. */
type Target =
	| { kind: "disk"; path: string }
	| { kind: "machine"; uuid: string; name: string; powerOnSeconds?: number | undefined };

export const injection: Lifecycle<InjectionInputs, InjectionFacts> = {
	name: "Injection",
	schema: injectionSchema,
	sensitive: ["injected", "elevatedCredentials"],
	rules,

	resolve: async (inputs) => ({ ...inputs, injected: recordedOf(inputs.injected) }),

	/** Pure. */
	changes(olds, news) {
		const found: Change[] = [];
		for (const property of ["volume", "domain"] as const) {
			if (olds[property] === news[property]) continue;
			found.push({ property, effect: "replace", note: "the scripts are taken out there, and put in here" });
		}
		for (const property of ["elevatedCredentials", "run", "powerOnSeconds"] as const) {
			if (isDeepStrictEqual(olds[property], news[property])) continue;
			found.push({
				property,
				effect: "live",
				note: "recorded: used when scripts are put in or taken out the next time",
			});
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

	plan: (inputs, context) =>
		withAccess(context, inputs.elevatedCredentials, async (able) => {
			const { files } = payloadOf(inputs.injected);
			const target = await targetOf(able, inputs);
			const where =
				target.kind === "disk" ? `${target.path} itself by libguestfs` : `${target.name} by its guest agent`;
			const powered = target.kind === "machine" && target.powerOnSeconds !== undefined;
			const obstacle =
				target.kind === "disk" ? ((await userOf(able, target.path)) ?? (await guestfishObstacle())) : undefined;
			return [
				`scripts ${shortVersion(inputs.injected)}: ${files.length} files are put into ${where}${powered ? ", for which it is started; it is off again afterwards" : ""}`,
				...(obstacle === undefined ? [] : [`warning: ${obstacle}`]),
			];
		}),

	async create(inputs, context) {
		const started = performance.now();
		const { target, scripts } = await put(context, inputs, payloadOf(inputs.injected), inputs.run);
		const injectMs = Math.round(performance.now() - started);
		const place = target.kind === "disk" ? target.path : target.uuid;
		// Not that of the disk or the machine, which are resources of their own.
		return {
			id: `scripts in ${place}`,
			state: { ...inputs, target: place, ...(scripts && { scripts }), timings: { injectMs } },
		};
	},

	read: (_id, state, context) =>
		withAccess(context, state.elevatedCredentials, async ({ host }) => {
			const isThere =
				state.domain === undefined ? await findVolume(host, state.target) : await host.domains.find(state.domain);
			return isThere && state;
		}),

	async update(_id, olds, news, context) {
		const { target, timings } = olds;
		if (olds.injected.version === news.injected.version) return { ...news, target, scripts: olds.scripts, timings };
		const { scripts } = await put(context, news, payloadOf(news.injected), news.run);
		return { ...news, target, scripts: scripts ?? olds.scripts, timings };
	},

	async delete(id, state, context) {
		if (state.leave || !(await injection.read(id, state, context))) return;
		await put(context, state, NOTHING);
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
async function targetOf(
	{ host }: Pick<Context, "host">,
	{ volume, domain, powerOnSeconds }: InjectionInputs,
): Promise<Target> {
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
	const { uuid, name } = found;
	const root = parse(await host.domains.xml(uuid, { inactive: true }), `the definition of ${name}`);
	// Cut off in the middle: it is off afterwards. One that somebody else has started goes on.
	if (await isStartedForThis(host, found))
		return { kind: "machine", uuid, name, powerOnSeconds: powerOnSeconds ?? SHUTDOWN_SECONDS };
	if (found.state === "running") return { kind: "machine", uuid, name };
	if (found.state !== "shutoff") {
		throw new InputError(
			"domain",
			`got ${JSON.stringify(found.name)}, which is ${found.state}; allowed is one that runs or is off: resume it, or shut it down`,
		);
	}
	const disk = firstDisk(serialize(root))?.disk;
	const pool = disk?.pool === undefined ? undefined : await findPool(host, disk.pool);
	const path = disk?.path ?? (pool && (await host.volumes.findInPool(pool.uuid, disk!.volume!)))?.path;
	if (path !== undefined)
		return powerOnSeconds === undefined ? { kind: "disk", path } : { kind: "machine", uuid, name, powerOnSeconds };
	throw new InputError("domain", `got ${JSON.stringify(found.name)}, which has no disk; allowed is one with a disk`);
}

/** Its guest would write to what others stand on. @throws InUseError that names them */
async function refuseDependents({ host }: Context, uuid: string): Promise<void> {
	const others = { overlays: true, domains: (use: DomainUse) => use.uuid !== uuid };
	for (const { chain } of (await look(host, uuid))?.config.disks ?? []) {
		if (chain[0] !== undefined) await refuseWhileUsed(host, chain[0], "written to by a guest that is started", others);
	}
}

/** @returns where it went, and what has become of the scripts where they are to run */
function put(context: Context, inputs: InjectionInputs, payload: Payload, run?: InjectionInputs["run"]) {
	return withAccess(context, inputs.elevatedCredentials, async (able) => {
		const target = await targetOf(able, inputs);
		return { target, scripts: await putInto(able, target, payload, run) };
	});
}

async function putInto(
	context: Context,
	target: Target,
	payload: Payload,
	run: InjectionInputs["run"],
): Promise<ScriptFacts[] | undefined> {
	if (target.kind === "disk") {
		await injectIntoSource(context, target.path, payload);
		return undefined;
	}
	const { uuid, name, powerOnSeconds } = target;
	if (powerOnSeconds !== undefined) {
		await refuseDependents(context, uuid);
		await whilePoweredOn(context, target, powerOnSeconds, () => injectThroughAgent(context.host, uuid, payload));
		return undefined;
	}
	await injectThroughAgent(context.host, uuid, payload);
	// Also where they were there already: an earlier run may have been cut off before this. The guest knows what is due.
	return run && runScripts(context, uuid, name, run);
}
