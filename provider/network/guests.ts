/** Running machines that are plugged into a network. */
import type { Host } from "../libvirt/api";
import { attribute, child, children, type Element, parse } from "../xml/element";

export interface Plugged {
	/** Of the domain. */
	name: string;
	uuid: string;
	/** Its NICs on the network, as in the live XML. */
	interfaces: Element[];
}

/**
 * @param bridge the network's bridge: a NIC that names the bridge instead of the network is plugged in, too
 */
export async function guestsOn(host: Host, network: string, bridge: string | undefined): Promise<Plugged[]> {
	const domains = (await host.domains.list()).filter(({ state }) => !["shutoff", "crashed"].includes(state));
	const plugged = await Promise.all(
		domains.map(async ({ name, uuid }): Promise<Plugged> => {
			// One that ends in between is plugged into nothing.
			const xml = await host.domains.xml(uuid).catch(() => undefined);
			const nics = xml === undefined ? [] : children(child(parse(xml, "the domain's XML"), "devices"), "interface");
			return { name, uuid, interfaces: nics.filter((nic) => isOn(nic, network, bridge)) };
		}),
	);
	return plugged.filter(({ interfaces }) => interfaces.length > 0);
}

function isOn(nic: Element, network: string, bridge: string | undefined): boolean {
	const type = attribute(nic, "", "type");
	if (type === "network") return attribute(nic, "source", "network") === network;
	return type === "bridge" && bridge !== undefined && attribute(nic, "source", "bridge") === bridge;
}

/** Names for a sentence: the first few, and how many more. */
export function namesOf(guests: ReadonlyArray<{ name: string }>): string {
	const names = guests.slice(0, 10).map(({ name }) => name);
	return names.join(", ") + (guests.length > 10 ? ` and ${guests.length - 10} more` : "");
}
