/** A virtual machine: made, looked at, changed and removed. Its disks are resources of their own and never touched. */
import { isNobody, isWaiting } from "../fork/waiting";
import { connect, type Host } from "../libvirt";
import { type Context, IncompleteError, type Lifecycle, type State } from "../lifecycle";
import { contextUnder, underPolicy } from "../morph/agent-policy";
import { moveWithSteps, stepsOnArrival } from "../morph/around-move";
import { journalOf } from "../morph/journal";
import { checkMove, moveHere, placeBefore, stayHere } from "../move/move";
import { isAnotherHost } from "../move/moves";
import { hasSaved, isCarrier, movingIn } from "../move/moving";
import { forgetSaved } from "../move/saved";
import { isOwnedBy } from "../owner";
import { changes } from "./changes";
import { converge } from "./converge";
import { createDomain, removeDomain } from "./create";
import { defaultsOf, hardwareOf, withDefaults } from "./defaults";
import { checkAsMember, finish } from "./finish";
import { diskComplaint } from "./io-errors";
import { asOff, look, type Seen } from "./look";
import { asMoved, refuseElsewhere } from "./moved";
import { refuseForeign, whose } from "./own";
import { factsOf, planDomain, planDomainByName } from "./plan";
import { rules } from "./rules";
import { type DomainFacts, type DomainInputs, domainSchema } from "./schema";
import { settle } from "./settle";
import { foundState } from "./state";

type Full = State<DomainInputs, DomainFacts>;

export const domain: Lifecycle<DomainInputs, DomainFacts> = {
	name: "Domain",
	schema: domainSchema,
	sensitive: ["guestSetup", "fork"],
	defaults: defaultsOf,
	outputs: ["name", "uuid"],
	rules,
	settle,
	changes,
	facts: factsOf,
	plan: planDomain,
	planByName: planDomainByName,
	create: createDomain,

	async read(id, state, { host, log }) {
		const seen = await look(host, id);
		if (!seen) {
			await refuseElsewhere(id, state);
			return undefined;
		}
		if (isNobody(seen.live)) return foundOff(host, seen, state, log);
		const complaint = seen.state === "paused" ? await diskComplaint(host, id) : undefined;
		if (complaint !== undefined) log(complaint);
		return foundState(host, seen, state);
	},

	moves: true,
	update: updateDomain,

	/** Powers the machine off at once: its disks mostly go with it. To let the guest end first, apply `running: false`. */
	async delete(id, state, { host, log }) {
		const seen = await look(host, id);
		if (!seen) return;
		const owner = seen.config.recorded?.owner;
		if (owner !== undefined && !isOwnedBy(owner, state)) {
			throw new Error(
				`${whose(seen.name, owner, "was not deleted")}. To forget it without deleting it: pulumi state delete`,
			);
		}
		await removeDomain(host, id);
		const moving = movingIn(seen);
		if (hasSaved(moving)) await forgetSaved(log, host, moving);
	},
};

/** A forked machine that waits for its power-on, or whose fork was cut off: it is off to whoever looks at it. */
async function foundOff(host: Host, seen: Seen, state: Full, log: Context["log"]): Promise<Full> {
	const waits = await isWaiting(host, seen.live);
	if (!waits) {
		log(`the fork of ${seen.name} was cut off before it was known to be somebody: pulumi up forks it again`);
	}
	return foundState(host, asOff(seen), state, waits);
}

async function updateDomain(id: string, recorded: Full, given: DomainInputs, context: Context): Promise<Full> {
	const inputs = withoutComputed(withDefaults(given));
	const olds = await broughtHere(id, recorded, inputs, context);
	let seen = await look(context.host, id);
	if (seen && olds === recorded && movingIn(seen)) {
		await stayHere(context, seen);
		seen = await look(context.host, id);
	}
	if (!seen) throw new Error(`domain ${inputs.name} (${id}) is gone; run pulumi refresh, then pulumi up makes it anew`);
	refuseForeign(context, seen, inputs, olds.ownerId, "was not changed");
	refuseUnknownDisk(seen, olds, inputs);
	const inherited = olds.inherited;
	const cameFrom = olds === recorded ? recorded.cameFrom : recorded.uri;
	const {
		started,
		startMs,
		tools = olds.morphTools,
		...found
	} = await converge(context, seen, inputs, inherited, olds).catch(async (error) => {
		throw await leftHalfWay(context, id, olds, error);
	});
	const facts: DomainFacts = {
		uuid: seen.uuid,
		addresses: olds.addresses,
		inherited,
		...(olds.forked && { forked: olds.forked }),
		...(cameFrom !== undefined && { cameFrom }),
		...found,
		...(tools !== undefined && { morphTools: tools }),
		// Of the first start, also when that was not the create's.
		timings: { ...olds.timings, startMs: olds.timings.startMs ?? startMs },
	};
	try {
		const setUp = seen.config.recorded?.setUp !== true;
		const incomplete = olds.incomplete === true;
		if (started || incomplete) await finish(context, inputs, facts, { setUp, check: incomplete });
		else await checkAsMember(context, inputs, facts);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		throw new IncompleteError<DomainInputs, DomainFacts>(id, { ...inputs, ...facts }, message, { cause: error });
	}
	// A name that was put off is the old one until then.
	const name = found.pendingRestart?.properties.includes("name") ? seen.name : inputs.name;
	return { ...inputs, name, ...facts };
}

