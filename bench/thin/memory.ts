/** Peak memory (VmHWM) of the provider process and of its workers. */
import { readdirSync, readFileSync } from "node:fs";

const INTERVAL_MILLISECONDS = 200;

export interface Peak {
	providerMiB: number;
	/** All of them together. */
	workersMiB: number;
	workers: number;
}

/**
 * Watches the processes of a Pulumi run from its start to `stop`.
 * @param directory the program's, which is the working directory of all of them
 */
export function watchMemory(directory: string): { peak(): Peak; stop(): void } {
	const provider = new Map<string, number>();
	const workers = new Map<string, number>();
	const timer = setInterval(() => {
		for (const pid of readdirSync("/proc")) {
			if (!/^\d+$/.test(pid)) continue;
			const command = read(pid, "cmdline")?.replaceAll("\0", " ") ?? "";
			const kind = /dynamic-provider/.test(command)
				? provider
				: /libvirt\/worker\//.test(command)
					? workers
					: undefined;
			if (!kind || !read(pid, "environ")?.includes(directory)) continue;
			const kib = Number(/VmHWM:\s+(\d+)/.exec(read(pid, "status") ?? "")?.[1] ?? 0);
			kind.set(pid, Math.max(kind.get(pid) ?? 0, kib));
		}
	}, INTERVAL_MILLISECONDS);
	const sum = (kind: Map<string, number>) => Math.round([...kind.values()].reduce((all, kib) => all + kib, 0) / 1024);
	return {
		peak: () => ({ providerMiB: sum(provider), workersMiB: sum(workers), workers: workers.size }),
		stop: () => clearInterval(timer),
	};
}

function read(pid: string, file: string): string | undefined {
	try {
		return readFileSync(`/proc/${pid}/${file}`, "utf8");
	} catch {
		// It has ended since.
		return undefined;
	}
}
