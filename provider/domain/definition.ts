/** From inputs to the definition that libvirt gets: looks up what the host knows, and keeps what the machine has. */
import { graceOf } from "../fork/preempt";
import type { Host } from "../libvirt";
import { bars } from "../morph/agent-policy";
import { adaptedTo } from "../move/lacking";
import type { FoundDisk } from "../xml/devices";
import { buildDomain, type DomainSpec } from "../xml/domain";
import { copy, type Element, parse } from "../xml/element";
import { type Recorded, recordOf } from "../xml/metadata";
import type { FoundDomain } from "../xml/read-domain";
import { withPasswordsOf } from "../xml/template";
import { hardwareOf } from "./defaults";
import { assignDisks } from "./disks";
import { assignNics } from "./nics";
import type { DomainInputs, Inherited } from "./schema";
import { resolveDisks, resolveNics } from "./source";
import { baseOf, disksLikeTemplate, placeAsTemplate, type Template } from "./template";

export interface Wanted {
	root: Element;
	spec: DomainSpec;
}

export interface Machine {
	uuid: string;
	/** libvirt's domain type. */
	domainType: string;
	inherited?: Inherited | undefined;
	/** The template, when the machine is about to be made from it. */
	template?: Template | undefined;
	/** Changes that are put off with this definition. */
	pending?: Recorded["pending"];
	/** The machine's present definition. */
	config?: FoundDomain | undefined;
	/** Whether it was made by somebody else, who has set it up. */
	foreign?: boolean | undefined;
	/** The machine as it runs. */
	live?: FoundDomain | undefined;
	/** Whether `extraXml` is what it was when the present definition was made, but for devices with an alias of their own. */
	sameExtra?: boolean | undefined;
}

/** @throws InputError for a volume or network that is missing, XmlError for what XML cannot hold */
export async function wantedDefinition(inputs: DomainInputs, host: Host, machine: Machine): Promise<Wanted> {
	const { config, template, inherited } = machine;
	const hardware = hardwareOf(inputs, inherited);
	const [disks, nics] = await Promise.all([
		resolveDisks(host, disksLikeTemplate(inputs, inherited)),
		resolveNics(host, hardware.nics),
	]);
	const spec: DomainSpec = {
		...hardware,
		domainType: machine.domainType,
		name: inputs.name,
		uuid: machine.uuid,
		recorded: {
			...recordOf(inputs, inputs.lineage),
			setUp: isSetUp(inputs, machine),
			pending: machine.pending,
			forked: config?.recorded?.forked,
			preemptible: graceOf(inputs.fork),
			cloneableBy: inputs.cloneableBy,
			moduleRoom: hardware.room === "dimm" || undefined,
			agentBarred: bars(inputs.agentPolicy) || undefined,
		},
		description: inputs.description,
		nvramPath: nvramPath(inputs.uri, machine),
		cpu: inputs.cpu,
		smbios: inputs.smbios,
		disks: assignDisks(disks, knownDisks(config, machine.live), hardware.arch),
		nics: assignNics(nics, config?.nics ?? [], inputs.ownerId),
		boot: inputs.boot,
		consoleLog: inputs.consoleLog,
		extraXml: inputs.extraXml,
		fixedPorts: inputs.fork !== undefined,
	};
	const keepMachine = config !== undefined && isMachine(hardware.machine, config.machine);
	const earlier = config && {
		definition: config.root,
		keepMachine,
		keepControllers: machine.sameExtra ?? true,
	};
	const base = baseFor(inputs, machine);
	const place = template && ((root: Element) => placeAsTemplate(root, template));
	const root = buildDomain(spec, base, earlier, place);
	// Not where devices are asked for anew: who wants one that there is not is told so.
	const cameAlong = config !== undefined && machine.sameExtra !== false;
	const adapts = cameAlong && inputs.migration?.whenLacking === "adapt";
	return { root: adapts ? await adaptedTo(host, root) : root, spec };
}

/** The first start is the time for `guestSetup`: without one there is nothing to come, whatever is given later. */
function isSetUp(inputs: DomainInputs, { config, foreign }: Machine): boolean {
	const nothingToDo = inputs.guestSetup === undefined && inputs.fork === undefined;
	return config?.recorded?.setUp === true || foreign === true || (inputs.running && nothingToDo);
}

/** The disks of a definition; what lies below them is only said of a running machine. */
export function knownDisks(config: FoundDomain | undefined, live: FoundDomain | undefined): FoundDisk[] {
	return (config?.disks ?? []).map((disk) => {
		const running = live?.disks.find((item) => item.target === disk.target && item.chain[0] === disk.chain[0]);
		return running ? { ...disk, chain: running.chain } : disk;
	});
}

/** A machine that was made from a template is built on what it became, without what `extraXml` put on top. */
function baseFor(inputs: DomainInputs, { config, template }: Machine): Element | undefined {
	if (template) return baseOf(template);
	if (inputs.template === undefined || !config) return undefined;
	const underlay = config.recorded?.underlay;
	if (underlay === undefined) return copy(config.root);
	return withPasswordsOf(parse(underlay, "the definition kept in the metadata"), config.root);
}

/**
 * By UUID instead of libvirt's choice, the name: a new machine of a former machine's name does not find its variables,
 * and a machine that gets another name keeps its own. Where libvirt runs for one user the folder is libvirt's to know.
 */
function nvramPath(uri: string, machine: Machine): string | undefined {
	if (machine.domainType === "test" || !/\/system($|\?)/.test(uri)) return undefined;
	return `/var/lib/libvirt/qemu/nvram/${machine.uuid}_VARS.fd`;
}

/** Whether a machine type in full (`pc-q35-7.2`) is what a short one (`q35`) came to. */
export function isMachine(given: string, full: string): boolean {
	if (given === full) return true;
	if (given === "pc") return full.startsWith("pc-i440fx-");
	return full.startsWith(`${given}-`) || full.startsWith(`pc-${given}-`);
}
