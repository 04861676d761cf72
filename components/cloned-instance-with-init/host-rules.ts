import type { Rule } from "../../provider/lifecycle";
import { isUnknown } from "../../provider/unknown";
import type { ClonedInstanceWithInitInputs } from "./schema";

const PLAIN = "allowed is a plain value, as it says which resources there are: take it from the configuration";

/** Rules about the hosts that clones are made on. */
export const hostRules: ReadonlyArray<Rule<ClonedInstanceWithInitInputs>> = [
	{
		property: "uri",
		needs: ["hosts"],
		check: ({ uri, hosts }) => (hosts && isUnknown(uri) ? `got an output with hosts; ${PLAIN}` : undefined),
	},
	{
		property: "hosts",
		needs: [],
		check({ hosts }) {
			if (isUnknown(hosts)) return undefined;
			const uris = (hosts ?? []).map((host) => (isUnknown(host) ? host : host.uri));
			const unknown = uris.findIndex((uri) => isUnknown(uri));
			if (unknown >= 0) return `got an output as uri of [${unknown}]; ${PLAIN}`;
			const twice = uris.find((uri, index) => uris.indexOf(uri) !== index);
			return twice === undefined ? undefined : `got ${twice} twice; allowed is each host once`;
		},
	},
	{
		property: "hosts",
		needs: [],
		check({ hosts, network }) {
			if (isUnknown(hosts) || network !== undefined) return undefined;
			const index = (hosts ?? []).findIndex((host) => !isUnknown(host) && host.network !== undefined);
			if (index < 0) return undefined;
			return `got a network for [${index}] without network; allowed is it with network, whose place it takes on that host`;
		},
	},
	{
		property: "placement",
		needs: ["placement", "instances"],
		check({ placement = {}, instances, hosts }) {
			const [first] = Object.keys(placement);
			if (first === undefined || isUnknown(hosts)) return undefined;
			if (!hosts) return "is given without hosts; give the hosts that the clones are made on";
			const named = Array.isArray(instances) ? instances : Object.keys(instances ?? {});
			// Of the counted ones also those that are still to come, so that the count may go up and down.
			const isClone = (name: string) => named.includes(name) || /^(0|[1-9]\d*)$/.test(name);
			const uris = hosts.map(({ uri }) => uri);
			for (const [name, uri] of Object.entries(placement)) {
				if (!isClone(name)) {
					const all = ["numbers", ...named].join(", ");
					return `got ${JSON.stringify(name)}, which is none of the clones; allowed are ${all}`;
				}
				if (!uris.includes(uri)) return `got ${uri} for ${name}; allowed are the URIs of hosts: ${uris.join(", ")}`;
			}
			return undefined;
		},
	},
];
