import { spawn } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { keepCapabilities } from "./capabilities";
import { endProcessesOf, identify, isAlive } from "./processes";
import { baseDirectory, type HostState, listHostDirectories, readState, releaseSlot } from "./state";

/** Ends all that runs in a host (guests, dnsmasq, daemons), and with it its namespaces and mounts; removes its files. */
export async function removeHost(state: HostState): Promise<void> {
	await endProcessesOf(state.directory);
	keepCapabilities(state);
	releaseSlot(state);
	rmSync(state.directory, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Removes the hosts whose owners are gone.
 * @param endedOwner a process that counts as gone although it may still be about to end
 * @returns the names of the hosts that were removed
 */
export async function sweep(endedOwner?: number, base = baseDirectory()): Promise<string[]> {
	const removed: string[] = [];
	for (const directory of listHostDirectories(base)) {
		const state = readState(directory);
		if (state === undefined) {
			removeIfAbandoned(directory);
		} else if (state.owner.pid === endedOwner || !isAlive(state.owner)) {
			await removeHost(state);
			removed.push(state.name);
		}
	}
	return removed;
}

/** Removes a directory whose maker did not live long enough to write the first file, which takes it no time. */
function removeIfAbandoned(directory: string): void {
	const stat = statSync(directory, { throwIfNoEntry: false });
	if (stat && Date.now() - stat.mtimeMs > 60_000) rmSync(directory, { recursive: true, force: true });
}

let guarded = false;

/**
 * Starts a process that waits for the end of this one, however it comes, and then removes its hosts. Once per process.
 * The sweep at the next start stands in where the guard was killed too.
 */
export function guardThisProcess(): void {
	if (guarded) return;
	guarded = true;
	const guard = spawn(process.execPath, [join(__dirname, "guard.js"), String(process.pid)], {
		detached: true, // not reached by Ctrl-C in the terminal
		stdio: ["pipe", "ignore", "inherit"],
	});
	guard.unref();
	// The pipe has no writer other than this process: its end is this process's end.
	(guard.stdin as unknown as { unref(): void }).unref();
}

/** Body of the guard process. */
export function runGuard(owner: number): void {
	process.stdin.on("error", () => {});
	process.stdin.on("close", () => void sweep(owner));
	process.stdin.resume();
	if (identify(owner) === undefined) process.stdin.destroy();
}
