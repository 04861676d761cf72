/**
 * A network of the same owner under another name: with running machines on it, it could not be deleted before its
 * replacement is made. libvirt cannot rename networks; so the machines are plugged into the new one, and it goes.
 */
import type { Host, NetworkInfo } from "../libvirt/api";
import { isOwnedBy } from "../owner";
import type { Undo } from "../undo";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { guestsOn, type Plugged } from "./guests";
import { runningModel } from "./live";
import { isDetour, plugIn } from "./restart";
import type { NetworkInputs } from "./schema";

export interface Former {
	network: NetworkInfo;
	guests: Plugged[];
}

/** Stops the former network, so that its subnet is free; undone, it runs with its machines plugged in again. */
export async function stopFormer(host: Host, inputs: NetworkInputs, undo: Undo): Promise<Former | undefined> {
	const network = (await host.networks.listWithXml()).find(
		({ name, xml }) =>
			name !== inputs.name && !isDetour(name) && isOwnedBy(recordedIn(parse(xml, "the network's XML"))?.owner, inputs),
	);
	if (!network) return undefined;
	const { uuid, name, active } = network;
	const guests = active ? await guestsOn(host, name, (await runningModel(host, uuid)).bridge) : [];
	if (active) {
		await host.networks.destroy(uuid);
		undo.add(`start the network ${name} again`, async () => {
			await host.networks.start(uuid);
			await plugIn(host, network, inputs, guests);
		});
	}
	return { network, guests };
}

/** Plugs the machines of the former network into the new one, and removes it. */
export async function succeed(
	host: Host,
	former: Former,
	network: { name: string; uuid: string },
	inputs: NetworkInputs,
): Promise<void> {
	await plugIn(host, network, inputs, former.guests);
	if (former.network.persistent) await host.networks.undefine(former.network.uuid);
}
