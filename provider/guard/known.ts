/**
 * What the engine has shown to know in this run. A sweep is for what no state knows, so it never takes any of these,
 * whatever the marks on the host say: a guard also goes when nothing but the address of its host has changed.
 */
const known = new Set<string>();

/** The engine has an object of this id in its state, and has not asked to delete it. */
export function rememberKnown(id: string): void {
	known.add(id);
}

/** The engine wants it gone. */
export function forgetKnown(id: string): void {
	known.delete(id);
}

export function isKnown(id: string): boolean {
	return known.has(id);
}
