/** Looks at machines on a host, whoever made them, to say what they can change to and how far a change has come. */
import { LibvirtError } from "../libvirt/errors";
import type { Context } from "../lifecycle";
import { attribute, parse, text } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { readMiB } from "../xml/units";
import { INSTANCE_TYPES, type InstanceType } from "./instance-types";
import { type Machine, type MorphOption, optionsOf } from "./options";
import { type MorphRecord, parseRecord } from "./record";
import { probedShape } from "./steps";

/**
 * @param names names or UUIDs
 * @throws Error for a machine that is not there
 */
export async function surveyOptions(
	context: Context,
	names: ReadonlyArray<string>,
	types: Readonly<Record<string, InstanceType>> = INSTANCE_TYPES,
): Promise<{ machines: Machine[]; options: MorphOption[] }> {
	const machines = await Promise.all(names.map((name) => look(context, name)));
	const available = await context.host.memory().then(
		({ availableMiB }) => availableMiB,
		(error) => {
			if (error instanceof LibvirtError) return undefined;
			throw error;
		},
	);
	return { machines, options: optionsOf(machines, types, available) };
}

async function look(context: Context, nameOrUuid: string): Promise<Machine> {
	const { host } = context;
	const found = await host.domains.find(nameOrUuid);
	if (!found) throw new Error(`there is no machine ${nameOrUuid} on ${host.uri}`);
	const { name, uuid, state } = found;
	if (state !== "shutoff" && state !== "crashed") {
		const running = await probedShape(context, uuid);
		return { name, running, memoryMiB: running.memory.presentMiB };
	}
	const root = parse(await host.domains.xml(uuid), `the definition of ${name}`);
	return { name, running: undefined, memoryMiB: readMiB(root, "currentMemory") ?? readMiB(root, "memory") ?? 0 };
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
