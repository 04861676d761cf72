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

interface Machine {
	name: string;
	/** Its definition in small letters, in which an address is found much faster than it is parsed. */
	text: string;
	xml: string;
}

/** How long a look at the machines of a host is believed: a preview asks for many of them in a row. */
const BELIEVED_MS = 5000;

const seen = new WeakMap<Host, { at: number; machines: Promise<Machine[]> }>();
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
		const other = claim(host, key, inputs) ?? (await takenBy(host, mac, key, inputs));
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

async function takenBy(host: Host, mac: string, key: string, inputs: DomainInputs): Promise<Taken | undefined> {
	let look = seen.get(host);
	if (!look || performance.now() - look.at > BELIEVED_MS) {
		look = { at: performance.now(), machines: readMachines(host) };
		look.machines.catch(() => seen.delete(host));
		seen.set(host, look);
	}
	return (await look.machines)
		.filter(({ name, text }) => name !== inputs.name && text.includes(mac))
		.flatMap((machine) => takenOf(machine, key))
		.find(
			({ owner }) => !isOwnedBy(owner, inputs) && (owner === undefined || stackOf(owner) !== stackOf(inputs.ownerId)),
		);
}

async function readMachines(host: Host): Promise<Machine[]> {
	return (await host.domains.listWithXml()).map(({ name, xml }) => ({ name, xml, text: xml.toLowerCase() }));
}

/** The machine, if one of its NICs has the address in the place. */
function takenOf({ name, xml }: Machine, key: string): Taken[] {
	const root = parse(xml, `the definition of ${name}`);
	const nics = children(child(root, "devices"), "interface").map((nic) => {
		const type = attribute(nic, "", "type") ?? "";
		return `${type} ${attribute(nic, "source", type)} ${attribute(nic, "mac", "address")?.toLowerCase()}`;
	});
	return nics.includes(key) ? [{ by: name, owner: recordedIn(root)?.owner }] : [];
}
