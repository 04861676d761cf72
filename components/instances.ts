/** Which machines a component has, and what they are called. */

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
