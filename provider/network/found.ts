/** What was found on the host, in the shape of the inputs: an untouched network gives the recorded state back. */
import { isDeepStrictEqual } from "node:util";
import type { State } from "../lifecycle";
import type { Element } from "../xml/element";
import { sameSet } from "./live";
import type { NetworkFacts, NetworkInputs } from "./schema";
import { modelOf, type NetworkModel, networkElement } from "./xml";

export interface FoundNetwork {
	name: string;
	uuid: string;
	active: boolean;
	autostart: boolean;
	/** The persistent definition. */
	definition: Element;
	/** Settings of the running network. */
	running?: NetworkModel | undefined;
}

const SIMPLE = ["mode", "forwardDevice", "ipv4", "ipv6", "dnsDomain", "mtu"] as const;

/** A network that does not run is marked incomplete, so that the next update starts it. */
export function found(
	state: State<NetworkInputs, NetworkFacts>,
	network: FoundNetwork,
): State<NetworkInputs, NetworkFacts> {
	const seen = modelOf(network.definition);
	// The recorded inputs, written and read in the same way: what differs was changed behind our back.
	const recorded = modelOf(networkElement(state));
	const result: Record<string, unknown> = {
		...state,
		name: network.name,
		uuid: network.uuid,
		autostart: network.autostart,
	};
	for (const property of SIMPLE) {
		if (!isDeepStrictEqual(seen[property], recorded[property])) result[property] = seen[property];
	}
	if (state.bridge !== undefined && seen.bridge !== state.bridge) result.bridge = seen.bridge;
	result.bridgeName = network.running?.bridge ?? seen.bridge ?? state.bridgeName;
	result.dhcp = dhcpFound(state, recorded, [seen, ...(network.running ? [network.running] : [])]);
	if (network.active) delete result.incomplete;
	else result.incomplete = true;
	return result as unknown as State<NetworkInputs, NetworkFacts>;
}

/** The definition's hosts and ranges, else the running network's, where they differ from what is recorded. */
function dhcpFound(state: NetworkInputs, recorded: NetworkModel, seen: NetworkModel[]): NetworkInputs["dhcp"] {
	const hosts = seen.find((model) => !sameSet(model.hosts, recorded.hosts))?.hosts;
	const ranges = seen.find((model) => !sameSet(model.ranges, recorded.ranges))?.ranges;
	if (!hosts && !ranges) return state.dhcp;
	const dhcp = state.dhcp ?? { enabled: true, hosts: [] };
	const first = ranges?.[0];
	return {
		...dhcp,
		...(ranges ? { enabled: first !== undefined } : {}),
		...(first ? { start: first.start, end: first.end, leaseMinutes: first.leaseMinutes } : {}),
		hosts: hosts ?? dhcp.hosts,
	};
}
