/**
 * A migration of which nothing arrives any more: the hosts have lost sight of each other. libvirt notices after half a
 * minute, but QEMU then waits for its connections to end in order, with the guest standing still, for as long as the
 * kernel believes in them: a quarter of an hour. So they are cut before that.
 */
import type { DomainJob, Host } from "../libvirt";

/** Less than what libvirt waits for, which is 30 s. */
export const STALL_SECONDS = 15;

export class Progress {
	private bytes = 0;
	private since: number | undefined;

	/** For how many seconds nothing has been sent, once something was. @param now milliseconds */
	idleSeconds({ doneBytes }: Pick<DomainJob, "doneBytes">, now = performance.now()): number {
		if (doneBytes === 0) return 0;
		if (doneBytes !== this.bytes || this.since === undefined) {
			this.bytes = doneBytes;
			this.since = now;
		}
		return (now - this.since) / 1000;
	}
}

interface YankInstance {
	type: "block-node" | "chardev" | "migration";
}

/** Ends the connections by which memory and disks are sent, at once; the migration then fails. Needs QEMU 6.0. */
export async function cutOff(host: Host, uuid: string): Promise<void> {
	const all = await host.domains.qmp<YankInstance[]>(uuid, "query-yank");
	const instances = all.filter(({ type }) => type !== "chardev");
	if (instances.length > 0) await host.domains.qmp(uuid, "yank", { instances });
}
