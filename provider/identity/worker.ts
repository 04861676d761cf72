/** Names of processes in a store, by which a process on the same machine knows whether another one has ended. */
import { randomUUID } from "node:crypto";
import { processSpace, startedAt } from "../process-ids";

/** Of this process; what is after the last colon makes claims differ. */
export function newWorker(): string {
	return [processSpace() ?? "elsewhere", process.pid, startedAt(process.pid) ?? 0, randomUUID().slice(0, 8)].join(":");
}

/** Whether it has ended for certain: a process of this machine (and container) that is no more. */
export function isGone(worker: string): boolean {
	const [place, pid, started] = worker.split(":");
	return place !== undefined && place === processSpace() && startedAt(Number(pid)) !== Number(started);
}
