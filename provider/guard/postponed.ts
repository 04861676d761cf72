/**
 * Deletes that wait for the guard. After an interrupted run the state may know a volume and not the machine on it; the
 * volume's delete then finds it in use by an object of its own stack. It is put off until the guard, which the engine
 * deletes last, has swept that object. Where the guard stays, as in an update that replaces a gold image of which clones
 * are kept, the object stays as well, and the run says so.
 */
import type { Host } from "../libvirt";
import type { InUseError } from "../lifecycle";
import { stackOf, stackTag } from "../owner";
import { tagIn } from "../volume/name";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";

const postponed = new WeakMap<Host, Map<string, () => Promise<void>>>();

/** Puts a delete off. @param what names the object, as in "volume /images/gold.qcow2" */
export function postpone(host: Host, what: string, run: () => Promise<void>): void {
	const waiting = postponed.get(host) ?? new Map<string, () => Promise<void>>();
	postponed.set(host, waiting.set(what, run));
}

/**
 * Runs what waits, in as many rounds as that gets anywhere: a volume may wait for an overlay that waits, too.
 * @returns what was deleted, and what could not be, with the reason
 */
export async function runPostponed(host: Host): Promise<{ done: string[]; left: string[] }> {
	const waiting = postponed.get(host) ?? new Map<string, () => Promise<void>>();
	postponed.delete(host);
	const done: string[] = [];
	let left: string[] = [];
	for (let before = -1; waiting.size > 0 && waiting.size !== before; ) {
		before = waiting.size;
		left = [];
		for (const [what, run] of waiting) {
			try {
				await run();
				waiting.delete(what);
				done.push(what);
			} catch (error) {
				left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
			}
		}
	}
	return { done, left };
}

/** Whether all who use an object belong to its own stack, and none of them is to be retained. */
export async function areAllOfStack(
	host: Host,
	ownerId: string,
	{ domains, volumes }: InUseError["users"],
): Promise<boolean> {
	const isOurs = async (domain: string) => {
		const found = await host.domains.find(domain);
		if (!found) return true;
		const recorded = recordedIn(parse(await host.domains.xml(found.uuid, { inactive: found.persistent })));
		return recorded !== undefined && !recorded.retain && stackOf(recorded.owner) === stackOf(ownerId);
	};
	const tag = stackTag(ownerId);
	if (!volumes.every((path) => tagIn(path.slice(path.lastIndexOf("/") + 1)) === tag)) return false;
	return (await Promise.all(domains.map(isOurs))).every(Boolean);
}
