/**
 * A fork point: a machine that was booted, made ready and stopped for good, so that others go on from there. On the host
 * it is a machine that is off, with a disk that nobody writes to any more, and two files: its memory and its devices.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { chooseAccelerator } from "../domain/accelerator";
import { removeDomain } from "../domain/create";
import { look } from "../domain/look";
import { note } from "../domain/note";
import { foreign } from "../domain/own";
import { recordedOf, shortVersion } from "../init/injected";
import type { Host } from "../libvirt";
import type { Change, Lifecycle } from "../lifecycle";
import { foundOwnLine, isOwnedBy } from "../owner";
import { backingChain } from "../volume/bases";
import { forgetMade, isSucceeded, rememberMade } from "../volume/made-here";
import { findVolume, usablePool } from "../volume/pools";
import { remove } from "../volume/remove";
import { refuseWhileUsed } from "../volume/uses";
import { describeVolume } from "../volume/xml";
import { namingChildren } from "./children";
import { filesOf, type Made, makePoint } from "./make";
import { refuseUnfitHost } from "./needs";
import { refuseStrangerAt } from "./permission";
import { rules } from "./rules";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "./schema";
import { readSource, refuseStanding } from "./source";

/** All that a fork point is made from: another value of any makes another fork point. */
const CONTENT = [
	"base",
	"parent",
	"baseContentId",
	"pool",
	"name",
	"domain",
	"network",
	"files",
	"commands",
	"startBeforeFork",
	"restartAfterFork",
	"ready",
	"trigger",
	"injected",
	"source",
	"takeTrigger",
] as const;
const REMAKE = "Destroy the children first, or give the fork point another name: it is made beside them then.";
/** Those that came later: without them a fork point has kept its name. */
const LATER: readonly string[] = ["injected", "source", "takeTrigger"];

export const forkPoint: Lifecycle<ForkPointInputs, ForkPointFacts> = {
	name: "ForkPoint",
	schema: forkPointSchema,
	rules,
	sensitive: ["files", "commands", "ready", "injected"],
	outputs: ["name", "pool"],

	resolve: async (inputs) =>
		inputs.injected === undefined ? inputs : { ...inputs, injected: recordedOf(inputs.injected) },

	/** Pure. */
	changes(olds, news) {
		const anew = CONTENT.flatMap((property): Change[] =>
			isDeepStrictEqual(contentOf(olds)[property], contentOf(news)[property])
				? []
				: [{ property, effect: "replace", note: "a fork point does not change: another one is booted and made ready" }],
		);
		if (isDeepStrictEqual(olds.forkableBy, news.forkableBy)) return anew;
		return [...anew, { property: "forkableBy", effect: "live", note: "written into the metadata; children stay" }];
	},

	async plan(inputs, { host, makes = "new" }) {
		if (makes === false) return [];
		await refuseStrangerAt(host, inputs);
		await refuseUnfitHost(inputs, host);
		const { accelerator, why } = await chooseAccelerator(host, inputs.domain.type ?? "auto", "x86_64");
		const name = domainNameOf(inputs);
		const there = await host.domains.find(name);
		return [
			...(there ? [foundOwnLine(`domain ${name}`)] : []),
			...(inputs.injected ? [`scripts ${shortVersion(inputs.injected)} are put into it by its guest agent`] : []),
			...(await sourceLines(inputs, host)),
			`${beginningOf(inputs)}, makes it ready,${inputs.trigger === "guest" ? ` waits until the guest asks to be forked, at most ${inputs.timeoutSeconds} s,` : ""} and keeps its memory${memoryLine(inputs)} in the pool ${inputs.pool}`,
			`accelerator: ${accelerator === "kvm" ? "kvm" : "qemu (TCG, emulation)"}: ${why}`,
		];
	},

	async create(inputs, context) {
		const { host } = context;
		const began = performance.now();
		await refuseStrangerAt(host, inputs);
		await refuseUnfitHost(inputs, host);
		const pool = await usablePool(host, inputs.pool);
		const name = domainNameOf(inputs);
		const contentId = contentIdOf(inputs);
		const there = await host.domains.find(name);
		if (there) {
			const seen = await look(host, there.uuid);
			const owner = seen?.config.recorded?.owner;
			if (!isOwnedBy(owner, inputs)) throw new Error(foreign(context, name, owner, "exists already"));
			const found = await foundPoint(host, there.uuid);
			if (found?.contentId === contentId) {
				context.log(`found fork point ${name} as an earlier run made it`);
				await note(host, there.uuid, { forkableBy: inputs.forkableBy }, ["config"]);
				return recordedAs(host, inputs, found, began);
			}
		}
		const { disk } = filesOf(pool, inputs, contentId);
		await refuseWhileForked(host, disk.path, there?.uuid ?? "", "made anew", REMAKE);
		if (there) {
			context.log(`removes fork point ${name}, which an earlier run did not finish`);
			await removeDomain(host, there.uuid);
		}
		return recordedAs(host, inputs, await makePoint(context, pool, inputs, { name, contentId }), began);
	},

	/** Gone when one of its parts is: children could not be made from what is left. */
	async read(id, state, { host, log }) {
		const lost = await lostFile(host, state);
		if (lost !== undefined) log(`${lost} of fork point ${state.domainName} is gone`);
		return lost === undefined && (await foundPoint(host, id)) ? state : undefined;
	},

	async update(id, olds, news, { host }) {
		await note(host, id, { forkableBy: news.forkableBy }, ["config"]);
		return { ...olds, forkableBy: undefined, ...news };
	},

	async delete(id, state, { host, log }) {
		if (isSucceeded(host, id, state)) {
			log(`${state.domainName} stays: its replacement has taken it over`);
			return;
		}
		await refuseWhileForked(host, state.disk, id, "deleted", "Destroy the children first, or keep the fork point.");
		await removeDomain(host, id);
		const pool = await usablePool(host, state.pool);
		for (const path of [state.disk, state.memory, state.devices]) await remove(host, pool, path);
		forgetMade(host, id);
	},
};

