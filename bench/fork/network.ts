/** The network of the machines that are measured. */
import { element, serialize } from "../../provider/xml/element";

export const NETWORK = "bench";
export const MACHINES = 240;

/** Of the machine with this number, from 1 to `MACHINES`. */
export const macOf = (number: number) => `52:54:00:0f:00:${number.toString(16).padStart(2, "0")}`;

/**
 * Addresses are reserved, as by a pool of identities: the DHCP server looks for three seconds whether anybody has one that
 * it is about to give to somebody unknown.
 */
export function networkXml(): string {
	const hosts = Array.from({ length: MACHINES }, (_, index) =>
		element("host", { mac: macOf(index + 1), ip: `192.168.177.${index + 2}` }),
	);
	return serialize(
		element(
			"network",
			{},
			element("name", {}, NETWORK),
			element("bridge", { name: "bench0", stp: "off", delay: "0" }),
			element("ip", { address: "192.168.177.1", prefix: "24" }, element("dhcp", {}, ...hosts)),
		),
	);
}
