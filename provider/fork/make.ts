/** Making a fork point: boot, make ready, let go of the network, stand still, write. */
import { randomUUID } from "node:crypto";
import { chooseAccelerator, hostCapabilities } from "../domain/accelerator";
import { guestExec, setUpGuest } from "../domain/agent";
import { removeDomain } from "../domain/create";
import { wantedDefinition } from "../domain/definition";
import { untilHealthy } from "../domain/health";
import { lookLive } from "../domain/look";
import { patiently, poll, timed } from "../domain/patience";
import { domainSchema } from "../domain/schema";
import { waitForAgent } from "../domain/wait";
import { injectThroughAgent } from "../init/inject/agent";
import { type InjectedInput, payloadOf, shortVersion } from "../init/injected";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { Undo } from "../undo";
import { make } from "../volume/make";
import { defaultName } from "../volume/name";
import type { Pool } from "../volume/pools";
import { finishRefresh, refreshPool } from "../volume/refresh";
import { remove } from "../volume/remove";
import { volumeSchema } from "../volume/schema";
import { wantedOf } from "../volume/wanted";
import { volumeXml } from "../volume/xml";
import { child, children, type Element, element, serialize, text } from "../xml/element";
import { recordOf, setRecord } from "../xml/metadata";
import { addRootPorts, SPARE_ROOT_PORTS } from "../xml/ports";
import { appArmorRemedy } from "./apparmor";
import { refuseWithoutPort, untilAsked } from "./ask";
import { runCommands } from "./commands";
import { childDefinition, derivedDefinition, type MemoryFile, parentDefinition } from "./definition";
import { loadDevices, saveDevices } from "./device-state";
import { become, beforeFork, FOLDER, installScripts, untilAgentAnswers } from "./guest";
import { refuseForbiddenCommands } from "./needs";
import { readPoint } from "./point";
import { getRoom } from "./preempt";
import type { ForkPointFacts, ForkPointInputs } from "./schema";
import { cutLinks, readSource, refuseUnready, takeSource } from "./source";

const MIB = 1024 * 1024;
/** Far more than devices without memory need; the file grows with what is written. */
const DEVICES_BYTES = 16 * MIB;
const UNPLUG_SECONDS = 30;

/** What was made, or found. */
export type Made = Omit<ForkPointFacts, "timings"> & { timings: Omit<ForkPointFacts["timings"], "createMs"> };

/** @throws Error, and nothing is left */
export async function makePoint(
	context: Context,
	pool: Pool,
	inputs: ForkPointInputs,
	{ name, contentId }: { name: string; contentId: string },
): Promise<Made> {
	const { host, log } = context;
	const files = await namesFor(host, pool, inputs, contentId);
	return Undo.around(async (undo) => {
		const uuid = randomUUID();
		undo.add(`remove domain ${name} (${uuid})`, () => removeDomain(host, uuid));
		for (const file of Object.values(files)) undo.add(`remove ${file.path}`, () => remove(host, pool, file.path));

		const point = inputs.parent === undefined ? undefined : await readPoint(host, inputs.parent, "parent");
		refuseWithoutPort(inputs, point);
		const source = inputs.source === undefined ? undefined : await readSource(host, inputs);
		const makeFiles = async (memoryMiB: number) => {
			const memoryVolume = { name: files.memory.name, capacityBytes: memoryMiB * MIB };
			await makeFile(host, pool, memoryVolume, point?.memoryFile.path);
			await makeFile(host, pool, { name: files.devices.name, capacityBytes: DEVICES_BYTES });
			await getRoom(context, { name, fork: undefined }, memoryMiB);
		};
		if (source) {
			await refuseUnready(host, source);
			await makeFiles(source.memoryMiB);
		}
		const base = point?.disk ?? inputs.base!;
		const { disk, lineage } = source
			? await takeSource(context, pool, inputs, source, files)
			: await makeDisk(context, pool, inputs, { name: files.disk.name, base });
		const origin: Origin | undefined = source
			? { ...source, devices: files.devices.path }
			: point && { ...point, nics: [], memoryMiB: point.memoryFile.memoryMiB };
		const { root, memoryMiB } = origin
			? { root: derivedDefinition(origin.root, { uuid, name, disk }), memoryMiB: origin.memoryMiB }
			: await definitionOf(host, inputs, { uuid, name, disk });
		const { memory: memoryFile, devices } = files;
		const port = source ? false : (point?.port ?? true);
		const fork = { spec: contentId, memory: memoryFile.path, state: devices.path, port, linked: port };
		const recorded = recordOf(inputs, { base: lineage.base, baseContentId: lineage.baseContentId });
		const define = async (complete: boolean) => {
			setRecord(root, { ...recorded, setUp: true, forkableBy: inputs.forkableBy, fork: { ...fork, complete } });
			await patiently(() => host.domains.define(serialize(root), { validate: false }));
		};
		await define(false);
		const memory: MemoryFile = { path: files.memory.path, memoryMiB };
		if (!source) await makeFiles(memoryMiB);
		const started = () =>
			origin ? goOn(host, uuid, inputs, root, memory, origin) : boot(host, uuid, inputs, root, memory);
		const bootMs = (await timed(started)).ms;
		const prepareMs = (await timed(() => prepare(context, uuid, inputs))).ms;
		log("the machine is ready and is stopped for good");
		const saveMs = (await timed(() => freeze(host, uuid, inputs, files.devices.path))).ms;
		// Nobody may write below the children's disks: the machine could be started by hand.
		for (const item of children(child(root, "devices"), "disk")) {
			if (!child(item, "readonly")) item.appendChild(element("readonly"));
		}
		await define(true);
		return {
			uuid,
			domainName: name,
			disk,
			memory: files.memory.path,
			devices: files.devices.path,
			memoryMiB,
			contentId,
			lineage,
			timings: { bootMs, prepareMs, saveMs },
		};
	});
}

