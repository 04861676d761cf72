/** A worker's ties to the process that started it. */
import type { FromWorker } from "../protocol";
import { koffi } from "./koffi";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

export function say(message: FromWorker): void {
	if (process.connected) process.send?.(message);
}

/**
 * The kernel ends the worker with its parent, also while it is blocked in a call. Elsewhere than on Linux it ends by the
 * "disconnect" event, after that call.
 */
export function endWithParent(): void {
	if (process.platform !== "linux") return;
	const parent = process.ppid;
	const prctl = koffi.load(null).func("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (process.ppid !== parent || !process.connected) process.exit();
}
