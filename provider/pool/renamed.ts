/**
 * Names that pools have and had in this run. A volume may name its pool by a name that is being changed: in a preview the
 * new one is not there yet, in `up` the former one is not any more.
 */
import type { Host } from "../libvirt/api";

const uuids = new WeakMap<Host, Map<string, string>>();

export function noteRename(host: Host, names: ReadonlyArray<string>, uuid: string): void {
	const ofHost = uuids.get(host) ?? new Map<string, string>();
	uuids.set(host, ofHost);
	for (const name of names) ofHost.set(name, uuid);
}

/** UUID of the pool that has the name before or after the run. */
export function uuidOfRenamed(host: Host, name: string): string | undefined {
	return uuids.get(host)?.get(name);
}
