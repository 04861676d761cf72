/** Bringing a machine that is there to a description: live where it can be, else by a restart. */
import { forkedIn, resetBy } from "../fork/forked";
import { getRoom } from "../fork/preempt";
import { isForkedNext, isNobody, isWaiting } from "../fork/waiting";
import type { Host } from "../libvirt";
import type { Context, State } from "../lifecycle";
import { contextUnder, shapeUnder } from "../morph/agent-policy";
import { finishMove, forgetTools } from "../morph/in-place";
import { planMorph } from "../morph/planner";
import { probedShape } from "../morph/probe";
import { shapeOf } from "../morph/shape";
import { growthsOf } from "../morph/template";
import type { ToolReport } from "../morph/tools";
import { recordChanges } from "../record";
import { type DiskSpec, sourceKey } from "../xml/devices";
import { differenceOf, namedDevices } from "../xml/named-devices";
import { type FoundDomain, readDomain } from "../xml/read-domain";
import { chooseAccelerator } from "./accelerator";
import { allChanges } from "./changes";
import { hardwareOf } from "./defaults";
import { knownDisks, type Wanted, wantedDefinition } from "./definition";
import { type FormerLease, leasesBefore } from "./leases";
import type { Removable } from "./live";
import { asOff, pendingOf, type Seen } from "./look";
import { markPreempted, unmarkPreempted } from "./note";
import { powerOff, turnOff } from "./power";
import { defineAhead, redefineAndStart } from "./redefine";
import { refuseTakenName } from "./rename";
import type { DomainFacts, DomainInputs, Inherited } from "./schema";
import { refuseToWriteBases } from "./shared-disks";
import { nextStart, startMachine, waitWhileOff } from "./start";

export interface Converged {
	/** Whether the machine was started, from off, and how long that took. */
	started: boolean;
	startMs: number | undefined;
	/** What has become of the tools that a change needed in the guest, where there was one. */
	tools: ToolReport | undefined;
	/** From before the start. */
	formerLeases: FormerLease[] | undefined;
	macs: string[];
	accelerator: "kvm" | "qemu";
	pendingRestart: DomainFacts["pendingRestart"];
	/** Of a forked machine: whether it has found no room, and is off. */
	preempted?: boolean;
	/** Of a machine that has been forked. */
	forked?: DomainFacts["forked"];
	nextStart: DomainFacts["nextStart"];
}

/** Properties that vCPUs and memory hang on. */
const SIZES: ReadonlyArray<string> = ["instanceType", "headroom"];

type Olds = State<DomainInputs, DomainFacts>;
type Pending = DomainFacts["pendingRestart"];

/**
 * @param olds what is recorded; undefined for a machine that is taken over
 * @param foreign whether it is taken over from somebody else
 * @throws Error when a step fails; a machine that was turned off for a change then runs as before
 */
