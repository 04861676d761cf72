/**
 * A running machine that a fork point is made from: it stands still while its state and its disk are copied, and goes on as
 * if nothing had been. The copy goes on beside it, with a memory that can be shared, and NICs that lead nowhere.
 */
import { execFile } from "node:child_process";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { lookLive } from "../domain/look";
import { patiently } from "../domain/patience";
import { type Host, LibvirtError } from "../libvirt";
import { type Context, InputError } from "../lifecycle";
import { isLocalUri } from "../local-uri";
import { stackOf } from "../owner";
import { isPermitted, shownPatterns } from "../permitted";
import { withTemporaryFolder } from "../temporary";
import { isMarked, makeStandingCopy } from "../volume/make-standing-copy";
import type { Pool } from "../volume/pools";
import { volumeSchema } from "../volume/schema";
import { wantedOf } from "../volume/wanted";
import { attribute, child, children, copy, type Element, element, parse, remove } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { readMiB } from "../xml/units";
import { MEMORY } from "./definition";
import { isIdle, saveWhole } from "./device-state";
import { untilAgentAnswers } from "./guest";
import type { ForkPointInputs } from "./schema";
import { takeApart } from "./whole-state";

/** As QEMU calls the memory of a machine that has all of it in one piece. */
const ORDINARY_MEMORY = "pc.ram";
const MIB = 1024 * 1024;
const WRITE_BYTES = 4 * MIB;
/** Slower than any pipe; a machine with much memory takes its time. */
const SLOWEST_MIB_PER_SECOND = 20;
const SHORTEST_SECONDS = 120;
const AGENT_SECONDS = 30;
/** Devices whose state is elsewhere, or that a copy cannot have as well. */
const UNFIT = ["hostdev", "tpm", "filesystem", "vsock", "shmem", "redirdev", "memory", "lease", "smartcard"];
/** What only the host of a running machine knows of it. */
const OF_THE_HOST = ["graphics", "console"];

export interface Source {
	uuid: string;
	name: string;
	/** Its hardware without NICs, as its copies have it. */
	root: Element;
	/** Its NICs, leading nowhere. */
	nics: Element[];
	memoryMiB: number;
}

/** @throws InputError when it cannot be taken, or not by this stack; nothing is touched */
export async function readSource(host: Host, inputs: ForkPointInputs): Promise<Source> {
	const reference = inputs.source!;
	const refuse = (complaint: string) => new InputError("source", complaint);
	if (!isLocalUri(inputs.uri)) {
		throw refuse(
			`got ${reference} on ${inputs.uri}; allowed is a machine of this computer, which takes its state apart`,
		);
	}
	const info = await host.domains.find(reference);
	if (!info) throw refuse(`there is no domain ${reference} on the host; allowed is a domain's UUID or name`);
	const { uuid, name } = info;
	const live = parse(await host.domains.xml(uuid, { migratable: true, secure: true }), `the state of ${name}`);
	const { owner = "", cloneableBy } = recordedIn(live) ?? {};
	if (!isPermitted(inputs, owner, cloneableBy)) {
		throw refuse(
			`got domain ${name}, which ${stackOf(inputs.ownerId)} may not clone: it belongs to ${owner}; allowed are its own ` +
				`stack and ${shownPatterns(cloneableBy)}. Its owner can let it: cloneableBy of that Domain`,
		);
	}
	if (info.state === "shutoff") {
		throw refuse(
			`got domain ${name}, which is off; allowed is one that runs. Its disk is a base for a machine that boots`,
		);
	}
	const complaint = unfit(live);
	if (complaint !== undefined) throw refuse(`got domain ${name}, ${complaint}`);
	const nics = children(child(live, "devices"), "interface").map(leadingNowhere);
	return { uuid, name, root: hardwareOf(live), nics, memoryMiB: readMiB(live, "memory")! };
}

/**
 * @returns whether it stands still because a run was cut off
 * @throws InputError for a machine that stands still for another reason, or is written by somebody else
 */
export async function refuseStanding(host: Host, { uuid, name }: Source): Promise<boolean> {
	const { state } = await host.domains.state(uuid);
	if (state === "paused" && (await isMarked(host, uuid))) return true;
	if (state !== "running") throw refused(name, `which is ${state}; allowed is one that runs`);
	if (await isIdle(host, uuid)) return false;
	throw refused(name, "which is moved or saved by somebody; allowed is one that is not");
}

/** @throws InputError for a machine that is not to be taken now; nothing is touched */
export async function refuseUnready(host: Host, source: Source): Promise<void> {
	if (await refuseStanding(host, source)) return;
	if (await untilAgentAnswers(host, source.uuid, AGENT_SECONDS)) return;
	throw refused(
		source.name,
		"whose guest agent does not answer; allowed is one with the QEMU guest agent: its copy is asked through it",
	);
}

function refused(name: string, complaint: string): InputError {
	return new InputError("source", `got domain ${name}, ${complaint}`);
}

function unfit(root: Element): string | undefined {
	const devices = child(root, "devices");
	if (child(root, "cpu/numa")) return "which has room for memory (headroom, NUMA); allowed is one without";
	const unfitting = children(devices).find(({ tagName }) => UNFIT.includes(tagName));
	if (unfitting) return `which has a <${unfitting.tagName}>; allowed is a machine without: its state cannot be copied`;
	const disks = children(devices, "disk");
	if (disks.length !== 1) return `which has ${disks.length} disks and drives; allowed is one with its first disk alone`;
	if (attribute(disks[0], "driver", "type") !== "qcow2") return "whose disk is not qcow2; allowed is one that is";
	if (child(root, "os/nvram")) return 'with the firmware "uefi", whose variables are a file; allowed is "bios"';
	if (children(root).some(({ localName }) => localName === "commandline"))
		return "which is a forked child or has arguments of QEMU's own; allowed is one without. A child's fork point can be a parent";
	if (child(root, "memoryBacking")) return "which has a memoryBacking; allowed is ordinary memory";
	return undefined;
}

