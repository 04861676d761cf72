/**
 * The state of a domain as it was found, in the shape of the inputs: what is as recorded is given back exactly as it is
 * recorded, so that an untouched machine shows no difference; what is not shows its present value.
 */
import { isDeepStrictEqual } from "node:util";
import { forkedIn } from "../fork/forked";
import { isForkedNext } from "../fork/waiting";
import type { Host } from "../libvirt";
import type { State } from "../lifecycle";
import { type FoundDisk, type FoundNic, type NicSource, sourceKey } from "../xml/devices";
import { child, children } from "../xml/element";
import { EXTRA_ALIAS, parseExtra } from "../xml/merge";
import { acceleratorOf } from "./accelerator";
import { hardwareOf } from "./defaults";
import { matchDisks } from "./disks";
import { changedDisk, changedSettings } from "./drift";
import { isRunning, pendingOf, type Seen } from "./look";
import { nicSource } from "./nics";
import type { DiskInputs, DomainFacts, DomainInputs, NicInputs } from "./schema";
import { resolveDisks } from "./source";
import { nextStart } from "./start";

type Full = State<DomainInputs, DomainFacts>;

/**
 * @param state what is recorded
 * @param waits of a forked machine that is off: whether a QEMU waits for its power-on
 */
export async function foundState(host: Host, seen: Seen, state: Full, waits = false): Promise<Full> {
	const pending = pendingOf(seen);
	const puts = pending?.properties.map((item) => item.split("[")[0]) ?? [];
	const sizeWaits = puts.includes("instanceType") || puts.includes("headroom");
	const settled = (property: string) =>
		!puts.includes(property) && !(sizeWaits && ["vcpus", "memoryMiB"].includes(property));
	const { config } = seen;
	const nics = findNics(seen, state, settled("nics"), await networkNames(host, state));
	const found: Full = {
		...state,
		name: config.name,
		description: sameText(state.description, config.description) ? state.description : config.description,
		...sizes(seen, state, settled),
		...changedSettings(config, state),
		disks: await findDisks(host, seen, state, settled("disks")),
		...nics,
		boot: state.boot === undefined && state.template !== undefined ? undefined : sameOr(state.boot, config.boot),
		running: hasGivenWay(seen, state) || isRunning(seen),
		...forkOf(seen, state, waits),
		autostart: seen.autostart,
		accelerator: acceleratorOf(config.domainType),
		pendingRestart: pending,
		// A change of its size is half way: the next update goes on with it, or takes it back.
		...(config.recorded?.morph !== undefined && { incomplete: true }),
	};
	return found;
}

/** Off, and to run as soon as there is room: no difference to what is wanted. */
function hasGivenWay({ active, config }: Seen, { running }: Full): boolean {
	return running && !active && config.recorded?.preempted === true;
}

/** A QEMU that waits and should not, or that should wait and does not, is a difference of `warm`. */
function forkOf(seen: Seen, state: Full, waits: boolean): Pick<Full, "fork" | "forked" | "preempted" | "nextStart"> {
	const { fork, forked } = state;
	if (!fork) return {};
	const isSetUp = seen.config.recorded?.setUp === true;
	const found = !seen.active && isForkedNext(fork, isSetUp) ? { ...fork, warm: waits } : fork;
	// A run that was cut off after a fork has recorded it in the machine alone.
	const told = forkedIn(seen.config.recorded) ?? forked;
	return {
		fork: found,
		...(told && { forked: told }),
		preempted: hasGivenWay(seen, state),
		nextStart: nextStart({ fork: found, running: isRunning(seen) }, isSetUp),
	};
}

function sameText(recorded: string | undefined, found: string | undefined): boolean {
	return (recorded ?? "") === (found ?? "");
}

function sameOr<T>(recorded: T, found: T): T {
	const plain = (value: T) => JSON.parse(JSON.stringify(value ?? null));
	return isDeepStrictEqual(plain(recorded), plain(found)) ? recorded : found;
}

function sizes(seen: Seen, state: Full, settled: (property: string) => boolean): Partial<DomainInputs> {
	const { config, live } = seen;
	const wanted = hardwareOf(state, state.inherited);
	const result: Partial<DomainInputs> = {};
	const maxMemoryMiB = wanted.room ? config.room?.maxMemoryMiB : config.maxMemoryMiB;
	// Emulation cannot unplug a vCPU: what the guest leaves aside is there until the next start.
	const leftAside = wanted.room && live?.domainType !== "kvm" && live !== undefined && live.vcpus > wanted.vcpus;
	if (config.memoryMiB !== wanted.memoryMiB) result.memoryMiB = config.memoryMiB;
	// Above the target a guest may just not have answered to the balloon; below it somebody took memory away.
	else if (live && settled("memoryMiB") && live.memoryMiB < wanted.memoryMiB) result.memoryMiB = live.memoryMiB;
	if (maxMemoryMiB !== wanted.maxMemoryMiB) result.maxMemoryMiB = maxMemoryMiB;
	if (config.vcpus !== wanted.vcpus) result.vcpus = config.vcpus;
	else if (live && settled("vcpus") && live.vcpus !== wanted.vcpus && !leftAside) result.vcpus = live.vcpus;
	if (config.maxVcpus !== wanted.maxVcpus) result.maxVcpus = config.maxVcpus;
	return result;
}

/** Of what is defined and what runs: a device that either lacks is missing, one that either has too much is there. */
function bothSides<T>(defined: T[], running: T[] | undefined, same: (a: T, b: T) => boolean): T[] {
	if (!running) return defined;
	const inBoth = defined.filter((item) => running.some((other) => same(item, other)));
	return [...inBoth, ...running.filter((item) => !defined.some((other) => same(item, other)))];
}

