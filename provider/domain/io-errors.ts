/**
 * Machines that the hypervisor paused because one of their disks could not be read or written, as it does when the storage
 * is full: the guest has noticed nothing, and goes on with the same request when it is resumed.
 */
import type { Host } from "../libvirt";
import { findPool } from "../volume/pools";
import { freeOf, placeOf } from "../volume/storage-faults";
import { lookLive } from "./look";
import { poll } from "./patience";

/** virDomainPausedReason */
const BY_IO_ERROR = 5;
/** A request that fails again does so at once; libvirt hears of it a moment later. */
const FAILS_AGAIN_SECONDS = 2;

export async function isStoppedByDisk(host: Host, uuid: string): Promise<boolean> {
	const { state, reason } = await host.domains.state(uuid);
	return state === "paused" && reason === BY_IO_ERROR;
}

/** @returns which disk stopped a machine, and what is to be done; undefined when none did */
export async function diskComplaint(host: Host, uuid: string): Promise<string | undefined> {
	if (!(await isStoppedByDisk(host, uuid))) return undefined;
	const { name, disks } = await lookLive(host, uuid);
	const failed = await host.domains.diskErrors(uuid);
	const full = failed.some(({ noSpace }) => noSpace);
	const places = await Promise.all(
		failed.map(async ({ target, noSpace }) => {
			const path = disks.find((disk) => disk.target === target)?.chain[0] ?? "without a path";
			return `disk ${target} (${path}) ${noSpace ? "found no space" : "failed"}${await storageOf(host, path)}`;
		}),
	);
	const remedy = full
		? "Free space there or make the file system larger"
		: "Mend the storage (dmesg on the host tells)";
	return (
		`${name} is paused by an I/O error: ${places.join(", ") || "the hypervisor does not tell of which disk"}. ` +
		`${remedy}, then run pulumi refresh and pulumi up: the machine goes on where it stopped, and nothing of it is lost.`
	);
}

async function storageOf(host: Host, path: string): Promise<string> {
	const found = await host.pools.findByVolume(path).catch(() => undefined);
	const pool = found && (await findPool(host, found.uuid));
	return pool ? ` in ${placeOf(host, pool)}${await freeOf(host, pool)}` : "";
}

/** After a resume. @throws Error when the disk failed again */
export async function refuseStoppedAgain(host: Host, uuid: string): Promise<void> {
	const complaint = await poll(FAILS_AGAIN_SECONDS, () => diskComplaint(host, uuid));
	if (complaint !== undefined) throw new Error(`${complaint} It was resumed, and stopped again.`);
}