export async function converge(
	context: Context,
	found: Seen,
	inputs: DomainInputs,
	inherited: Inherited | undefined,
	olds: Olds | undefined,
	foreign = false,
): Promise<Converged> {
	const { host, log } = context;
	const morphing = contextUnder(context, inputs.agentPolicy);
	const seen = isNobody(found.live) ? asOff(found) : found;
	const waiting = pendingOf(seen);
	const domainType = await domainTypeFor(context, seen, inputs, olds, inherited);
	const reforks = resetBy(olds?.fork, inputs.fork) === "refork";
	const machine = {
		uuid: seen.uuid,
		domainType,
		inherited,
		config: reforks ? asNew(seen.config) : seen.config,
		live: seen.live,
		foreign,
		sameExtra: olds === undefined || typeof differenceOf(olds.extraXml, inputs.extraXml) !== "string",
	};
	let wanted = await wantedDefinition(inputs, host, machine);
	// The host knows better than the record whether changes still wait: somebody may have restarted the machine.
	const shape = seen.live && wanted.spec.room ? await probedShape(morphing, seen.uuid) : undefined;
	const changes = olds && allChanges({ ...olds, pendingRestart: waiting, shape }, inputs);
	const reasons = changes
		? changes.filter(({ effect }) => effect === "restart").map(({ property }) => property)
		: restartReasons(seen, wanted, inputs);
	const runs = seen.active && seen.state !== "crashed";
	const deferred = runs && inputs.running && reasons.length > 0 && inputs.onRestartRequired === "defer";
	const restart = runs && inputs.running && reasons.length > 0 && !deferred;
	const turnsOff = seen.active && (!inputs.running || restart);
	const pending = turnsOff ? undefined : deferred ? putOff(waiting, reasons, seen) : waiting;
	if (pending) {
		// A running machine cannot have another name in its definition.
		wanted = await wantedDefinition({ ...inputs, name: seen.name }, host, { ...machine, pending });
	}
	const starts = inputs.running && (turnsOff || !seen.live);
	if (inputs.running)
		await refuseToWriteBases(host, inputs.name, starts ? wanted.spec.disks : addedDisks(seen, wanted));
	if (inputs.name !== seen.name && !deferred) await refuseTakenName(context, inputs.name);
	if (restart) log(`restarted for ${reasons.join(", ")}`);
	if (deferred) log(`takes effect at the next start (onRestartRequired is defer): ${reasons.join(", ")}`);
	if (seen !== found && !(await isOfUse(host, found, inputs))) await powerOff(host, seen.uuid);
	// A definition that is written anew ends what is recorded of an unfinished change.
	const unfinished = seen.config.recorded?.morph !== undefined;
	// What a former host did not have comes back.
	const adapts = inputs.migration?.whenLacking === "adapt";
	const differs = (changes?.length ?? 0) + (olds ? recordChanges(olds, inputs).length : 0) > 0;
	const define = !olds || !changes || unfinished || adapts || differs;
	if (restart && unfinished) await finishMove(morphing, seen, inputs.morph, inputs.agentPolicy);
	if (turnsOff && unfinished) await forgetTools(morphing, seen.uuid, inputs.morph);
	if (turnsOff && define) {
		const named =
			inputs.name === seen.name ? wanted : await wantedDefinition({ ...inputs, name: seen.name }, host, machine);
		await defineAhead(context, seen, named);
	}
	if (turnsOff) await turnOff(context, seen.uuid, reforks ? 0 : inputs.shutdownTimeoutSeconds);

	const preempted = starts && !(await getRoom(context, inputs, wanted.spec.memoryMiB, seen.uuid));
	const formerLeases = starts ? await leasesBefore(host, inputs, wanted.spec.nics) : olds?.formerLeases;
	let forked = forkedIn(seen.config.recorded);
	let isSetUp = seen.config.recorded?.setUp === true && !reforks;
	const now = preempted ? { ...inputs, running: false } : inputs;
	const { startMs, tools } = await redefineAndStart(context, seen, now, wanted, {
		define,
		off: turnsOff || !seen.live,
		wasTurnedOff: restart,
		removable: removableOf(seen, olds),
		sizeWaits: deferred && reasons.some((property) => SIZES.includes(property)),
		growths: olds && inputs.running ? growthsOf(inputs.morph, olds.morph) : [],
		start: async () => {
			const become = await startMachine(context, seen.uuid, inputs, isSetUp);
			forked = become ?? forked;
			isSetUp ||= become !== undefined;
		},
	});
	if (preempted) await markPreempted(host, seen.uuid);
	else if (seen.config.recorded?.preempted) await unmarkPreempted(host, seen.uuid);
	if (!inputs.running) await waitWhileOff(context, seen.uuid, inputs, isSetUp);
	return {
		started: startMs !== undefined,
		startMs,
		tools,
		macs: wanted.spec.nics.map(({ mac }) => mac),
		accelerator: domainType === "kvm" ? "kvm" : "qemu",
		pendingRestart: pending,
		...(forked && { forked }),
		...(inputs.fork && { preempted }),
		nextStart: nextStart(inputs, isSetUp),
		formerLeases: inputs.running ? formerLeases : undefined,
	};
}

