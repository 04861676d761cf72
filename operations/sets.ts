/** The sets of a stack, as its state has them. Pure. */

const SET = "pulumi-libvirt-clones:index:ForkedVMSet";

/** A set that the stack has. */
export interface KnownSet {
	urn: string;
	name: string;
	/** Names of its machines. */
	machines: string[];
}

interface StateResource {
	urn: string;
	type: string;
	parent?: string;
}

/** @param deployment as `pulumi stack export` tells it @throws Error that names the sets that there are */
export function setIn(deployment: unknown, stack: string, name: string): KnownSet {
	const { resources = [] } = (deployment ?? {}) as { resources?: StateResource[] };
	const sets = resources.filter(({ type }) => type === SET);
	const found = sets.filter(({ urn }) => nameOf(urn) === name);
	if (found.length > 1) {
		throw new Error(
			`set: got ${JSON.stringify(name)}, of which ${stack} has ${found.length}, under different parents; allowed is one ` +
				"of a name: the configuration tells sets apart by it",
		);
	}
	const [set] = found;
	if (!set) {
		const names = sets.map(({ urn }) => nameOf(urn)).sort();
		throw new Error(
			`set: got ${JSON.stringify(name)}; allowed are the sets of ${stack}: ${names.join(", ") || "it has none"}` +
				" (one that the program has and the stack has not yet is made by pulumi up)",
		);
	}
	const machines = resources.filter(({ type, parent }) => parent === set.urn && type.endsWith("clones:Domain"));
	return { urn: set.urn, name, machines: machines.map(({ urn }) => nameOf(urn)) };
}

/** The last part of a URN. */
export function nameOf(urn: string): string {
	return urn.slice(urn.lastIndexOf("::") + 2);
}

/** A child as its set calls it, and its machine. */
export interface KnownChild {
	name: string;
	machine: string;
}

/**
 * @param given what the set calls it ("ann"), or the name of its machine ("desk-ann")
 * @returns undefined where there is none
 */
export function childOf({ name, machines }: KnownSet, given: string): KnownChild | undefined {
	const called = `${name}-${given}`;
	if (machines.includes(called)) return { name: given, machine: called };
	if (machines.includes(given) && given.startsWith(`${name}-`)) {
		return { name: given.slice(name.length + 1), machine: given };
	}
	if (machines.every((machine) => machine.startsWith(`${name}-`))) return undefined;
	// With a namePrefix that the state does not tell: of two that end so, the one with less in front.
	const [machine] = machines.filter((own) => own.endsWith(`-${given}`)).sort((one, other) => one.length - other.length);
	return machine === undefined ? undefined : { name: given, machine };
}
