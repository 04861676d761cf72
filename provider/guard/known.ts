/**
 * What the engine has shown to know in this run. A sweep is for what no state knows, so it never takes any of these,
 * whatever the marks on the host say: a guard also goes when nothing but the address of its host has changed.
 */
const known = new Map<string, string>();

/**
 * The engine has an object of this id in its state, and has not asked to delete it.
 * @param generation tells it from others that had the id before
 */
export function rememberKnown(id: string, generation = ""): void {
	known.set(id, generation);
}

/**
 * Whether a delete is about a former generation of an object that stays: a run that was cut off leaves it to be deleted,
 * and its content has come back since under the same name.
 */
export function isFormer(id: string, generation: string): boolean {
	const now = known.get(id);
	return now !== undefined && now !== "" && now !== generation;
}

/** The engine wants it gone. */
export function forgetKnown(id: string): void {
	known.delete(id);
}

export function isKnown(id: string): boolean {
	return known.has(id);
}
