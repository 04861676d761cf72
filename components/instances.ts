/** Which machines a component has, and what they are called. */
import { InputError } from "../provider/lifecycle";
import { objectName } from "../provider/schema";

export interface Instance<Own> {
	/** Among the counted, or among the named ones. */
	index: number;
	name: string;
	/** What it has different from the others. */
	own: Own;
}

/** `<prefix>-0`, `<prefix>-1`, ... and `<prefix>-<name>`, in this order. */
export function instancesOf<Own extends object>(
	prefix: string,
	count: number | undefined,
	named: string[] | Record<string, Own> | undefined,
): Instance<Own>[] {
	const counted = Array.from({ length: count ?? 0 }, (_, index): [string, Own] => [String(index), {} as Own]);
	const others: Array<[string, Own]> = Array.isArray(named)
		? named.map((suffix) => [suffix, {} as Own])
		: Object.entries(named ?? {});
	// Each list has numbers of its own, so that a growing count does not change the named machines.
	return [counted, others].flatMap((list) =>
		list.map(([suffix, own], index) => ({ index, name: `${prefix}-${suffix}`, own })),
	);
}

/**
 * @param what names the component in the error
 * @param suffix the longest that the names of its volumes have after the machine's own
 * @throws InputError naming the prefix, for a name that is none, or leaves no place for those of its volumes
 */
export function checkName(what: string, prefix: string, name: string, suffix: string): void {
	const longest = 63 - suffix.length;
	if (objectName.safeParse(name).success && name.length <= longest) return;
	throw new InputError(
		"namePrefix",
		`${what}: namePrefix: got ${JSON.stringify(prefix)}, which makes the name ${JSON.stringify(name)}; ` +
			`allowed are up to ${longest} letters, digits, dots, underscores and hyphens in all (the names of its volumes are ` +
			"longer), starting with a letter or digit. Give a shorter or another namePrefix",
	);
}