/** What is recorded of the machine, which is on the host of its new `uri` afterwards. */
async function broughtHere(id: string, olds: Full, inputs: DomainInputs, context: Context): Promise<Full> {
	if (olds.uri === inputs.uri) return olds;
	const isAnother = await isAnotherHost(olds.uri, inputs.uri);
	if (isAnother) return moved(id, olds, inputs, context);
	const seen = await look(context.host, id);
	if (seen && isAnother === undefined) refuseUnfinished(seen, olds, inputs);
	if (seen) return olds;
	throw new Error(
		`uri changed from ${olds.uri} to ${inputs.uri}, and there is no Domain ${id} there. It moves to another host only ` +
			"where both hosts answer and run QEMU: change uri back, or look at the hosts",
	);
}

/** Its disks have come, and its memory has not gone on with them yet: taken for one that stays it would lose that. */
function refuseUnfinished(seen: Seen, { uri }: Full, inputs: DomainInputs): void {
	const moving = movingIn(seen);
	if (moving?.to !== inputs.uri || !hasSaved(moving) || (seen.active && !isCarrier(seen, moving))) return;
	throw new Error(
		`${seen.name} has come to ${inputs.uri}, but for its memory, which was saved on ${uri}, and one of the two does not ` +
			"answer. Nothing was changed: run pulumi up again when both do. To do without its memory, start it there (virsh " +
			"start, or virsh resume) before that",
	);
}

async function moved(id: string, olds: Full, inputs: DomainInputs, context: Context): Promise<Full> {
	const there = connect(olds.uri);
	const morphing = contextUnder(context, inputs.agentPolicy);
	const { room, vcpus, memoryMiB } = hardwareOf(inputs, olds.inherited);
	const change = {
		uuid: id,
		name: olds.name,
		there: underPolicy(there, inputs.agentPolicy),
		wanted: room && inputs.running ? { vcpus, memoryMiB } : undefined,
		template: inputs.morph,
		policy: inputs.agentPolicy,
		place: () => placeBefore(context, there, { uuid: id, name: olds.name }, inputs),
		check: () => checkMove(context, there, id, olds, inputs),
		move: () => moveHere(context, id, olds, inputs),
	};
	await moveWithSteps(morphing, change).catch(async (error) => {
		throw await leftHalfWay({ ...context, host: there }, id, olds, error);
	});
	const now = asMoved(olds, inputs);
	await stepsOnArrival(morphing, id, inputs.morph, inputs.agentPolicy).catch(async (error) => {
		throw await leftHalfWay(context, id, now, error);
	});
	return now;
}

/** Without what `settle` has found out for this update alone. */
function withoutComputed({ moves: _, ...inputs }: DomainInputs): DomainInputs {
	if (!inputs.fork) return inputs;
	const { preempted: __, ...fork } = inputs.fork;
	return { ...inputs, fork };
}

/** A change of its size that did not come to its end is recorded as that: also who wants the former size back updates it. */
async function leftHalfWay({ host }: Context, id: string, olds: Full, error: unknown): Promise<unknown> {
	const record = await journalOf(host, id)
		.read()
		.catch(() => undefined);
	if (!record) return error;
	const message = error instanceof Error ? error.message : String(error);
	return new IncompleteError<DomainInputs, DomainFacts>(id, olds, message, { cause: error });
}

/**
 * A disk of ours that has another source than is recorded (a snapshot was made of a machine that is off): a definition
 * written now would put the former source back and lose what was written since.
 */
function refuseUnknownDisk(seen: Seen, olds: Full, inputs: DomainInputs): void {
	const known = new Set([...olds.disks, ...inputs.disks].map(({ volume }) => volume));
	for (const disk of (seen.live ?? seen.config).disks) {
		if (disk.device !== "disk" || !disk.alias?.startsWith("ua-disk-") || disk.chain.length === 0) continue;
		if (!disk.chain[0]!.startsWith("/") || disk.chain.some((key) => known.has(key))) continue;
		if ([...known].some((volume) => !volume.startsWith("/"))) continue;
		throw new Error(
			`disk ${disk.target} of ${seen.name} is on ${disk.chain[0]}, which is not recorded (a snapshot?). ` +
				"Run pulumi refresh and look at the preview, or put the machine back on its own volume",
		);
	}
}