async function findDisks(host: Host, seen: Seen, state: Full, settled: boolean): Promise<DiskInputs[]> {
	const extra = extraAliases(state);
	const ours = (disk: FoundDisk) => !isExtra(disk.alias, extra) && disk.chain.length > 0;
	const alike = (a: FoundDisk, b: FoundDisk) =>
		(a.alias !== undefined && a.alias === b.alias && overlap(a, b)) || (a.target === b.target && overlap(a, b));
	const running = settled ? seen.live?.disks.filter(ours) : undefined;
	const all = bothSides(seen.config.disks.filter(ours), running, alike);
	// A running disk also tells what lies below it: a snapshot's overlay on our volume is still our volume.
	const chained = all.map((disk) => running?.find((other) => alike(disk, other)) ?? disk);
	const matched = matchDisks(await diskKeys(host, state.disks, chained), chained, false);
	const kept = state.disks.flatMap((input, index) => {
		const disk = matched[index];
		return disk ? [{ ...asFound(input, disk), ...changedDisk(input, disk, state.template !== undefined) }] : [];
	});
	return [...kept, ...chained.filter((disk) => !matched.includes(disk)).map(asInput)];
}

function overlap(a: FoundDisk, b: FoundDisk): boolean {
	return a.chain.some((key) => b.chain.includes(key));
}

/** Volumes are mostly named by their path, as disks are: the host is asked only about those that are not. */
async function diskKeys(host: Host, disks: DiskInputs[], found: FoundDisk[]) {
	return Promise.all(
		disks.map(async (input) => {
			const device = input.device;
			if (found.some((disk) => disk.chain.includes(input.volume))) return { key: input.volume, device };
			try {
				const [resolved] = await resolveDisks(host, [input]);
				return { key: sourceKey(resolved!.source), device };
			} catch {
				// The volume is gone: the disk's own XML still names it.
				return { key: input.volume, device };
			}
		}),
	);
}

function asFound(input: DiskInputs, disk: FoundDisk): DiskInputs {
	const found = { ...input };
	if (input.target !== undefined && disk.target !== undefined) found.target = disk.target;
	if (input.bus !== undefined && disk.bus !== undefined) found.bus = disk.bus;
	if (input.device !== "cdrom") found.readOnly = disk.readOnly ?? false;
	return found;
}

function asInput(disk: FoundDisk): DiskInputs {
	return {
		volume: disk.chain[0]!,
		...(disk.format === undefined ? {} : { format: disk.format }),
		device: disk.device ?? "disk",
		...(disk.target === undefined ? {} : { target: disk.target }),
		...(disk.bus === undefined ? {} : { bus: disk.bus }),
		readOnly: disk.readOnly ?? false,
		cache: (disk.cache ?? "default") as DiskInputs["cache"],
	};
}

function findNics(seen: Seen, state: Full, settled: boolean, names: Map<string, string>) {
	const extra = extraAliases(state);
	const ours = (nic: FoundNic) => !isExtra(nic.alias, extra) && nic.source !== undefined;
	const alike = (a: FoundNic, b: FoundNic) => a.mac === b.mac;
	const running = settled ? seen.live?.nics.filter(ours) : undefined;
	const all = bothSides(seen.config.nics.filter(ours), running, alike);
	const given = hardwareOf(state, state.inherited).nics;
	const used = new Set<FoundNic>();
	const kept = given.flatMap((input, index) => {
		const nic = all.find((item) => item.mac === (input.mac ?? state.macs[index]));
		if (!nic) return [];
		used.add(nic);
		// The live one tells when it was connected elsewhere while the machine runs.
		const now = running?.find((item) => item.mac === nic.mac) ?? nic;
		const same = isDeepStrictEqual(now.source, named(nicSource(input), names)) && now.model === input.model;
		return [{ input: same ? input : { ...nicInput(now), ...(input.mac ? { mac: input.mac } : {}) }, mac: nic.mac! }];
	});
	const added = all
		.filter((nic) => !used.has(nic))
		.map((nic) => ({ input: { ...nicInput(nic), mac: nic.mac }, mac: nic.mac! }));
	const nics = [...kept, ...added].map(({ input }) => input);
	return {
		nics: isDeepStrictEqual(nics, given) ? state.nics : nics,
		macs: [...kept, ...added].map(({ mac }) => mac),
	};
}

function nicInput(nic: FoundNic): NicInputs {
	return { ...nic.source!, model: (nic.model ?? "rtl8139") as NicInputs["model"] };
}

function named(source: NicSource, names: Map<string, string>): NicSource {
	return "network" in source ? { network: names.get(source.network) ?? source.network } : source;
}

/** Networks may be given by UUID, and definitions hold their names. */
async function networkNames(host: Host, state: Full): Promise<Map<string, string>> {
	const given = new Set(hardwareOf(state, state.inherited).nics.flatMap((nic) => nic.network ?? []));
	const uuids = [...given].filter((name) => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(name));
	const found = await Promise.all(uuids.map((uuid) => host.networks.find(uuid)));
	return new Map(uuids.map((uuid, index) => [uuid, found[index]?.name ?? uuid]));
}

/** Devices that `extraXml` added are its own business. */
function extraAliases(state: Full): Set<string> {
	if (state.extraXml === undefined) return new Set();
	const devices = children(child(parseExtra(state.extraXml), "devices"));
	return new Set(devices.flatMap((device) => child(device, "alias")?.getAttribute("name") ?? []));
}

function isExtra(alias: string | undefined, extra: Set<string>): boolean {
	if (alias === undefined) return false;
	return alias.startsWith(EXTRA_ALIAS) || (extra.has(alias) && !/^ua-(disk|nic)-\d+$/.test(alias));
}
