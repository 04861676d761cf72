/**
 * Machines without KVM, whose memory QEMU does not send whole while they run. Before 9.0 it overlooks what the guest writes
 * to a page that it has just looked at, most of all where the host is busy ("physmem: Fix migration dirty bitmap coherency
 * with TCG memory access"): such a guest goes on with pages of different moments, until it breaks. Later ones look at the
 * first piece of memory alone, and end (an assertion in `tlb_reset_dirty_range_all`) where another one is larger.
 */
import type { Host } from "../libvirt";
import { attribute, child, children, type Element, text } from "../xml/element";

/** The first that sends one piece of memory whole. */
const MAJOR = 9;

interface Version {
	qemu: { major: number; minor: number; micro: number };
}

/**
 * @param root XML of the machine as it runs
 * @returns why its memory cannot be sent while it runs, a clause; undefined where it can, and for one that is off
 */
export async function lossWhileRunning(host: Host, root: Element): Promise<string | undefined> {
	const runs = attribute(root, "", "id") !== undefined;
	if (!runs || attribute(root, "", "type") !== "qemu") return undefined;
	// The program that runs it, which may be older than what is installed.
	const { qemu } = await host.domains.qmp<Version>(text(root, "uuid")!, "query-version");
	const loses = `without KVM, QEMU ${qemu.major}.${qemu.minor}.${qemu.micro} loses what its guest writes meanwhile`;
	if (qemu.major < MAJOR) return loses;
	return pieces(root) > 1 ? `${loses} to memory beside the first piece (virtio-mem, DIMM, NUMA cell)` : undefined;
}

function pieces(root: Element): number {
	const cells = children(child(root, "cpu/numa"), "cell").length;
	return Math.max(1, cells) + children(child(root, "devices"), "memory").length;
}
