/** Whose random numbers a child has: none that another child of the same host ever had. */
import { drawnOn } from "../domain/own";
import type { Host } from "../libvirt";

/** What children have drawn that this process has forked, with their names: not all of it is recorded in them yet. */
const drawnHere = new WeakMap<Host, Map<string, string>>();

/**
 * Takes down what a child has drawn.
 * @returns who has drawn the same before, here or in an earlier run; undefined when nobody has
 */
export async function drawnBefore(host: Host, random: string, name: string): Promise<string | undefined> {
	const recorded = await drawnOn(host);
	const here = drawnHere.get(host) ?? new Map<string, string>();
	drawnHere.set(host, here);
	const other = here.get(random) ?? recorded.get(random);
	here.set(random, name);
	return other;
}
