/** Subnets of two networks that overlap: only one of them could be active on a host. */
import { BlockList } from "node:net";
import type { Host } from "../libvirt/api";
import { InputError } from "../lifecycle";
import { isOwnedBy, stackOf } from "../owner";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { isDetour } from "./restart";
import type { NetworkInputs } from "./schema";
import { modelOf, type NetworkModel } from "./xml";

interface Other {
	name: string;
	owner: string | undefined;
	subnets: Pick<NetworkModel, "ipv4" | "ipv6">;
}

/** What networks of this run have asked for: of those that are still to be made the host knows nothing. */
const claimed = new WeakMap<Host, Map<string, Other>>();

/**
 * @returns warnings for networks of this stack on the host, which may be about to go
 * @throws InputError for a network of this program, or an active one of somebody else
 */
export async function overlapLines(host: Host, inputs: NetworkInputs): Promise<string[]> {
	const { name, ownerId, ipv4, ipv6 } = inputs;
	if (ipv4 === undefined && ipv6 === undefined) return [];
	const ofRun = claimed.get(host) ?? new Map<string, Other>();
	claimed.set(host, ofRun);
	ofRun.delete(ownerId);
	const planned = [...ofRun.values()].map((other) => ({ ...other, ours: false }));
	ofRun.set(ownerId, { name, owner: ownerId, subnets: { ipv4, ipv6 } });
	const lines: string[] = [];
	for (const { ours, ...other } of [...planned, ...(await activeOthers(host, inputs))]) {
		for (const property of ["ipv4", "ipv6"] as const) {
			const theirs = other.subnets[property];
			const own = inputs[property];
			if (own === undefined || theirs === undefined || !overlap(own, theirs)) continue;
			const complaint =
				`got "${own}", which overlaps ${theirs} of the network "${other.name}" on ${host.uri}` +
				`${other.owner === undefined ? "" : ` (${other.owner})`}; allowed is a subnet that no active network has: ` +
				"choose another one, or use that network by its name";
			if (!ours) throw new InputError(property, complaint);
			lines.push(`warning: ${property}: ${complaint}`);
		}
	}
	return lines;
}

async function activeOthers(host: Host, inputs: NetworkInputs): Promise<Array<Other & { ours: boolean }>> {
	const others = (await host.networks.listWithXml()).filter(
		({ name, active }) => active && name !== inputs.name && !isDetour(name),
	);
	return others.flatMap(({ name, xml }) => {
		const root = parse(xml, `the definition of network ${name}`);
		const owner = recordedIn(root)?.owner;
		// Of the same owner: it is replaced by this one.
		if (isOwnedBy(owner, inputs)) return [];
		const ours = owner !== undefined && stackOf(owner) === stackOf(inputs.ownerId);
		return [{ name, owner, ours, subnets: modelOf(root) }];
	});
}

/** Of two blocks that overlap one has the other's address. */
function overlap(one: string, other: string): boolean {
	return holds(one, other) || holds(other, one);
}

function holds(cidr: string, other: string): boolean {
	const [network = "", prefix = ""] = cidr.split("/");
	const [address = ""] = other.split("/");
	const family = network.includes(":") ? "ipv6" : "ipv4";
	const block = new BlockList();
	block.addSubnet(network, Number(prefix), family);
	return block.check(address, family);
}