/** Whether a QEMU in which nobody is yet can be left as it is until the machine is turned on, or is what it is started with. */
async function isOfUse(host: Host, { live, name, config }: Seen, inputs: DomainInputs): Promise<boolean> {
	const wanted = inputs.running || inputs.fork?.warm === true;
	if (!wanted || inputs.name !== name || !isForkedNext(inputs.fork, config.recorded?.setUp === true)) return false;
	return isWaiting(host, live);
}

/** What it says is that the next start is its first one, also where this run is cut off before. */
function asNew(config: FoundDomain): FoundDomain {
	return config.recorded ? { ...config, recorded: { ...config.recorded, setUp: false } } : config;
}

/** Disks that a running machine does not have yet. */
function addedDisks({ live }: Seen, { spec }: Wanted): DiskSpec[] {
	const used = live?.disks.flatMap(({ chain }) => chain) ?? [];
	return spec.disks.filter(({ source }) => !used.includes(sourceKey(source)));
}

/** Without an answer to `type` that is new the accelerator stays what it is. */
async function domainTypeFor(
	{ host }: Context,
	seen: Seen,
	inputs: DomainInputs,
	olds: Olds | undefined,
	inherited: Inherited | undefined,
): Promise<string> {
	const now = seen.config.domainType;
	const stays = inputs.type === "auto" || inputs.type === now || (olds !== undefined && olds.type === inputs.type);
	if (stays) return now;
	return (await chooseAccelerator(host, inputs.type, hardwareOf(inputs, inherited).arch)).domainType;
}

type Policies = Partial<Pick<DomainInputs, "morph" | "agentPolicy">>;

/** What a machine that was taken over runs with and is described without, as far as both tell. */
export function restartReasons(seen: Seen, wanted: Wanted, { morph, agentPolicy }: Policies = {}): string[] {
	if (!seen.live) return [];
	const after = readDomain(wanted.root);
	const live = seen.live;
	const reasons: string[] = [];
	const fields: Array<keyof FoundDomain & keyof DomainInputs> = [
		...(["name", "arch", "machine", "firmware", "maxVcpus", "consoleLog"] as const),
		...(["boot", "agent", "rng", "graphics"] as const),
	];
	for (const field of fields) {
		if (JSON.stringify(live[field]) !== JSON.stringify(after[field])) reasons.push(field);
	}
	if (live.maxMemoryMiB < after.memoryMiB) reasons.push("memoryMiB");
	if (live.vcpus > after.vcpus && live.domainType !== "kvm") reasons.push("vcpus");
	if (wanted.spec.room && planMorph(shapeUnder(shapeOf(live.root), agentPolicy), wanted.spec, morph).mode === "reboot")
		reasons.push("headroom");
	return [...new Set(reasons)];
}

/** What may be unplugged: what carries our alias, and what is recorded; of a machine that is taken over, everything. */
export function removableOf(seen: Seen, olds: Pick<Olds, "disks" | "macs"> | undefined): Removable {
	const disks = knownDisks(seen.config, seen.live).concat(seen.live?.disks ?? []);
	const nics = [...seen.config.nics, ...(seen.live?.nics ?? [])];
	const all = olds === undefined;
	return {
		disks: [
			...(olds?.disks ?? []).map(({ volume }) => volume),
			...disks.filter(({ alias }) => all || alias?.startsWith("ua-disk-")).flatMap(({ chain }) => chain[0] ?? []),
		],
		macs: [
			...(olds?.macs ?? []),
			...nics.filter(({ alias }) => all || alias?.startsWith("ua-nic-")).flatMap(({ mac }) => mac ?? []),
		],
		// What a change that was cut off has put in is in no definition yet.
		named: [seen.config.root, ...(seen.live && seen.config.recorded?.morph ? [seen.live.root] : [])].flatMap((root) =>
			all ? [] : namedDevices(root).map(({ alias }) => alias),
		),
	};
}

function putOff(waiting: Pending, reasons: string[], { live }: Seen): Pending {
	if (live?.liveId === undefined) return undefined;
	return { properties: [...new Set([...(waiting?.properties ?? []), ...reasons])], liveId: live.liveId };
}
