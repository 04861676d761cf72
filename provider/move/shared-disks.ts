/**
 * Disks that both hosts see, when a machine goes from the one to the other. libvirt believes in shared storage by the kind of
 * the file system alone: it refuses others, and where it is told not to, it gives the files on them back to root when the
 * machine has left. That the storage is shared is known here, so its check is left out where nothing speaks against it.
 */

import { attribute, children, text } from "../xml/element";
import type { FoundDomain } from "../xml/read-domain";
import type { MovedDisk } from "./disks";

const WITHOUT_CACHE = ["none", "directsync"];

/**
 * Pure.
 * @param live of a machine that goes while it runs
 */
export function isSafe(disks: ReadonlyArray<MovedDisk>, live: Pick<FoundDomain, "root"> | undefined): boolean {
	const shared = disks.filter((disk) => disk.shared);
	if (shared.length === 0) return false;
	// Nobody writes before it is on the new host, which takes the files when it starts there.
	if (!live) return true;
	const user = userOf(live);
	return shared.every(({ cache = "default", volumes }) => {
		const isGivenBack = user !== undefined && user !== 0 && volumes?.from.user === user;
		return WITHOUT_CACHE.includes(cache) && !isGivenBack;
	});
}

/** User id that QEMU runs by, where libvirt gives it the files. */
function userOf({ root }: Pick<FoundDomain, "root">): number | undefined {
	const label = children(root, "seclabel").find((found) => attribute(found, "", "model") === "dac");
	const [, user] = /^\+?(\d+):/.exec((label && text(label, "label")) ?? "") ?? [];
	return user === undefined ? undefined : Number(user);
}

/** What to do about a refusal of libvirt's. */
export function explained(error: unknown): string {
	const message = error instanceof Error ? error.message : String(error);
	if (!/unsafe/i.test(message)) return message;
	return (
		`${message}. Its disks are on storage that both hosts share: give them cache "none"; and where the file system is none ` +
		"that libvirt knows to be shared, name it in shared_filesystems in the hosts' qemu.conf (libvirt 10.8), or set " +
		"dynamic_ownership = 0 there. Or move it off, by migration.mode"
	);
}
