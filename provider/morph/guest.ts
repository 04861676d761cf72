/** What the guest is asked, and told, about its vCPUs and memory; through its agent. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runInGuest } from "../domain/agent";
import { poll } from "../domain/patience";
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";

interface Vcpu {
	"logical-id": number;
	online: boolean;
	"can-offline"?: boolean;
}

/** @returns how many vCPUs the guest uses; undefined when it does not say */
export async function vcpusInUse(host: Host, uuid: string): Promise<number | undefined> {
	const vcpus = await asked(() =>
		host.domains.agent<Vcpu[]>(uuid, "guest-get-vcpus", undefined, { deadlineSeconds: 20 }),
	);
	return vcpus?.filter(({ online }) => online).length;
}

/**
 * Has the guest use so many of its vCPUs, and leave the others aside.
 * @returns whether it does within that time; false as well when it cannot be asked
 */
export async function useVcpus(host: Host, uuid: string, count: number, seconds: number, ending: AbortSignal) {
	const done = await poll(seconds, async () => {
		ending.throwIfAborted();
		const vcpus = await asked(() => host.domains.agent<Vcpu[]>(uuid, "guest-get-vcpus"));
		// It may be busy for a moment.
		if (!vcpus) return undefined;
		const used = vcpus.filter(({ online }) => online);
		if (used.length === count) return true;
		// The last ones go first; the first may not be one that can be left aside.
		const change =
			used.length < count
				? vcpus.filter(({ online }) => !online).slice(0, count - used.length)
				: used.filter((vcpu) => vcpu["can-offline"] !== false).slice(count - used.length);
		if (change.length > 0) {
			const wanted = change.map((vcpu) => ({ "logical-id": vcpu["logical-id"], online: used.length < count }));
			await asked(() => host.domains.agent(uuid, "guest-set-vcpus", { vcpus: wanted }));
		}
		return undefined;
	});
	return done === true;
}

/** Memory that arrives is put to use, in a way that lets it be given back. */
const TAKE_MEMORY = `set -eu
cd /sys/devices/system/memory
echo online_movable > auto_online_blocks
for block in memory*/state; do
	if [ "$(cat "$block")" = offline ]; then echo online_movable > "$block"; fi
done
`;

/** @returns why the guest does not do so; undefined when it does */
export async function takeMemory(host: Host, uuid: string, timeoutSeconds: number): Promise<string | undefined> {
	try {
		const ended = await runInGuest(host, uuid, "/bin/sh", ["-c", TAKE_MEMORY], timeoutSeconds);
		if (ended?.succeeded) return undefined;
		return ended
			? `it ended ${ended.how}: ${ended.said || "nothing said"}`
			: `it has not ended within ${timeoutSeconds} s`;
	} catch (error) {
		return messageOf(error);
	}
}

/** Where the scripts for guests are in this package. */
const SCRIPTS = join(__dirname, "..", "..", "..", "guest");

/**
 * Has a file system take all of its disk, with the partition that it is on.
 * @param diskMiB how large the guest is to see the disk at least
 * @returns how many bytes it had, and has
 * @throws Error with what the guest lacks for it
 */
export async function growFilesystem(
	host: Host,
	uuid: string,
	mountPoint: string,
	diskMiB: number | undefined,
	timeoutSeconds: number,
): Promise<{ before: number; after: number }> {
	const script = await readFile(join(SCRIPTS, "disk/grow"), "utf8");
	const args = ["-c", script, "grow", mountPoint, String(diskMiB ?? 0)];
	const ended = await runInGuest(host, uuid, "/bin/sh", args, timeoutSeconds);
	if (!ended) throw new Error(`it has not ended within ${timeoutSeconds} s (timeoutSeconds)`);
	const [, before, after] = /^(\d+) (\d+)$/.exec(ended.stdout.trim()) ?? [];
	if (!ended.succeeded || after === undefined)
		throw new Error(`the guest says: ${ended.said || `nothing (${ended.how})`}`);
	return { before: Number(before), after: Number(after) };
}

/** @returns memory that programs in the guest could have without swapping; undefined when it does not say */
export async function availableMiB(host: Host, uuid: string): Promise<number | undefined> {
	try {
		const ended = await runInGuest(host, uuid, "/bin/cat", ["/proc/meminfo"], 30);
		const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(ended?.stdout ?? "")?.[1];
		return kibibytes === undefined ? undefined : Math.floor(Number(kibibytes) / 1024);
	} catch {
		return undefined;
	}
}

/** What an agent that does not answer, or may not, says is nothing. */
async function asked<T>(question: () => Promise<T>): Promise<T | undefined> {
	try {
		return await question();
	} catch (error) {
		if (error instanceof LibvirtError) return undefined;
		throw error;
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
