/**
 * Restarting a network under running machines. libvirt takes the bridge away and makes a new one, and leaves the
 * machines' NICs plugged into nothing. A NIC is plugged in again by changing its network; changing it to the same one
 * does nothing, so each goes through a network made for that moment. Guests see no more than lost packets.
 */
import { randomBytes } from "node:crypto";
import type { Host } from "../libvirt/api";
import type { CommonInputs } from "../lifecycle";
import { attribute, child, type Element, element, parse, serialize, setAttribute } from "../xml/element";
import { recordElement, recordOf } from "../xml/metadata";
import { guestsOn, type Plugged } from "./guests";
import { modelOf } from "./xml";

/**
 * Stops the network, starts it by its present definition, and plugs the running machines in again.
 *
 * @param previousXml definition to go back to when the present one cannot be started
 * @throws Error when it cannot be started, or names the machines that could not be plugged in
 */
export async function restart(
	host: Host,
	network: { name: string; uuid: string },
	inputs: CommonInputs,
	previousXml: string,
): Promise<void> {
	const before = await bridgeOf(host, network.uuid);
	const guests = await guestsOn(host, network.name, before);
	await host.networks.destroy(network.uuid);
	try {
		await host.networks.start(network.uuid);
	} catch (error) {
		await host.networks.define(previousXml);
		await host.networks.start(network.uuid);
		await plugIn(host, network, inputs, guests);
		throw new Error(
			`the network "${network.name}" could not be started with the new settings and runs with the old ones again: ` +
				(error as Error).message,
			{ cause: error },
		);
	}
	await plugIn(host, network, inputs, guests);
}

async function bridgeOf(host: Host, uuid: string): Promise<string | undefined> {
	return modelOf(parse(await host.networks.xml(uuid), "the network's XML")).bridge;
}

/** After a start: plugs in the machines that ran on when somebody else stopped the network, or removed it. */
export async function plugInLeftOnes(
	host: Host,
	network: { name: string; uuid: string },
	inputs: CommonInputs & { mode: string },
): Promise<void> {
	// A bridge of the host's own was there all the time.
	if (inputs.mode === "bridge") return;
	await plugIn(host, network, inputs, await guestsOn(host, network.name, await bridgeOf(host, network.uuid)));
}

/** Plugs NICs that lost their bridge into the network again. */
export async function plugIn(
	host: Host,
	network: { name: string; uuid: string },
	inputs: CommonInputs,
	guests: Plugged[],
): Promise<void> {
	if (guests.length === 0) return;
	const bridge = await bridgeOf(host, network.uuid);
	const failed: string[] = [];
	await withDetour(host, inputs, async (detour) => {
		for (const { name, uuid, interfaces } of guests) {
			try {
				for (const nic of interfaces) {
					await host.domains.updateDevice(uuid, moved(nic, detour.name, detour.bridge), "live");
					await host.domains.updateDevice(uuid, moved(nic, network.name, bridge), "live");
				}
			} catch (error) {
				const ended = (await host.domains.find(uuid).catch(() => undefined))?.state === "shutoff";
				if (!ended) failed.push(`${name} (${(error as Error).message})`);
			}
		}
	});
	if (failed.length === 0) return;
	throw new Error(
		`the network "${network.name}" runs with its new settings, but these machines could not be plugged in again and ` +
			`have no connection: ${failed.join("; ")}. Restart them, or detach and attach their NICs.`,
	);
}

/** The NIC on another network, or on its bridge where it names a bridge. */
function moved(nic: Element, network: string, bridge: string | undefined): string {
	const copy = nic.cloneNode(true) as Element;
	const source = child(copy, "source")!;
	if (attribute(copy, "", "type") === "bridge") setAttribute(source, "bridge", bridge);
	else {
		// What the old connection came to; libvirt fills them in anew.
		for (const name of ["portid", "bridge"]) setAttribute(source, name, undefined);
		setAttribute(source, "network", network);
	}
	return serialize(copy);
}

const DETOUR = "clones-detour-";

/** Whether a name is that of a network that is there for a moment only. */
export function isDetour(name: string): boolean {
	return name.startsWith(DETOUR);
}

/** A network without addresses, gone afterwards. It carries our mark, so that one left by a kill is swept. */
async function withDetour(
	host: Host,
	inputs: CommonInputs,
	work: (detour: { name: string; bridge: string | undefined }) => Promise<void>,
): Promise<void> {
	const name = `${DETOUR}${randomBytes(4).toString("hex")}`;
	const xml = element(
		"network",
		{},
		element("name", {}, name),
		element("metadata", {}, recordElement(recordOf(inputs))),
	);
	const { uuid } = await host.networks.define(serialize(xml));
	try {
		await host.networks.start(uuid);
		try {
			await work({ name, bridge: await bridgeOf(host, uuid) });
		} finally {
			await host.networks.destroy(uuid);
		}
	} finally {
		await host.networks.undefine(uuid);
	}
}
