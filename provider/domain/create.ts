/** Making a machine, or taking over the one that an interrupted create left. */
import { randomUUID } from "node:crypto";
import { refuseUnfitChild } from "../fork/needs";
import { getRoom } from "../fork/preempt";
import { type Host, LibvirtError } from "../libvirt";
import { type Context, IncompleteError, InputError, type State } from "../lifecycle";
import { Undo } from "../undo";
import { noteDomain } from "../volume/uses";
import type { DomainSpec } from "../xml/domain";
import { serialize } from "../xml/element";
import { acceleratorOf, chooseAccelerator } from "./accelerator";
import { converge } from "./converge";
import { hardwareOf, withDefaults } from "./defaults";
import { wantedDefinition } from "./definition";
import { finish } from "./finish";
import { leasesBefore } from "./leases";
import { look, type Seen } from "./look";
import { markPreempted } from "./note";
import { findThere, type There } from "./own";
import { isGone, patiently, timed } from "./patience";
import { powerOff } from "./power";
import type { DomainFacts, DomainInputs } from "./schema";
import { refuseToWriteBases } from "./shared-disks";
import { nextStart, startMachine, waitWhileOff } from "./start";
import { lossLines } from "./take-over";
import { inheritedFrom, readTemplate } from "./template";

interface Made {
	id: string;
	state: State<DomainInputs, DomainFacts>;
}

/**
 * @throws IncompleteError when the machine is there but the guest does not show what was waited for; any other error
 *   means that nothing was left behind
 */
export async function createDomain(given: DomainInputs, context: Context): Promise<Made> {
	const began = performance.now();
	const inputs = withDefaults(given);
	const there = await findThere(context, inputs, inputs.adopt === true);
	if (there) return takeOver(context, there, inputs, began);
	try {
		return await make(context, inputs, began);
	} catch (error) {
		// The name may have been taken since the look at the host.
		const taken = isRefusedDefinition(error) && (await findThere(context, inputs));
		if (!taken) throw error;
		return takeOver(context, taken, inputs, began);
	}
}

function isRefusedDefinition(error: unknown): boolean {
	return error instanceof LibvirtError && error.call === "virDomainDefineXMLFlags";
}

async function make(context: Context, inputs: DomainInputs, began: number): Promise<Made> {
	const { host, log } = context;
	const template = inputs.template === undefined ? undefined : await readTemplate(host, inputs);
	const inherited = template?.inherited;
	for (const note of template?.notes ?? []) log(note);
	if (inputs.fork && template) await refuseUnfitChild(inputs, host, template.found.root, template.inherited);
	// A fork goes on under what its parent ran with.
	const domainType =
		inputs.fork && template
			? template.found.domainType
			: (await chooseAccelerator(host, inputs.type, hardwareOf(inputs, inherited).arch)).domainType;
	const uuid = inputs.uuid ?? randomUUID();
	if (inputs.uuid !== undefined) await refuseTakenUuid(host, uuid);
	const { root, spec } = await wantedDefinition(inputs, host, { uuid, domainType, inherited, template });
	if (inputs.running) await refuseToWriteBases(host, inputs.name, spec.disks);
	const facts: DomainFacts = {
		uuid,
		macs: spec.nics.map(({ mac }) => mac),
		addresses: [],
		accelerator: acceleratorOf(domainType),
		inherited,
		timings: { defineMs: 0 },
	};
	await Undo.around(async (undo) => {
		// First: whether a define that was cut off took effect is not known.
		undo.add(`remove domain ${inputs.name} (${uuid})`, () => removeDomain(host, uuid));
		// What is built here is valid by construction; libvirt's look at the schema would take most of the define.
		const validate = inputs.extraXml !== undefined;
		facts.timings.defineMs = (
			await timed(() => patiently(() => host.domains.define(serialize(root), { validate })))
		).ms;
		noteDomain(host, { name: inputs.name, uuid, running: inputs.running }, pathsOf(spec));
		if (inputs.autostart) await patiently(() => host.domains.setAutostart(uuid, true));
		if (!inputs.running) return waitWhileOff(context, uuid, inputs, false);
		if (!(await getRoom(context, inputs, spec.memoryMiB))) {
			facts.preempted = true;
			return markPreempted(host, uuid);
		}
		facts.formerLeases = await leasesBefore(host, inputs, spec.nics);
		const { value, ms } = await timed(() => startMachine(context, uuid, inputs, false));
		facts.timings.startMs = ms;
		facts.forked = value;
	});
	if (inputs.fork) facts.preempted ??= false;
	facts.nextStart = nextStart(inputs, facts.forked !== undefined);
	return finished(context, inputs, facts, { began, setUp: true, check: true });
}

