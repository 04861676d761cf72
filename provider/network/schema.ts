import { z } from "zod";
import { commonShape, hostName, macAddress, objectName } from "../schema";

const ipv4 = z.ipv4("allowed is an IPv4 address such as 192.168.150.10");
const deviceName = z
	.string()
	.regex(/^[A-Za-z0-9._-]{1,15}$/, "allowed are 1 to 15 letters, digits, dots, underscores and hyphens");

export const dhcpHostSchema = z.strictObject({
	mac: macAddress,
	ip: ipv4,
	name: hostName.optional(),
});

export const dhcpSchema = z.strictObject({
	enabled: z.boolean().default(true),
	start: ipv4.optional(),
	end: ipv4.optional(),
	leaseMinutes: z.int().min(2).max(1_000_000).optional(),
	hosts: z.array(dhcpHostSchema).default([]),
});

export const networkSchema = z.strictObject({
	...commonShape,
	name: objectName,
	mode: z.enum(["nat", "route", "isolated", "bridge"]).default("nat"),
	bridge: deviceName.optional(),
	forwardDevice: deviceName.optional(),
	ipv4: z.cidrv4("allowed is the gateway's address with its prefix, such as 192.168.150.1/24").optional(),
	ipv6: z.cidrv6("allowed is the gateway's address with its prefix, such as fd00:150::1/64").optional(),
	dhcp: dhcpSchema.optional(),
	dnsDomain: hostName.optional(),
	mtu: z.int().min(576).max(65_535).optional(),
	autostart: z.boolean().default(true),
	extraXml: z.string().optional(),
});

export type NetworkInputs = z.output<typeof networkSchema>;
export type DhcpHost = z.output<typeof dhcpHostSchema>;

export interface NetworkFacts {
	uuid: string;
	/** The bridge device on the host. */
	bridgeName: string;
}
