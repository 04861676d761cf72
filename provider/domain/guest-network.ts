/** Addresses that a guest is given through its agent, in the way of whatever sets up the network of its image. */
import { z } from "zod";
import { librarySource } from "../init/library";
import { kinds } from "../init/library/settings";
import { quoted } from "../shell";

const valid = ({ accepts, allowed }: { accepts: (value: string) => boolean; allowed: string }) =>
	z.string().refine(accepts, allowed);

export const guestNetworkSchema = z.strictObject({
	addresses: z.array(valid(kinds.addressWithPrefix)).min(1, "allowed is at least one address with its prefix").max(64),
	gateways: z.array(valid(kinds.address)).max(2).default([]),
	nameservers: z.array(valid(kinds.address)).max(8).default([]),
});

export type GuestNetwork = z.output<typeof guestNetworkSchema>;

/**
 * A shell script that gives the NIC with this MAC address its addresses.
 *
 * @param lasting fails, before anything is set, in a guest that has nothing which would set them again at the next start
 */
export function networkScript(
	{ addresses, gateways, nameservers }: GuestNetwork,
	mac: string,
	{ lasting }: { lasting: boolean },
): string {
	const settings = Object.entries({
		ADDRESS: addresses.join(" "),
		GATEWAY: gateways.join(" "),
		DNS: nameservers.join(" "),
		LASTING: lasting ? "yes" : "",
	});
	return `${settings.map(([name, value]) => `SETTING_${name}=${quoted(value)}`).join("\n")}
${interfaceOf(mac)}
${librarySource("static-address")}`;
}

/** Bridges and VLANs on a NIC have its MAC address as well, and no device. One that was plugged in takes its time. */
const interfaceOf = (mac: string) => `SETTING_INTERFACE= tries=0
while :; do
	for folder in "\${CLONES_INIT_ROOT-}"/sys/class/net/*; do
		[ ! -e "$folder/device" ] || [ "$(cat "$folder/address")" != ${quoted(mac)} ] || SETTING_INTERFACE=\${folder##*/}
	done
	[ -z "$SETTING_INTERFACE" ] && [ $tries -lt 100 ] || break
	tries=$((tries + 1))
	sleep 0.1
done
[ -n "$SETTING_INTERFACE" ] || { echo "no network interface has the MAC address ${mac}" >&2; exit 1; }`;