/** What copies have in common with it. */
function hardwareOf(live: Element): Element {
	const root = copy(live);
	root.removeAttribute("id");
	for (const name of ["metadata", "seclabel", "genid", "title", "description"]) {
		for (const item of children(root, name)) remove(item);
	}
	const devices = child(root, "devices");
	for (const name of [...OF_THE_HOST, "interface"]) for (const item of children(devices, name)) remove(item);
	for (const item of children(devices)) {
		for (const inner of [...children(item, "seclabel"), ...children(item, "backingStore")]) remove(inner);
	}
	for (const port of children(devices, "serial")) {
		port.setAttribute("type", "pty");
		for (const inner of [...children(port, "source"), ...children(port, "log"), ...children(port, "protocol")])
			remove(inner);
	}
	// Its socket is the source's own; libvirt makes one for each machine.
	for (const channel of children(devices, "channel")) remove(child(channel, "source"));
	return root;
}

/** A tap device without a bridge: its backend can what the source's can, which the guest may have put to use. */
function leadingNowhere(nic: Element): Element {
	const kept = ["mac", "model", "driver", "address", "rom", "mtu"].flatMap((name) => children(nic, name));
	const lonely = element("interface", { type: "ethernet" });
	for (const item of kept) lonely.appendChild(copy(item));
	return lonely;
}

/**
 * Takes its disk, memory and devices as they are at one moment.
 * @param files names in the pool; those of memory and devices are there
 * @throws Error, and it goes on as before
 */
export async function takeSource(
	context: Context,
	pool: Pool,
	{ uri, ownerId }: ForkPointInputs,
	source: Source,
	files: Record<"disk" | "memory" | "devices", { name: string; path: string }>,
) {
	const { host } = context;
	const copied = { baseDomain: source.uuid, cloning: "reflink", whileRunning: true };
	const volume = volumeSchema.parse({ uri, ownerId, pool: pool.name, name: files.disk.name, ...copied });
	const wanted = await wantedOf(host, pool, volume);
	const { path, lineage } = await makeStandingCopy(context, wanted, () =>
		withTemporaryFolder("state", (folder) => takeState(host, source, files, join(folder, "state"))),
	);
	return { disk: path, lineage: lineage! };
}

async function takeState(
	host: Host,
	{ uuid, name, memoryMiB }: Source,
	files: Record<"memory" | "devices", { path: string }>,
	pipe: string,
): Promise<void> {
	const memory = await open(files.memory.path, "r+");
	const gathered = new Gathered((bytes, at) => writeAll(memory, bytes, at));
	const seconds = Math.max(SHORTEST_SECONDS, memoryMiB / SLOWEST_MIB_PER_SECOND);
	try {
		await promisify(execFile)("mkfifo", ["-m", "600", pipe]);
		const stream = createReadStream(pipe, { highWaterMark: MIB });
		const whole = { from: ORDINARY_MEMORY, to: MEMORY, bytes: memoryMiB * MIB, write: gathered.write };
		const taken = takeApart(stream as AsyncIterable<Buffer>, whole).finally(() => stream.destroy());
		const saved = saveWhole(host, uuid, pipe, seconds);
		// The machine goes on after this: QEMU has to be done with it, whichever of the two has failed.
		const [devices] = await Promise.all([taken, saved]).finally(() => saved.catch(() => {}));
		await gathered.end();
		const state = await open(files.devices.path, "r+");
		await writeAll(state, devices, 0).finally(() => state.close());
	} catch (error) {
		if (error instanceof LibvirtError || !(error instanceof Error)) throw error;
		throw new Error(`the state of ${name} could not be copied: ${error.message}`, { cause: error });
	} finally {
		await memory.close();
		// Lets go whoever has waited for the other end.
		await open(pipe, constants.O_RDWR | constants.O_NONBLOCK).then(
			(end) => end.close(),
			() => {},
		);
	}
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
	}
}

/** Pages that follow each other are written at once. */
class Gathered {
	private pages: Buffer[] = [];
	private from = 0;
	private bytes = 0;

	constructor(private readonly out: (bytes: Buffer, at: number) => Promise<unknown>) {}

	readonly write = async (page: Buffer, at: number): Promise<void> => {
		if (at !== this.from + this.bytes || this.bytes >= WRITE_BYTES) {
			await this.end();
			this.from = at;
		}
		this.pages.push(page);
		this.bytes += page.length;
	};

	async end(): Promise<void> {
		if (this.bytes > 0) await this.out(Buffer.concat(this.pages), this.from);
		this.pages = [];
		this.bytes = 0;
	}
}

/** The copy's NICs have no link: what they have read of the source's state says that it is up. @throws Error */
export async function cutLinks(host: Host, uuid: string): Promise<void> {
	for (const { element: nic } of (await lookLive(host, uuid)).nics) {
		const name = attribute(nic, "alias", "name");
		await patiently(() => host.domains.qmp(uuid, "set_link", { name, up: false }));
	}
}
