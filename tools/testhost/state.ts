import { randomBytes } from "node:crypto";
import {
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ProcessId } from "./processes";

/** What is known of a test host, kept as `host.json` in its directory. */
export interface HostState {
	name: string;
	directory: string;
	/** Where a storage pool may be made. */
	poolDirectory: string;
	/** Number of the host among those that exist, 1 to 254: its addresses are made of it. */
	slot: number;
	hostUuid: string;
	hasNetwork: boolean;
	/** Whether it has the machine's /dev/kvm, if there is one. */
	hasKvm: boolean;
	/** The host is removed when this process is gone. The holder if the host is to outlive its starter. */
	owner: ProcessId;
	/** The process that holds the namespaces; absent while the host is being made. */
	holder?: ProcessId;
}

const highestSlot = 254;
const idPattern = /^[0-9a-f]{10}$/;

/**
 * The directory of all test hosts' directories. Short, as a socket's path has at most 107 bytes, and open to QEMU's
 * user. `CLONES_TESTHOSTS` names another one.
 * @throws if somebody else owns it
 */
export function baseDirectory(): string {
	const base = process.env.CLONES_TESTHOSTS || "/var/tmp/clones-testhosts";
	mkdirSync(base, { recursive: true, mode: 0o755 });
	const stat = lstatSync(base);
	if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
		throw new Error(
			`${base} has to be a directory of this user, but its owner is ${stat.uid}. Remove it, or set CLONES_TESTHOSTS.`,
		);
	}
	return base;
}

/** Makes a new host's directory, whose name is never used again. */
export function makeHostDirectory(base: string): string {
	const directory = join(base, randomBytes(5).toString("hex"));
	mkdirSync(directory, { mode: 0o755 });
	return directory;
}

/** Takes a free slot: the number in a link's name, of which only one can be made. The link leads to its holder. */
export function claimSlot(directory: string): number {
	for (let slot = 1; slot <= highestSlot; slot++) {
		const link = slotLink(directory, slot);
		if (isLink(link) && !existsSync(link)) rmSync(link, { force: true }); // its host has been removed
		try {
			symlinkSync(directory, link);
			return slot;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
	}
	throw new Error(`All ${highestSlot} places for test hosts in ${dirname(directory)} are taken. Stop some of them.`);
}

/** Gives a slot back, unless it has become another host's. */
export function releaseSlot(state: HostState): void {
	const link = slotLink(state.directory, state.slot);
	if (isLink(link) && readlinkSync(link) === state.directory) rmSync(link, { force: true });
}

export function writeState(state: HostState): void {
	const file = join(state.directory, "host.json");
	writeFileSync(file + ".new", JSON.stringify(state, undefined, "\t"));
	renameSync(file + ".new", file);
}

/** All test hosts that are there, whether their owners live or not. */
export function listStates(base = baseDirectory()): HostState[] {
	return listHostDirectories(base).flatMap((directory) => readState(directory) ?? []);
}

/** Directories of hosts; one of which another process is just making the first file is among them. */
export function listHostDirectories(base: string): string[] {
	return readdirSync(base)
		.filter((entry) => idPattern.test(entry))
		.map((entry) => join(base, entry));
}

/** @returns `undefined` if the host is only just being made, or has been removed */
export function readState(directory: string): HostState | undefined {
	try {
		return JSON.parse(readFileSync(join(directory, "host.json"), "utf8")) as HostState;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

function slotLink(hostDirectory: string, slot: number): string {
	return join(dirname(hostDirectory), `slot-${slot}`);
}

function isLink(path: string): boolean {
	return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
