/** Devices that a machine's next host does not have are unplugged before it leaves, and plugged in again where it stays. */
import { unplug } from "../domain/live";
import { look, lookLive } from "../domain/look";
import { patiently } from "../domain/patience";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { serialize } from "../xml/element";
import { namedDevices } from "../xml/named-devices";
import type { FoundDomain } from "../xml/read-domain";
import type { Lack } from "./lacking";
import { movingIn } from "./moving";

const UNPLUG_SECONDS = 60;

/**
 * @param context of the host that it leaves
 * @throws Error when its guest does not let go of one
 */
export async function unplugLacking(context: Context, uuid: string, lacks: ReadonlyArray<Lack>): Promise<void> {
	for (const { alias, what, remedy } of lacks) {
		if (remedy !== "remove") continue;
		const live = await lookLive(context.host, uuid);
		const named = (found: FoundDomain) => namedDevices(found.root).find((item) => item.alias === alias);
		const device = named(live);
		if (!device) continue;
		context.log(`${what} is unplugged: its new host does not have it`);
		await unplug(context, live, device.element, `device ${alias}`, (now) => named(now) !== undefined, UNPLUG_SECONDS);
	}
}

/** As its definition has them. */
export async function plugAgain(host: Host, uuid: string): Promise<void> {
	const seen = await look(host, uuid);
	const without = seen && movingIn(seen)?.without;
	if (!seen?.live || !without) return;
	const present = namedDevices(seen.live.root).map(({ alias }) => alias);
	for (const { alias, element } of namedDevices(seen.config.root)) {
		if (!without.includes(alias) || present.includes(alias)) continue;
		await patiently(() => host.domains.attachDevice(uuid, serialize(element), "live"));
	}
}
