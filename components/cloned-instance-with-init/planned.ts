/** Which clones there are, and the virtual hardware that tells each of them which one it is. */
import { ownerIdOf } from "../../provider/dynamic";
import { givenMac, givenText, givenUuid } from "../../provider/init/given-ids";
import { type Hardware, type Identifier, identifierText, parseIdentifier } from "../../provider/init/identifiers";
import { InputError } from "../../provider/lifecycle";
import { nicsOf } from "../children";
import { instancesOf } from "../instances";
import type { ClonedInstanceWithInitArgs, InitInstanceArgs } from "./args";
import { type Place, placeOf } from "./places";

/** A clone as it is going to be made. */
export interface Planned {
	name: string;
	/** After the prefix. */
	suffix: string;
	instanceId: number;
	own: InitInstanceArgs;
	/** Ids of its hardware, of every kind that the component gives. */
	hardware: Hardware;
	/** The host that it is made on. */
	place: Place;
}

const LAST_ID = 65_535;

/** @throws InputError where the numbers do not suffice, or two clones would have the same */
export function planClones(
	component: string,
	args: ClonedInstanceWithInitArgs,
	places: ReadonlyArray<Place>,
): Planned[] {
	const prefix = args.namePrefix ?? component;
	const instances = instancesOf<InitInstanceArgs>(prefix, args.count, args.instances);
	const { from = 0, to = LAST_ID } = args.instanceIds ?? {};
	const given = new Map<number, string>();
	for (const { name, own } of instances) {
		if (own.instanceId === undefined) continue;
		const other = given.get(own.instanceId);
		if (other !== undefined) {
			throw new InputError(
				"instances",
				`got the instanceId ${own.instanceId} for ${other} and ${name}; allowed is one for each`,
			);
		}
		given.set(own.instanceId, name);
	}
	const identifiers = args.withState ? [...allIdentifiers(args), ...told(args)] : allIdentifiers(args);
	let next = from;
	return instances.map(({ index, name, own }) => {
		while (own.instanceId === undefined && given.has(next)) next++;
		const instanceId = own.instanceId ?? next++;
		if (instanceId < from || instanceId > to) {
			throw new InputError(
				"instanceIds",
				`got ${from} to ${to}, in which ${name} (${instanceId}) has no place; allowed is a range for all ` +
					`${instances.length} clones: make it larger`,
			);
		}
		const hardware = hardwareOf(ownerIdOf(component), prefix, instanceId, identifiers);
		const suffix = name.slice(prefix.length + 1);
		return { name, suffix, instanceId, own, hardware, place: placeOf(places, args, { suffix, index }) };
	});
}

/** What tells a clone who it is, where nothing is given: a NIC, or else the UUID. */
export function identifiersOf(args: ClonedInstanceWithInitArgs): Identifier[] {
	const given = args.identifier ?? (hasNic(args) ? "mac" : "uuid");
	return [given].flat().map((text) => parseIdentifier(text));
}

/** All that the component and single scripts go by, each once. */
export function allIdentifiers(args: ClonedInstanceWithInitArgs): Identifier[] {
	const scripts = [args.init, args.customize, args.cleanup].flatMap((list) => list ?? []);
	const texts = scripts.flatMap(({ identifier }) => identifier ?? []);
	const all = [...identifiersOf(args), ...texts.map((text) => parseIdentifier(text))];
	return [...new Map(all.map((identifier) => [identifierText(identifier), identifier])).values()];
}

/** What is given where the machine cannot see what it has by chance. */
function told({ network, domain }: ClonedInstanceWithInitArgs): Identifier[] {
	const macs = (nicsOf({ network, domain }) ?? []).map((_, index) => `mac ${index}`);
	return ["uuid", ...macs].map((text) => parseIdentifier(text));
}

/**
 * The ids that a clone gets.
 * @throws InputError for an instance that an id of the kind cannot carry
 */
function hardwareOf(owner: string, prefix: string, n: number, identifiers: ReadonlyArray<Identifier>): Hardware {
	const ids = identifiers.flatMap((identifier) => {
		const value = idOf(owner, prefix, n, identifier);
		return value === undefined ? [] : [[identifierText(identifier), value] as const];
	});
	return Object.fromEntries(ids);
}

/** Undefined for one that only the machine has: the key of a TPM. */
function idOf(owner: string, prefix: string, n: number, { kind, argument }: Identifier): string | undefined {
	if (kind === "tpm") return undefined;
	if (kind === "mac") return givenMac(owner, n, Number(argument));
	if (kind === "uuid") return givenUuid(owner, n);
	return givenText(kind, prefix, n);
}

function hasNic({ network, domain }: ClonedInstanceWithInitArgs): boolean {
	const nics: unknown = domain?.nics;
	return network !== undefined || (Array.isArray(nics) && nics.length > 0);
}
