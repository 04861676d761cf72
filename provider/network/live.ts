/** What can change while a network runs: the DHCP server's ranges and hosts. */
import { isDeepStrictEqual } from "node:util";
import type { Host } from "../libvirt/api";
import { parse, serialize } from "../xml/element";
import type { DhcpHost } from "./schema";
import { hostElement, modelOf, type NetworkModel, rangeElement } from "./xml";

type Section = "ip-dhcp-host" | "ip-dhcp-range";
export interface LiveStep {
	command: "add" | "delete";
	section: Section;
	xml: string;
}

/** Steps from what runs to what is wanted: removals first, so that an address or a name is free when it moves. */
export function liveSteps(
	running: Pick<NetworkModel, "ranges" | "hosts">,
	wanted: Pick<NetworkModel, "ranges" | "hosts">,
): LiveStep[] {
	const step = (command: LiveStep["command"], section: Section, item: LiveStep["xml"]) => ({
		command,
		section,
		xml: item,
	});
	const host = (item: DhcpHost) => serialize(hostElement(item));
	const [goneHosts, newHosts] = difference(running.hosts, wanted.hosts);
	const [goneRanges, newRanges] = difference(running.ranges, wanted.ranges);
	return [
		...goneHosts.map((item) => step("delete", "ip-dhcp-host", host(item))),
		...goneRanges.map((item) => step("delete", "ip-dhcp-range", serialize(rangeElement(item)))),
		...newRanges.map((item) => step("add", "ip-dhcp-range", serialize(rangeElement(item)))),
		...newHosts.map((item) => step("add", "ip-dhcp-host", host(item))),
	];
}

/** What only the first has, and what only the second has. */
export function difference<T>(before: ReadonlyArray<T>, after: ReadonlyArray<T>): [T[], T[]] {
	const key = (item: T) => JSON.stringify(Object.entries(item as object).sort());
	const [had, has] = [new Set(before.map(key)), new Set(after.map(key))];
	return [before.filter((item) => !has.has(key(item))), after.filter((item) => !had.has(key(item)))];
}

/** The running network's settings. */
export async function runningModel(host: Host, uuid: string): Promise<NetworkModel> {
	return modelOf(parse(await host.networks.xml(uuid), "the network's XML"));
}

export async function applyLive(
	host: Host,
	uuid: string,
	steps: ReadonlyArray<LiveStep>,
	log: (message: string) => void,
): Promise<void> {
	const started = performance.now();
	let told = started;
	for (const [index, { command, section, xml }] of steps.entries()) {
		await host.networks.update(uuid, command, section, xml, "live");
		if (performance.now() - told < 5000) continue;
		told = performance.now();
		log(`${index + 1} of ${steps.length} DHCP changes made in ${Math.round((told - started) / 1000)} s`);
	}
}

/** Same elements, in whatever order. */
export function sameSet<T>(a: ReadonlyArray<T>, b: ReadonlyArray<T>): boolean {
	return difference(a, b).every((items) => items.length === 0) && isDeepStrictEqual(a.length, b.length);
}
