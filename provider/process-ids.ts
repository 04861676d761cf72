/** Processes that are told from later ones of the same number, by whoever sees the same numbers. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The process space of a machine that does not tell. */
const NOWHERE = "00000000";

/**
 * Within which process numbers mean the same: this boot of this kernel, and this container, as "BOOT/CONTAINER".
 * @returns undefined where the machine does not tell
 */
export function processSpace(): string | undefined {
	const boot = quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
	const namespace = quietly(() => readlinkSync("/proc/self/ns/pid"))?.replace(/\D/g, "");
	return boot && namespace && `${boot}/${namespace}`;
}

/**
 * When a process started, in clock ticks since the boot of the machine.
 * @returns undefined where there is none, or one that has ended and that nobody has waited for yet
 */
export function startedAt(pid: number): number | undefined {
	const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
	// The command's name may hold spaces and parentheses: fields count from behind the last one.
	const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
	if (!fields || fields[0] === "X" || (fields[0] === "Z" && !hasThreads(pid))) return undefined;
	return Number(fields[19]);
}

/** Whether threads beside the first one are left, which keep files and sockets open as long as they take to end. */
function hasThreads(pid: number): boolean {
	return (quietly(() => readdirSync(`/proc/${pid}/task`))?.length ?? 0) > 1;
}

/** This process, as a name of a file can have it: "SPACE-PROCESS-START". */
export function processTag(): string {
	return `${spaceTag()}-${process.pid}-${startedAt(process.pid) ?? 0}`;
}

/**
 * Whether the process of a tag is gone.
 * @returns undefined where that cannot be told: of another boot or container
 */
export function hasEnded(tag: string): boolean | undefined {
	const [space, pid, start] = tag.split("-");
	if (space === NOWHERE || space !== spaceTag()) return undefined;
	return startedAt(Number(pid)) !== Number(start);
}

function spaceTag(): string {
	const space = processSpace();
	return space === undefined ? NOWHERE : createHash("sha256").update(space).digest("hex").slice(0, 8);
}

function quietly<Result>(work: () => Result): Result | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}
