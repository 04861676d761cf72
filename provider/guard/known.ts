/**
 * What the engine has shown to know in this run, by id and by the host's URI: files of two hosts may have the same path. A
 * sweep is for what no state knows, so it never takes any of these, whatever the marks on the host say: a guard also goes
 * when nothing but the address of its host has changed.
 */
import { basename } from "node:path";
import { isAnotherHost } from "../move/moves";

/** Generations tell an object from others that had its id before; "" where nothing is known of that. */
const known = new Map<string, Map<string, string>>();

/** The engine has an object of this id in its state, and has not asked to delete it. */
export function rememberKnown(id: string, uri = "", generation = ""): void {
	known.set(id, (known.get(id) ?? new Map<string, string>()).set(uri, generation));
}

/** The same, of an object that was made in this run. */
export function rememberMade(id: string, uri = ""): void {
	if (!known.get(id)?.has(uri)) rememberKnown(id, uri);
}

/**
 * Whether a delete is about a former generation of an object that stays: a run that was cut off leaves it to be deleted,
 * and its content has come back since under the same name.
 * @throws Error where another host may have it, and that cannot be told
 */
export async function isFormer(id: string, uri: string, generation: string): Promise<boolean> {
	for (const [other, now] of known.get(id) ?? []) {
		if (now === "" || now === generation) continue;
		const isAnother = other !== uri && (await isAnotherHost(other, uri));
		if (isAnother === undefined) {
			throw new Error(
				`${id} on ${uri} is to be deleted, and whether it is the one on ${other}, which stays, cannot be told: ` +
					"one of the two does not answer. Run pulumi up again when both do",
			);
		}
		if (!isAnother) return true;
	}
	return false;
}

/** The engine wants it gone. */
export function forgetKnown(id: string, uri = ""): void {
	const hosts = known.get(id);
	hosts?.delete(uri);
	if (hosts?.size === 0) known.delete(id);
}

export function isKnown(id: string): boolean {
	return known.has(id);
}

/** Files of that name that the engine knows, wherever they are. */
export function knownByName(name: string): Array<{ path: string; uri: string }> {
	return [...known].flatMap(([path, hosts]) =>
		basename(path) === name ? [...hosts.keys()].map((uri) => ({ path, uri })) : [],
	);
}