interface FileName {
	name: string;
	path: string;
}

/** Pure. @throws Error for a pool without files */
export function filesOf(pool: Pool, inputs: Pick<ForkPointInputs, "name" | "ownerId">, contentId: string) {
	if (pool.directory === undefined) {
		throw new Error(
			`the pool "${pool.name}" has the type ${pool.type}; a fork point needs one of files: dir, fs or netfs`,
		);
	}
	const file = (suffix: string, extension: string): FileName => {
		const name = defaultName(`${inputs.name}${suffix}`, inputs.ownerId, extension, contentId);
		return { name, path: `${pool.directory}/${name}` };
	};
	return { disk: file("", "qcow2"), memory: file("-memory", "raw"), devices: file("-devices", "raw") };
}

/** What an earlier run left under these names goes: it belongs to no fork point, and nobody stands on it. */
async function namesFor(host: Host, pool: Pool, inputs: ForkPointInputs, contentId: string) {
	const files = filesOf(pool, inputs, contentId);
	await refreshPool(host, pool.uuid);
	for (const { path } of Object.values(files)) await remove(host, pool, path);
	// For libvirt those that are gone are there until then.
	await finishRefresh(host, pool.uuid);
	return files;
}

async function makeDisk(
	context: Context,
	pool: Pool,
	{ uri, ownerId, baseContentId }: ForkPointInputs,
	{ name, base }: { name: string; base: string },
) {
	const volume = volumeSchema.parse({ uri, ownerId, pool: pool.name, name, base, baseContentId });
	const made = await make(context, await wantedOf(context.host, pool, volume));
	return { disk: made.path, lineage: made.lineage! };
}

/** The machine, without what makes its memory a file. */
async function definitionOf(
	host: Host,
	inputs: ForkPointInputs,
	{ uuid, name, disk }: { uuid: string; name: string; disk: string },
): Promise<{ root: Element; memoryMiB: number }> {
	const { uri, ownerId, network } = inputs;
	const { spareRootPorts = 0, ...domain } = inputs.domain;
	const full = domainSchema.parse({
		...domain,
		uri,
		ownerId,
		name,
		running: false,
		disks: [{ volume: disk, format: "qcow2" }],
		nics: network === undefined ? [] : [{ network }],
	});
	const { domainType } = await chooseAccelerator(host, full.type, "x86_64");
	const { root, spec } = await wantedDefinition(full, host, { uuid, domainType });
	// The NIC's is free at the fork as well.
	addRootPorts(root, spareRootPorts - SPARE_ROOT_PORTS - spec.nics.length);
	return { root, memoryMiB: spec.maxMemoryMiB };
}

/** @param like path of a volume whose content it begins with */
async function makeFile(
	host: Host,
	pool: Pool,
	volume: { name: string; capacityBytes: number },
	like?: string,
): Promise<void> {
	const xml = volumeXml({ ...volume, format: "raw", owner: await userOfQemu(host) });
	if (like === undefined) await host.volumes.create(pool.uuid, xml);
	else await host.volumes.createFrom(pool.uuid, xml, like);
}

/** libvirt gives QEMU's user the disks of a machine, but not files that it does not know of. */
async function userOfQemu(host: Host): Promise<{ user: number; group: number } | undefined> {
	const models = children(await hostCapabilities(host), "secmodel");
	const dac = models.find((model) => text(model, "model") === "dac");
	const match = /^\+(\d+):\+(\d+)$/.exec(text(dac, "baselabel") ?? "");
	return match ? { user: Number(match[1]), group: Number(match[2]) } : undefined;
}

async function boot(
	host: Host,
	uuid: string,
	{ uri, name, domain, timeoutSeconds }: ForkPointInputs,
	root: Element,
	memory: MemoryFile,
): Promise<void> {
	await patiently(() => host.domains.createTransient(serialize(parentDefinition(root, memory)))).catch(
		explainDenied(memory.path),
	);
	const waiting = {
		uri,
		name,
		consoleLog: domain.consoleLog,
		waitFor: { agent: true, address: "none" as const, timeoutSeconds },
	};
	await waitForAgent(host, uuid, waiting, [], () => timeoutSeconds);
}

