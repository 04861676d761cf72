/** What a change of a network's inputs means. */
import { isDeepStrictEqual } from "node:util";
import type { Change, State } from "../lifecycle";
import { hasUnknown } from "../unknown";
import { difference, sameSet } from "./live";
import type { NetworkFacts, NetworkInputs } from "./schema";
import { rangesOf } from "./xml";

/** From so many DHCP changes on, a network that no running machine is on is restarted instead (measured: 0.2 s each). */
export const MANY_DHCP_CHANGES = 20;

const RESTART =
	"the network is stopped and started, which takes about a second; running machines are plugged in again and keep " +
	"their addresses until these are renewed";

const RESTARTING = ["mode", "bridge", "forwardDevice", "ipv4", "ipv6", "dnsDomain", "mtu", "extraXml"] as const;

/** Pure. */
export function changes(olds: State<NetworkInputs, NetworkFacts> | NetworkInputs, news: NetworkInputs): Change[] {
	const found: Change[] = [];
	if (olds.name !== news.name) {
		const note = "libvirt cannot rename a network: it is made anew, and running machines are plugged into the new one";
		found.push({ property: "name", effect: "replace", note });
	}
	for (const property of RESTARTING) {
		// A bridge that libvirt chose stays when the input goes.
		if (property === "bridge" && news.bridge === undefined && news.mode !== "bridge") continue;
		if (isDeepStrictEqual(olds[property], news[property])) continue;
		found.push({ property, effect: "restart", note: RESTART });
	}
	found.push(...dhcpChanges(olds, news));
	if (olds.autostart !== news.autostart) {
		const note =
			hasUnknown(news.autostart) || news.autostart ? "it starts with the host" : "it starts no more with the host";
		found.push({ property: "autostart", effect: "live", note });
	}
	return found;
}

function dhcpChanges(olds: NetworkInputs, news: NetworkInputs): Change[] {
	if (hasUnknown(news.dhcp) || hasUnknown(news.ipv4)) {
		const differs = !isDeepStrictEqual(olds.dhcp, news.dhcp);
		return differs ? [{ property: "dhcp", effect: "live", note: "the DHCP server's ranges and hosts change" }] : [];
	}
	const found: Change[] = [];
	const live = (property: string, note: string) => found.push({ property, effect: "live", note });
	// With another subnet the ranges follow it; that is the change to tell of.
	if (olds.ipv4 === news.ipv4 && !sameSet(rangesOf(olds), rangesOf(news))) {
		const ranges = rangesOf(news).map(({ start, end }) => `${start} to ${end}`);
		live("dhcp", `the DHCP server gives ${ranges.join(" and ") || "no addresses"}; leases that run stay`);
	}
	const [gone, added] = difference(olds.dhcp?.hosts ?? [], news.dhcp?.hosts ?? []);
	if (gone.length + added.length > 0) {
		const many = gone.length + added.length > MANY_DHCP_CHANGES;
		const how = many
			? "one by one, about 0.2 s each, or at once by a restart when no running machine is on the network"
			: "while it runs";
		live("dhcp.hosts", `${added.length} added, ${gone.length} removed, ${how}`);
	}
	return found;
}
