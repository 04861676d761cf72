/** What only a look at the host can tell about a domain before it is made or changed. Changes nothing. */
import type { ForkedInputs } from "../fork/forked";
import { refuseUnfitChild } from "../fork/needs";
import { roomLines } from "../fork/preempt";
import { isWaiting } from "../fork/waiting";
import { connect, type DomainInfo, type Host } from "../libvirt";
import { type Context, InputError, InUseError } from "../lifecycle";
import { contextUnder } from "../morph/agent-policy";
import type { OwnChange } from "../morph/own-change";
import { NOTHING, planMorph } from "../morph/planner";
import { morphLines } from "../morph/preview";
import { probedShape } from "../morph/probe";
import { askForTools, complaintAboutFound, type FoundTool } from "../morph/tools";
import { foundOwnLine, isOwnedBy } from "../owner";
import { hasUnknown } from "../unknown";
import { type Accelerator, acceleratorOf, chooseAccelerator, hostMemoryMiB } from "./accelerator";
import { removableOf } from "./converge";
import { hardwareOf, isMorphable, withDefaults } from "./defaults";
import { wantedDefinition } from "./definition";
import { deviceSteps, placedKinds } from "./device-steps";
import { diskComplaint } from "./io-errors";
import { look, pendingOf } from "./look";
import { refuseTakenMacs } from "./macs";
import { refuseBeyondHost } from "./offers";
import { findThere, foreign, ownerOf } from "./own";
import type { DomainFacts, DomainInputs } from "./schema";
import { refuseToWriteBases } from "./shared-disks";
import { isMissingHere, MissingError, resolveDisks, resolveNics } from "./source";
import { nextStart } from "./start";
import { takeOverLines } from "./take-over";
import { inheritedFrom, readTemplate, type Template } from "./template";

export async function planDomain(given: DomainInputs, context: Context): Promise<string[]> {
	const { host } = context;
	const inputs = withDefaults(given);
	const existing = await host.domains.find(inputs.name);
	const lines = existing ? await planName(inputs, context, existing) : [];
	const complaint = existing?.state === "paused" ? await diskComplaint(host, existing.uuid) : undefined;
	if (complaint !== undefined) lines.push(`warning: ${complaint}`);
	if (existing && inputs.adopt) lines.push(...(await takenOver(inputs, context, existing)));
	let template: Template | undefined;
	// One that moves here was made elsewhere.
	if (inputs.template !== undefined && !existing && !inputs.moves) {
		try {
			template = await readTemplate(host, inputs);
			const { found } = template;
			lines.push(
				`hardware of template ${found.name}: ${found.memoryMiB} MiB, ${found.vcpus} vCPU(s), ${found.machine}, ${found.firmware}`,
				...template.notes,
			);
		} catch (error) {
			lines.push(`warning: template: ${messageOf(error)}`);
		}
	}
	const hardware = hardwareOf(inputs, template?.inherited);
	const { accelerator, domainType, why } =
		inputs.fork && template
			? asParent(template.found.domainType)
			: await chooseAccelerator(host, inputs.type, hardware.arch);
	if (inputs.fork && template) await refuseUnfitChild(inputs, host, template.found.root, template.inherited);
	if (inputs.fork && template) lines.push(forkLine(inputs, inputs.fork, template.found.name));
	lines.push(...(await plannedRoom(inputs, context, existing, hardware.memoryMiB)));
	lines.push(`accelerator: ${accelerator === "kvm" ? "kvm" : "qemu (TCG, emulation)"}: ${why}`);
	// What a machine that exists took from its template is not known here; it was possible then.
	if (inputs.template === undefined || template) await refuseBeyondHost(host, inputs, hardware, domainType);
	const memory = await hostMemoryMiB(host);
	// Room is not taken from the host before it is used.
	if (memory !== undefined && !hardware.room && hardware.maxMemoryMiB > memory) {
		lines.push(`warning: maxMemoryMiB: ${hardware.maxMemoryMiB} MiB is more than the host's ${memory} MiB`);
	}
	if (existing && existing.state !== "shutoff" && inputs.running) {
		const morphing = contextUnder(context, inputs.agentPolicy);
		const devices = await placedDevices(inputs, morphing, existing.uuid);
		if (hardware.room || devices.length > 0) {
			const shape = await probedShape(morphing, existing.uuid);
			const plan = hardware.room ? planMorph(shape, hardware, inputs.morph) : NOTHING;
			const goes = plan.mode === "live" || (plan.mode === "none" && devices.length > 0);
			const tools = goes ? await toolsOf(inputs, morphing, existing.uuid) : undefined;
			lines.push(...morphLines(shape, plan, inputs.morph, { devices, tools }));
		}
	}
	await refuseTakenMacs(host, inputs, hardware.nics);
	lines.push(...(await missing(() => usableDisks(host, inputs, existing))));
	lines.push(...(await missing(() => resolveNics(host, hardware.nics))));
	for (const path of [inputs.boot?.kernel, inputs.boot?.initrd]) {
		if (path !== undefined && isMissingHere(inputs.uri, path)) lines.push(`warning: boot: there is no file ${path}`);
	}
	return lines;
}

/**
 * @returns undefined where there are none, or the guest does not say
 * @throws InputError for those that the steps need and that are not there and cannot be added
 */
async function toolsOf(inputs: DomainInputs, context: Context, uuid: string): Promise<FoundTool[] | undefined> {
	if (hasUnknown(inputs.morph) || hasUnknown(inputs.agentPolicy)) return undefined;
	const found = await askForTools(context, uuid, inputs.morph, inputs.agentPolicy).catch(() => undefined);
	const complaint = complaintAboutFound(found ?? []);
	if (complaint !== undefined) throw new InputError("morph", complaint);
	return found;
}