/** libvirt redefines a machine of the same name and UUID without a word. */
async function refuseTakenUuid(host: Host, uuid: string): Promise<void> {
	const other = await host.domains.find(uuid);
	if (!other) return;
	throw new InputError("uuid", `got ${uuid}, which domain ${other.name} has; allowed is one that no other machine has`);
}

/** The files and devices that a machine uses, for those who ask whether they are free. */
function pathsOf({ disks }: DomainSpec): Array<{ path: string; writable: boolean }> {
	return disks.flatMap(({ source, readOnly }) =>
		source.type === "network" ? [] : [{ path: source.path, writable: !readOnly }],
	);
}

async function takeOver(context: Context, there: There, inputs: DomainInputs, began: number): Promise<Made> {
	const seen = await look(context.host, there.uuid);
	if (!seen) throw new Error(`domain ${inputs.name} disappeared while it was looked at; try again`);
	context.log(
		there.own
			? `found domain ${seen.name} as an earlier run left it, and goes on with it`
			: `takes over domain ${seen.name} (adopt)`,
	);
	refuseOtherDisk(seen, inputs);
	const inherited = inputs.template === undefined ? undefined : inheritedFrom(seen.config);
	const facts: DomainFacts = {
		uuid: seen.uuid,
		macs: [],
		addresses: [],
		accelerator: acceleratorOf(seen.config.domainType),
		inherited,
		timings: { defineMs: 0 },
	};
	const former = seen.config.root;
	const { value, ms } = await timed(() => converge(context, seen, inputs, inherited, undefined, !there.own));
	const { started: _, startMs, ...found } = value;
	if (!there.own) {
		const now = await look(context.host, there.uuid);
		for (const line of now ? lossLines(former, now.config.root) : []) context.log(line);
	}
	Object.assign(facts, found, { timings: { defineMs: ms - (startMs ?? 0), startMs } });
	// Somebody else's machine has been set up by somebody else.
	const setUp = there.own && seen.config.recorded?.setUp !== true;
	return finished(context, inputs, facts, { began, setUp, check: true });
}

/** A machine whose boot disk is another one is not the machine that is asked for. */
function refuseOtherDisk(seen: Seen, inputs: DomainInputs): void {
	const wanted = inputs.disks.find(({ device }) => device === "disk")?.volume;
	const boot = (seen.live ?? seen.config).disks.find(({ device }) => device === "disk");
	if (wanted === undefined || !boot || boot.chain.length === 0) return;
	// Only what both sides name by a path can be told apart.
	if (!wanted.startsWith("/") || boot.chain.includes(wanted) || !boot.chain[0]!.startsWith("/")) return;
	throw new Error(
		`domain ${seen.name} exists already, with boot disk ${boot.chain[0]} instead of ${wanted}. Taking it over would ` +
			"change its disk: name that volume in disks, or remove or rename the domain",
	);
}

async function finished(
	context: Context,
	inputs: DomainInputs,
	facts: DomainFacts,
	how: { began: number; setUp: boolean; check: boolean },
): Promise<Made> {
	try {
		await finish(context, inputs, facts, how);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		throw new IncompleteError<DomainInputs, DomainFacts>(facts.uuid, { ...inputs, ...facts }, message, {
			cause: error,
		});
	}
	return { id: facts.uuid, state: { ...inputs, ...facts } };
}

/** Powers a machine off and removes its definition and NVRAM; its disks stay. Succeeds when it is gone already. */
export async function removeDomain(host: Host, uuid: string): Promise<void> {
	// Once more if it was started in between (autostart, another tool): it would run on without a definition.
	for (let attempt = 0; attempt < 3; attempt++) {
		const info = await host.domains.find(uuid);
		if (!info) return;
		if (info.state !== "shutoff") await powerOff(host, uuid);
		try {
			await patiently(() => host.domains.undefine(uuid));
		} catch (error) {
			// One without a definition is gone once it is off.
			if (isGone(error) || !info.persistent) continue;
			throw error;
		}
	}
	if (await host.domains.find(uuid)) {
		throw new Error(`domain ${uuid} is started again and again by somebody else; stop that, then try again`);
	}
}
