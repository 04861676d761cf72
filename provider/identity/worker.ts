/** Names of processes in a store, by which a process on the same machine knows whether another one has ended. */
import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

/** Of this process; what is after the last colon makes claims differ. */
export function newWorker(): string {
	return [ownPlace() ?? "elsewhere", process.pid, startedAt(process.pid) ?? 0, randomUUID().slice(0, 8)].join(":");
}

/** Whether it has ended for certain: a process of this machine (and container) that is no more. */
export function isGone(worker: string): boolean {
	const [place, pid, started] = worker.split(":");
	return place !== undefined && place === ownPlace() && startedAt(Number(pid)) !== Number(started);
}

/** This start of this machine, and which of its processes are seen here; undefined where that cannot be told. */
function ownPlace(): string | undefined {
	const boot = quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
	const namespace = quietly(() => readlinkSync("/proc/self/ns/pid"))?.replace(/\D/g, "");
	return boot && namespace && `${boot}/${namespace}`;
}

/** In clock ticks since the start of the machine, so that a number that is used again is another process. */
function startedAt(pid: number): number | undefined {
	const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
	// The command's name may hold spaces and parentheses: fields count from behind the last one.
	const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
	return !fields || fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
}

function quietly<Result>(work: () => Result): Result | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}