/** Disks, NICs and other devices that change by steps of their own; none where what they are to be is not there yet. */
async function placedDevices(inputs: DomainInputs, context: Context, uuid: string): Promise<OwnChange[]> {
	const known = inputs.template === undefined || inputs.nics !== undefined;
	const kinds = placedKinds(inputs.morph).filter((kind) => kind !== "nic" || known);
	const seen = kinds.length === 0 ? undefined : await look(context.host, uuid);
	if (!seen?.live) return [];
	const { config, live } = seen;
	try {
		const machine = { uuid, domainType: config.domainType, config, live };
		const wanted = await wantedDefinition(inputs, context.host, machine);
		const removable = removableOf(seen, { disks: [], macs: [] });
		return deviceSteps(context, { seen: { uuid, config, live }, wanted, removable }, kinds);
	} catch (error) {
		if (error instanceof InputError) return [];
		throw error;
	}
}

/** Whether others have to give way when it is started. */
async function plannedRoom(
	inputs: DomainInputs,
	{ host }: Context,
	existing: DomainInfo | undefined,
	memoryMiB: number,
): Promise<string[]> {
	if (!inputs.running || (existing && existing.state !== "shutoff")) return [];
	const seen = existing && (await look(host, existing.uuid));
	return roomLines(host, inputs, inputs.memoryMiB ?? seen?.config.memoryMiB ?? memoryMiB);
}

function forkLine({ running }: DomainInputs, { warm }: ForkedInputs, parent: string): string {
	const how = `goes on where ${parent} was stopped, without a boot`;
	if (running) return how;
	return `${warm ? "waits in QEMU; " : ""}${how}, when it is turned on`;
}

/** A fork goes on under what its parent ran with. */
function asParent(domainType: string): Accelerator {
	return { accelerator: acceleratorOf(domainType), domainType, why: "as its parent" };
}

/** What `changes` goes by beside the inputs; nothing for a machine that is gone. */
export async function factsOf(olds: DomainInputs, context: Context, moves = false): Promise<Partial<DomainFacts>> {
	const here = await findThere(context, { ...olds, adopt: false });
	if (!here && olds.uri !== context.host.uri) return factsOf(olds, { ...context, host: connect(olds.uri) }, true);
	const seen = here && (await look(context.host, here.uuid));
	if (!seen) return {};
	const isSetUp = seen.config.recorded?.setUp === true;
	const fork = olds.fork && { ...olds.fork, warm: await isWaiting(context.host, seen.live) };
	const given = Object.entries(olds).flatMap(([key, value]) => (value === undefined ? [] : [key]));
	const inherited = olds.template === undefined ? undefined : inheritedFrom(seen.config);
	const shape =
		(moves || isMorphable(olds)) && seen.live
			? await probedShape(contextUnder(context, olds.agentPolicy), seen.uuid)
			: undefined;
	return {
		...(shape && { shape }),
		accelerator: acceleratorOf(seen.config.domainType),
		pendingRestart: pendingOf(seen),
		...(fork && {
			nextStart: nextStart({ fork, running: false }, isSetUp),
			preempted: !seen.active && seen.config.recorded?.preempted === true,
		}),
		// What was given instead of the template's own value hides that.
		inherited: inherited && Object.fromEntries(Object.entries(inherited).filter(([key]) => !given.includes(key))),
	};
}

/** @throws Error that says why the machine could not have its disks or start with them */
async function usableDisks(host: Host, inputs: DomainInputs, existing: DomainInfo | undefined): Promise<void> {
	const disks = await resolveDisks(host, inputs.disks);
	const starts = inputs.running && (existing === undefined || existing.state === "shutoff");
	if (!starts) return;
	await refuseToWriteBases(
		host,
		inputs.name,
		disks.map(({ source, input }) => ({ ...input, source })),
	);
}

type Named = Pick<DomainInputs, "name" | "ownerId" | "previousOwnerIds" | "adopt">;

/** Whether somebody else's machine has the name, and what becomes of it. */
export async function planDomainByName(inputs: Named, context: Context): Promise<string[]> {
	const named = await context.host.domains.find(inputs.name);
	return named ? planName(inputs, context, named) : [];
}

async function planName(inputs: Named, context: Context, named: DomainInfo): Promise<string[]> {
	const { host, makes = "new" } = context;
	const owner = await ownerOf(host, named);
	if (isOwnedBy(owner, inputs)) return makes === "new" ? [foundOwnLine(`domain ${inputs.name}`)] : [];
	if (inputs.adopt === true) return [`takes over domain ${inputs.name} of ${owner ?? "nobody recorded"} (adopt)`];
	return [`warning: ${foreign(context, inputs.name, owner, "exists already")}`];
}

/** What that does to somebody else's machine. */
async function takenOver(inputs: DomainInputs, context: Context, existing: DomainInfo): Promise<string[]> {
	if (isOwnedBy(await ownerOf(context.host, existing), inputs)) return [];
	return takeOverLines(inputs, context, existing.uuid).catch((error) => [`warning: ${messageOf(error)}`]);
}

/** What is missing or in use is a warning, with which a preview goes on: it may be made, or let go, before the machine. */
async function missing(look: () => Promise<unknown>): Promise<string[]> {
	try {
		await look();
		return [];
	} catch (error) {
		if (error instanceof MissingError) return [`warning: ${error.property}: ${error.message}`];
		if (error instanceof InUseError) return [`warning: ${error.message}`];
		throw error;
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
