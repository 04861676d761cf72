import type { TestHost } from "./host";

/**
 * Connects two hosts by a cable: each reaches the other's `linkAddress`, and libvirt there by
 * `qemu+tcp://LINKADDRESS/system` (for migration). A host may be connected to many others. Ends with either host.
 */
export async function connectHosts(a: TestHost, b: TestHost): Promise<void> {
	// Named after the host at the other end.
	const [atA, atB] = [`link${b.slot}`, `link${a.slot}`];
	await a.exec("ip", ["link", "add", atA, "type", "veth", "peer", "name", atB, "netns", String(b.holderPid)]);
	for (const [host, device, peer] of [
		[a, atA, b],
		[b, atB, a],
	] as const) {
		await host.exec("ip", ["address", "add", host.linkAddress, "peer", peer.linkAddress, "dev", device]);
		await host.exec("ip", ["link", "set", device, "up"]);
	}
}

/** Cuts the cable between two hosts, or mends it. */
export async function setLink(a: TestHost, b: TestHost, state: "up" | "down"): Promise<void> {
	await a.exec("ip", ["link", "set", `link${b.slot}`, state]);
}
