/** Looks at machines on a host, whoever made them, to say what they can change to and how far a change has come. */
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import { type Context, InputError } from "../lifecycle";
import { dirtiedMiBps } from "../move/dirty";
import { obstacles } from "../move/obstacles";
import { comingTo } from "../move/room";
import { attribute, parse, text } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { readMiB } from "../xml/units";
import { withoutAgent } from "./agent-policy";
import { INSTANCE_TYPES, type InstanceType } from "./instance-types";
import { type Machine, type MorphOption, optionsOf, type TooFast } from "./options";
import { probedShape } from "./probe";
import { type MorphRecord, parseRecord } from "./record";

/**
 * @param names names or UUIDs
 * @param to another host that they are to go to
 * @param bandwidthMiBps what can be sent there in a second; undefined where that is not asked about
 * @throws Error for a machine that is not there, and where both are the same host
 */
export async function surveyOptions(
	context: Context,
	names: ReadonlyArray<string>,
	types: Readonly<Record<string, InstanceType>> = INSTANCE_TYPES,
	to?: Host,
	bandwidthMiBps?: number,
): Promise<{ machines: Machine[]; options: MorphOption[] }> {
	if (to) await refuseSameHost(context.host, to);
	else if (bandwidthMiBps !== undefined) {
		throw new InputError("bandwidthMiBps", `got ${bandwidthMiBps} without to; allowed is it with another host`);
	}
	const machines = await Promise.all(names.map((name) => look(context, name, to, bandwidthMiBps)));
	return { machines, options: optionsOf(machines, types, await availableOn(to ?? context.host)) };
}

async function refuseSameHost(host: Host, to: Host): Promise<void> {
	const [here, there] = await Promise.all([host.info(), to.info()]);
	if (here.hostUuid !== there.hostUuid) return;
	throw new InputError("to", `got ${to.uri}, which is the host of ${host.uri}; allowed is another one`);
}

/** Less what is promised to machines that are on their way there. */
async function availableOn(host: Host): Promise<number | undefined> {
	try {
		const [{ availableMiB }, coming] = await Promise.all([host.memory(), comingTo(host)]);
		return coming.reduce((left, { memoryMiB }) => left - memoryMiB, availableMiB);
	} catch (error) {
		if (error instanceof LibvirtError) return undefined;
		throw error;
	}
}

async function look(
	context: Context,
	nameOrUuid: string,
	to: Host | undefined,
	bandwidthMiBps: number | undefined,
): Promise<Machine> {
	const { host } = context;
	const found = await host.domains.find(nameOrUuid);
	if (!found) throw new Error(`there is no machine ${nameOrUuid} on ${host.uri}`);
	const { name, uuid, state } = found;
	const root = parse(await host.domains.xml(uuid), `the definition of ${name}`);
	const target = to && { obstacles: await obstacles(host, to, root) };
	if (state !== "shutoff" && state !== "crashed") {
		const defined = parse(await host.domains.xml(uuid, { inactive: true }), `the definition of ${name}`);
		const barred = recordedIn(defined)?.agentBarred === true;
		const running = await probedShape(barred ? { ...context, host: withoutAgent(host) } : context, uuid);
		const machine = { name, running, memoryMiB: running.memory.presentMiB };
		if (!target || bandwidthMiBps === undefined) return { ...machine, ...target };
		return { ...machine, obstacles: [...target.obstacles, ...(await tooFast(host, uuid, bandwidthMiBps))] };
	}
	const memoryMiB = readMiB(root, "currentMemory") ?? readMiB(root, "memory") ?? 0;
	return { name, running: undefined, memoryMiB, ...target };
}

async function tooFast(host: Host, uuid: string, bandwidthMiBps: number): Promise<TooFast[]> {
	const dirtied = await dirtiedMiBps(host, uuid);
	if (dirtied === undefined || dirtied < bandwidthMiBps) return [];
	const reason = `it changes ${dirtied} MiB/s of its memory, and ${bandwidthMiBps} are sent: while it runs only slowed down`;
	return [{ mode: "save-restore", reason }];
}

/** How far the change of a machine has come. */
export interface Progress {
	name: string;
	/** "2 vCPUs, 4096 MiB": what its definition says. */
	size: string;
	/** Of a change that has not come to its end; undefined when there is none. */
	record: MorphRecord | undefined;
}

/**
 * @param names names of machines; all of this package's when there are none
 * @throws Error for a machine that is not there
 */
export async function surveyProgress({ host }: Context, names: ReadonlyArray<string>): Promise<Progress[]> {
	const all = await host.domains.listWithXml();
	const missing = names.filter((name) => !all.some((one) => one.name === name || one.uuid === name));
	if (missing.length > 0) throw new Error(`there is no machine ${missing.join(", ")} on ${host.uri}`);
	return all.flatMap(({ name, uuid, xml }) => {
		const root = parse(xml, `the definition of ${name}`);
		const recorded = recordedIn(root);
		if (names.length > 0 ? !(names.includes(name) || names.includes(uuid)) : !recorded) return [];
		const vcpus = attribute(root, "vcpu", "current") ?? text(root, "vcpu") ?? 1;
		const size = `${vcpus} vCPUs, ${readMiB(root, "currentMemory") ?? readMiB(root, "memory") ?? 0} MiB`;
		return [{ name, size, record: parseRecord(recorded?.morph) }];
	});
}
