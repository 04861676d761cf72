import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startedAt } from "../../provider/process-ids";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
	pid: number;
	/** When it started, in clock ticks since boot. */
	startTicks: number;
}

/** @returns `undefined` if there is no such process, or only its zombie */
export function identify(pid: number): ProcessId | undefined {
	const startTicks = startedAt(pid);
	return startTicks === undefined ? undefined : { pid, startTicks };
}

export function isAlive(id: ProcessId): boolean {
	return identify(id.pid)?.startTicks === id.startTicks;
}

/**
 * The processes of a test host: those that see the host's own `run` directory as /run. Namespaces are inherited by
 * everything that libvirtd starts, and a directory's name is never used twice, so this finds daemons and guests whoever
 * their parents are by now, and nothing else.
 */
export function processesOf(hostDirectory: string): number[] {
	const suffix = hostDirectory.split("/").slice(-2).join("/") + "/run";
	const belongs = new Map<string, boolean>();
	const pids: number[] = [];
	for (const entry of readdirSync("/proc")) {
		if (!/^\d+$/.test(entry)) continue;
		const namespace = mountNamespace(entry);
		if (namespace === undefined) continue;
		let found = belongs.get(namespace);
		if (found === undefined) {
			const mounts = readQuietly(`/proc/${entry}/mountinfo`);
			if (mounts === undefined) continue;
			found = mounts.split("\n").some((line) => {
				const [, , , root, mountPoint] = line.split(" ");
				return mountPoint === "/run" && root?.endsWith("/" + suffix);
			});
			belongs.set(namespace, found);
		}
		if (found) pids.push(Number(entry));
	}
	return pids;
}

/**
 * Ends every process of a test host.
 * @throws if some are left after 10 s
 */
export async function endProcessesOf(hostDirectory: string): Promise<void> {
	const deadline = Date.now() + 10_000;
	for (;;) {
		const pids = processesOf(hostDirectory);
		if (pids.length === 0) return;
		if (Date.now() > deadline) {
			throw new Error(`Processes of the test host in ${hostDirectory} cannot be ended: ${pids.join(", ")}`);
		}
		for (const pid of pids) send(pid, "SIGKILL");
		await sleep(10);
	}
}

/** Like process.kill, but a process that has ended already is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
	}
}

function mountNamespace(pid: string): string | undefined {
	try {
		return readlinkSync(`/proc/${pid}/ns/mnt`);
	} catch {
		return undefined;
	}
}

function readQuietly(file: string): string | undefined {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return undefined;
	}
}
