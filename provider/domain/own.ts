/** Finding one's own machine on a host, and keeping away from those of others. */

import { forkedIn } from "../fork/forked";
import type { DomainInfo, Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { isOwnedBy } from "../owner";
import { wayOut } from "../taken";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import type { Seen } from "./look";
import { unlessGone } from "./patience";
import type { DomainInputs } from "./schema";

export interface There {
	uuid: string;
	/** Whether an earlier create of ours made it; otherwise it is taken over (`adopt`). */
	own: boolean;
}

/**
 * The machine that a create finds instead of making one: ours under the name, or under another one (it was renamed
 * between two runs); with `adopt` whatever has the name.
 * @param lookAgain whether a name that was free a moment ago may be taken now
 * @throws Error when somebody else's has the name
 */
export async function findThere(context: Context, inputs: DomainInputs, lookAgain = true): Promise<There | undefined> {
	const { host } = context;
	const named = await (lookAgain ? host.domains.find(inputs.name) : findNamed(host, inputs.name));
	if (!named) {
		const uuid = await ownElsewhere(host, inputs);
		return uuid === undefined ? undefined : { uuid, own: true };
	}
	const owner = await ownerOf(host, named);
	if (isOwnedBy(owner, inputs)) return { uuid: named.uuid, own: true };
	if (inputs.adopt === true) return { uuid: named.uuid, own: false };
	throw new Error(foreign(context, inputs.name, owner, "exists already"));
}

/** @throws Error when what is recorded in a machine is somebody else */
export function refuseForeign(
	context: Context,
	seen: Seen,
	inputs: DomainInputs,
	recordedOwner: string,
	what: string,
): void {
	const owner = seen.config.recorded?.owner;
	if (owner === undefined || owner === recordedOwner || isOwnedBy(owner, inputs) || inputs.adopt === true) return;
	throw new Error(foreign(context, seen.name, owner, what));
}

/** The complaint that names the domain and its owner and says what to do. */
export function foreign(
	context: Pick<Context, "component">,
	name: string,
	owner: string | undefined,
	what: string,
): string {
	return `${whose(name, owner, what)}. ${wayOut(context, "domain")}`;
}

/** The same without what to do. */
export function whose(name: string, owner: string | undefined, what: string): string {
	return `domain ${name} ${what}: ${owner === undefined ? "it was not made by this package" : `it belongs to ${owner}`}`;
}

/** The owner that is recorded in a domain. */
export async function ownerOf(host: Host, info: DomainInfo): Promise<string | undefined> {
	const xml = await host.domains.xml(info.uuid, { inactive: true });
	return recordedIn(parse(xml, `the definition of ${info.name}`))?.owner;
}

/** All domains of a host at one time. Kept for a while, so that making many machines does not read all of them each time. */
interface Index {
	names: Set<string>;
	/** UUIDs by owner. */
	owners: Map<string, string>;
	/** Names of forked machines by what they have drawn from their random devices. */
	drawn: Map<string, string>;
}

const INDEX_SECONDS = 60;
const indexes = new WeakMap<Host, { readAt: number; index: Promise<Index> }>();

function indexOf(host: Host): Promise<Index> {
	const known = indexes.get(host);
	if (known && performance.now() - known.readAt < INDEX_SECONDS * 1000) return known.index;
	const index = readIndex(host);
	index.catch(() => indexes.delete(host));
	indexes.set(host, { readAt: performance.now(), index });
	return index;
}

/**
 * A domain by its name, for many that are mostly not there yet. What appeared within the last minute may be missed: the
 * definition that follows is refused by libvirt then.
 */
async function findNamed(host: Host, name: string): Promise<DomainInfo | undefined> {
	return (await indexOf(host)).names.has(name) ? host.domains.find(name) : undefined;
}

async function ownElsewhere(host: Host, inputs: DomainInputs): Promise<string | undefined> {
	// What it is for was left by an earlier run: whatever appears after this one began is not missed.
	const { owners } = await indexOf(host);
	for (const id of [inputs.ownerId, ...(inputs.previousOwnerIds ?? [])]) {
		const uuid = owners.get(id);
		const info = uuid === undefined ? undefined : await host.domains.find(uuid);
		// It may have gone or changed hands since.
		if (info && isOwnedBy(await unlessGone(ownerOf(host, info)), inputs)) return info.uuid;
	}
	return undefined;
}

/**
 * What the forked machines of a host have drawn from their random devices, with their names: of a minute ago at most.
 * Whatever this process has started since is not among it.
 */
export async function drawnOn(host: Host): Promise<ReadonlyMap<string, string>> {
	return (await indexOf(host)).drawn;
}

async function readIndex(host: Host): Promise<Index> {
	const names = new Set<string>();
	const owners = new Map<string, string>();
	const drawn = new Map<string, string>();
	for (const { uuid, name, xml } of await host.domains.listWithXml()) {
		names.add(name);
		// Of a thousand definitions only the metadata are parsed.
		const metadata = /<metadata>[\s\S]*?<\/metadata>/.exec(xml)?.[0];
		if (metadata === undefined) continue;
		const recorded = recordedIn(parse(`<domain>${metadata}</domain>`, `the metadata of ${name}`));
		if (recorded) owners.set(recorded.owner, uuid);
		const random = forkedIn(recorded)?.random;
		if (random !== undefined) drawn.set(random, name);
	}
	return { names, owners, drawn };
}