/**
 * Children stand on its disk, also where it has lost another part.
 * @param own UUID of its machine
 * @throws InUseError that names their machines
 */
async function refuseWhileForked(host: Host, disk: string, own: string, what: string, advice: string): Promise<void> {
	const others = { overlays: true, domains: ({ uuid }: { uuid: string }) => uuid !== own };
	await refuseWhileUsed(host, disk, what, others, advice).catch(async (error) => {
		throw await namingChildren(host, own, error);
	});
}

function beginningOf({ base, parent, source }: ForkPointInputs): string {
	if (source !== undefined) return `goes on as a copy of ${source}`;
	return parent === undefined ? `boots a clone of ${base}` : `goes on from ${parent}`;
}

/** Where it is not that of another machine. */
function memoryLine({ base, domain }: ForkPointInputs): string {
	return base === undefined ? "" : ` (${domain.memoryMiB ?? 1024} MiB at most)`;
}

async function sourceLines(inputs: ForkPointInputs, host: Host): Promise<string[]> {
	if (inputs.source === undefined) return [];
	const info = await host.domains.find(inputs.source);
	// It may be made, or started, by the same run.
	if (!info) return [`warning: source: there is no domain ${inputs.source} on the host yet`];
	if (info.state === "shutoff") return [`warning: source: domain ${info.name} is off; it has to run by then`];
	const source = await readSource(host, inputs);
	await refuseStanding(host, source);
	const { name, memoryMiB } = source;
	return [
		`domain ${name} stands still while its memory (${memoryMiB} MiB) and its disk are copied, and goes on as it was`,
	];
}

/** A whole fork point as it is on the host; undefined where there is none. */
export async function foundPoint(host: Host, uuid: string): Promise<Made | undefined> {
	const config = (await look(host, uuid))?.config;
	const { fork, lineage } = config?.recorded ?? {};
	const [disk] = config?.disks[0]?.chain ?? [];
	if (!config || !fork?.complete || !lineage || disk === undefined) return undefined;
	const files = { disk, memory: fork.memory, devices: fork.state };
	if ((await lostFile(host, files)) !== undefined) return undefined;
	const chain = await backingChain(host, describeVolume(await host.volumes.xml(disk)));
	const { name: domainName, maxMemoryMiB: memoryMiB } = config;
	return { uuid, domainName, ...files, memoryMiB, contentId: fork.spec, lineage: { ...lineage, chain }, timings: {} };
}

async function lostFile(
	host: Host,
	{ disk, memory, devices }: Pick<Made, "disk" | "memory" | "devices">,
): Promise<string | undefined> {
	for (const path of [disk, memory, devices]) if (!(await findVolume(host, path))) return path;
	return undefined;
}

function recordedAs(host: Host, inputs: ForkPointInputs, made: Made, began: number) {
	const createMs = Math.round((performance.now() - began) * 1000) / 1000;
	rememberMade(host, made.uuid, { ownerId: inputs.ownerId, createMs, fileFormat: undefined });
	return { id: made.uuid, state: { ...inputs, ...made, timings: { ...made.timings, createMs } } };
}

/** Of the content as well, so that a new fork point is there before the old one goes. */
function domainNameOf(inputs: ForkPointInputs): string {
	return `${inputs.name}-${contentIdOf(inputs)}`;
}

/** Eight digits of a hash tell contents apart, and give away nothing of secrets among them. */
function contentIdOf(inputs: ForkPointInputs): string {
	const content = contentOf(inputs);
	// Those without scripts have kept the name that they had when there was no such thing.
	const properties = CONTENT.filter((property) => !LATER.includes(property) || content[property] !== undefined);
	const text = JSON.stringify(properties.map((property) => content[property] ?? null));
	return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** States of earlier versions know of no trigger. */
function contentOf(inputs: ForkPointInputs): Partial<ForkPointInputs> {
	return { ...inputs, trigger: inputs.trigger ?? "provider" };
}
