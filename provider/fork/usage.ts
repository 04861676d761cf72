/** What a child has for itself, and what it shares with its parent. */
import { readdir, readFile } from "node:fs/promises";
import type { Host } from "../libvirt";
import { isLocalUri } from "../local-uri";

/** Bytes of one child. Those of memory are absent where QEMU's process cannot be looked at: on another machine. */
export interface ChildUsage {
	/** Guest memory that it has written to since the fork (in QEMU's mapping of the parent's memory: `Anonymous`). */
	privateMemoryBytes?: number | undefined;
	/** The rest of its guest memory, which is its parent's. */
	sharedMemoryBytes?: number | undefined;
	/** What its disk takes by itself. */
	diskBytes: number;
}

/** @param volume path of its first disk */
export async function usageOf(host: Host, uuid: string, volume: string): Promise<ChildUsage> {
	const [memory, { allocationBytes }] = await Promise.all([
		isLocalUri(host.uri) ? memoryOf(uuid) : undefined,
		host.volumes.size(volume),
	]);
	return { ...memory, diskBytes: allocationBytes };
}

/** @returns undefined when it does not go on from a parent (any more), or is not to be looked at */
async function memoryOf(uuid: string): Promise<Omit<ChildUsage, "diskBytes"> | undefined> {
	const found = await processOf(uuid);
	const [, size, path] = /(?:^|,)size=(\d+)M,mem-path=((?:[^,]|,,)+)/.exec(found?.memory ?? "") ?? [];
	if (!found || size === undefined || path === undefined) return undefined;
	const smaps = await readFile(`/proc/${found.pid}/smaps`, "utf8").catch(() => undefined);
	if (smaps === undefined) return undefined;
	const own = privateBytes(smaps, path.replaceAll(",,", ","));
	return { privateMemoryBytes: own, sharedMemoryBytes: Number(size) * 1024 * 1024 - own };
}

/** Pure. What a process has written to itself in its mappings of a file. */
export function privateBytes(smaps: string, file: string): number {
	return smaps
		.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
		.filter((mapping) => mapping.split("\n", 1)[0]!.includes(file))
		.reduce((sum, mapping) => sum + Number(/^Anonymous:\s+(\d+) kB/m.exec(mapping)?.[1] ?? 0) * 1024, 0);
}

/** QEMU's process of a machine, and what it was told about the memory that is a file. */
async function processOf(uuid: string): Promise<{ pid: string; memory: string | undefined } | undefined> {
	for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
		const args = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
		if (args[args.indexOf("-uuid") + 1] !== uuid) continue;
		return { pid, memory: args.find((arg) => arg.startsWith("memory-backend-file,")) };
	}
	return undefined;
}
