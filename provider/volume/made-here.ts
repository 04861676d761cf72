/**
 * Volumes that this process has made or taken over. A replacement may keep the name: its create then finds the old
 * volume, sees that it is what is asked for, and takes it over; the delete of the old generation that follows in the
 * same run must not remove it. A provider process lives as long as one run.
 */
import type { Host } from "../libvirt/api";

interface Made {
	ownerId: string;
	/** Tells the generations apart: the time that the create took, with its fraction. */
	createMs: number;
	/** "qcow2" or "raw", for a volume that is a file. */
	fileFormat: "qcow2" | "raw" | undefined;
}

const made = new WeakMap<Host, Map<string, Made>>();

function ofHost(host: Host): Map<string, Made> {
	const known = made.get(host) ?? new Map<string, Made>();
	made.set(host, known);
	return known;
}

export function rememberMade(host: Host, key: string, by: Made): void {
	ofHost(host).set(key, by);
}

/** Format of a file that this process has made or taken over, and libvirt may not have seen yet. */
export function formatOfMade(host: Host, path: string): "qcow2" | "raw" | undefined {
	return ofHost(host).get(path)?.fileFormat;
}

/** Another resource of this run that has made or taken over the volume; undefined when there is none. */
export function otherMaker(host: Host, key: string, ownerId: string): string | undefined {
	const known = ofHost(host).get(key);
	return known && known.ownerId !== ownerId ? known.ownerId : undefined;
}

/** Whether a delete with this state is about a generation of the volume that a create of this run has succeeded. */
export function isSucceeded(host: Host, key: string, state: { timings?: { createMs: number } | undefined }): boolean {
	const known = ofHost(host).get(key);
	return known !== undefined && known.createMs !== state.timings?.createMs;
}

export function forgetMade(host: Host, key: string): void {
	ofHost(host).delete(key);
}
