/** MAC addresses that were chosen by hand: two machines with one of them on a network take each other's traffic. */
import type { Host } from "../libvirt";
import { InputError } from "../lifecycle";
import { isOwnedBy, stackOf } from "../owner";
import { attribute, child, children, parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import type { DomainInputs, NicInputs } from "./schema";

interface Taken {
	/** Name of the machine, for the error. */
	by: string;
	owner: string | undefined;
}

/** How long a look at the machines of a host is believed: a preview asks for many of them in a row. */
const BELIEVED_MS = 5000;

const seen = new WeakMap<Host, { at: number; taken: Promise<Map<string, Taken[]>> }>();
/** What machines of this run have asked for: of those that are still to be made the host knows nothing. */
const claimed = new WeakMap<Host, Map<string, Taken>>();

/**
 * @throws InputError for an address that another machine of this program asks for on the same network, or that one of
 *   somebody else's has there. One of this stack's own on the host may be about to let go of it.
 */
export async function refuseTakenMacs(host: Host, inputs: DomainInputs, nics: ReadonlyArray<NicInputs>): Promise<void> {
	for (const [index, { mac, network, bridge }] of nics.entries()) {
		if (mac === undefined || (network === undefined && bridge === undefined)) continue;
		const place = network === undefined ? `bridge ${bridge}` : await placeOf(host, network);
		const key = `${place} ${mac}`;
		const other = claim(host, key, inputs) ?? (await takenBy(host, key, inputs));
		if (!other) continue;
		throw new InputError(
			`nics[${index}].mac`,
			`got "${mac}"; domain ${other.by}${other.owner === undefined ? "" : ` (${other.owner})`} has it on ${place} already: ` +
				"allowed is an address that no other machine has there; leave mac out for one of its own",
		);
	}
}

async function placeOf(host: Host, network: string): Promise<string> {
	return `network ${(await host.networks.find(network))?.name ?? network}`;
}

function claim(host: Host, key: string, { ownerId, name }: DomainInputs): Taken | undefined {
	const ofHost = claimed.get(host) ?? new Map<string, Taken>();
	claimed.set(host, ofHost);
	const first = ofHost.get(key);
	if (first && first.owner !== ownerId) return first;
	ofHost.set(key, { by: name, owner: ownerId });
	return undefined;
}

async function takenBy(host: Host, key: string, inputs: DomainInputs): Promise<Taken | undefined> {
	let look = seen.get(host);
	if (!look || performance.now() - look.at > BELIEVED_MS) {
		look = { at: performance.now(), taken: readMacs(host) };
		look.taken.catch(() => seen.delete(host));
		seen.set(host, look);
	}
	return (await look.taken)
		.get(key)
		?.find(
			({ by, owner }) =>
				by !== inputs.name &&
				!isOwnedBy(owner, inputs) &&
				(owner === undefined || stackOf(owner) !== stackOf(inputs.ownerId)),
		);
}

async function readMacs(host: Host): Promise<Map<string, Taken[]>> {
	const taken = new Map<string, Taken[]>();
	for (const { name, xml } of await host.domains.listWithXml()) {
		const root = parse(xml, `the definition of ${name}`);
		const owner = recordedIn(root)?.owner;
		for (const nic of children(child(root, "devices"), "interface")) {
			const type = attribute(nic, "", "type") ?? "";
			const key = `${type} ${attribute(nic, "source", type)} ${attribute(nic, "mac", "address")?.toLowerCase()}`;
			taken.set(key, [...(taken.get(key) ?? []), { by: name, owner }]);
		}
	}
	return taken;
}