/** Where a parent goes on instead of booting. */
interface Origin {
	root: Element;
	/** Path of the devices' state. */
	devices: string;
	/** NICs in that state, which lead nowhere. */
	nics: Element[];
	memoryMiB: number;
}

/** Instead of a boot: from where another fork point or a copied machine stood still, with a copy of its memory. */
async function goOn(
	host: Host,
	uuid: string,
	inputs: ForkPointInputs,
	root: Element,
	memory: MemoryFile,
	origin: Origin,
): Promise<void> {
	const { name, network, timeoutSeconds } = inputs;
	const definition = childDefinition(origin.root, root, memory, "shared");
	for (const nic of origin.nics) child(definition, "devices")!.appendChild(nic);
	await patiently(() => host.domains.createTransient(serialize(definition), { paused: true })).catch(
		explainDenied(memory.path),
	);
	await loadDevices(host, uuid, origin.devices);
	await cutLinks(host, uuid);
	await patiently(() => host.domains.resume(uuid));
	if (!(await untilAgentAnswers(host, uuid, timeoutSeconds))) {
		throw new Error(`its guest agent has not answered within ${timeoutSeconds} s (timeoutSeconds)`);
	}
	if (inputs.source !== undefined) await installScripts(host, uuid);
	// Its guest may ask to be forked on the port meanwhile.
	await become(host, uuid, { hostname: name, hostKeys: [], files: [] }, timeoutSeconds, false);
	await letGoOfNics(host, uuid);
	if (network === undefined) return;
	const nic = element(
		"interface",
		{ type: "network" },
		element("source", { network }),
		element("model", { type: "virtio" }),
	);
	await patiently(() => host.domains.attachDevice(uuid, serialize(nic), "live"));
}

function explainDenied(path: string) {
	return (error: unknown): never => {
		const message = error instanceof Error ? error.message : String(error);
		if (!/denied|not permitted/i.test(message)) throw error;
		throw new Error(
			`QEMU may not open ${path}: ${message}. Where AppArmor confines it, allow it the pool's folder: ${appArmorRemedy(path)}`,
			{ cause: error },
		);
	};
}

async function prepare(context: Context, uuid: string, inputs: ForkPointInputs): Promise<void> {
	const { host, log } = context;
	const { files, commands, ready, trigger, startBeforeFork, restartAfterFork, timeoutSeconds } = inputs;
	await refuseForbiddenCommands(host, uuid, inputs.parent === undefined ? "base" : "parent");
	await installScripts(host, uuid);
	await setUpGuest(host, uuid, { files });
	await runCommands(context, uuid, commands, "commands", () => timeoutSeconds);
	if (inputs.injected) await putScripts(context, uuid, inputs.injected);
	await beforeFork(host, uuid, [...startBeforeFork, ...restartAfterFork], timeoutSeconds);
	if (ready) await untilHealthy(host, uuid, inputs.name, ready);
	if (trigger !== "guest") return;
	log(`waits until the guest asks to be forked, with ${FOLDER}/fork-now, at most ${timeoutSeconds} s`);
	await untilAsked(host, uuid, timeoutSeconds);
}

/** For the children: the parent itself runs none of them, as nothing starts them before its next boot. */
async function putScripts({ host, log }: Context, uuid: string, injected: InjectedInput): Promise<void> {
	log(`puts the scripts ${shortVersion(injected)} into it`);
	await injectThroughAgent(host, uuid, payloadOf(injected));
	// Services before which some of them run may be started before the next boot.
	await guestExec(host, uuid, "/bin/sh", ["-c", "[ ! -d /run/systemd/system ] || systemctl daemon-reload"]);
}

async function letGoOfNics(host: Host, uuid: string): Promise<void> {
	for (const nic of (await lookLive(host, uuid)).nics) {
		await patiently(() => host.domains.detachDevice(uuid, serialize(nic.element), "live"));
		const gone = await poll(UNPLUG_SECONDS, async () =>
			(await lookLive(host, uuid)).nics.some(({ mac }) => mac === nic.mac) ? undefined : true,
		);
		if (!gone) throw new Error(`the guest has not let go of its NIC ${nic.mac} within ${UNPLUG_SECONDS} s`);
	}
}

/** The guest stands still for good, without a NIC, and its devices are written. */
async function freeze(host: Host, uuid: string, { timeoutSeconds }: ForkPointInputs, path: string): Promise<void> {
	await letGoOfNics(host, uuid);
	await guestExec(host, uuid, "/bin/sh", ["-c", "sync"]);
	await patiently(() => host.domains.suspend(uuid));
	await saveDevices(host, uuid, path);
	await patiently(() => host.domains.destroy(uuid), timeoutSeconds);
}
