import * as pulumi from "@pulumi/pulumi";
import { type HostArgs, LibvirtResource } from "../dynamic";
import type { IdentityPool } from "../identity/pool/resource";
import { isLater } from "../later";

/** An address that the network's DHCP server keeps for one machine. */
export interface DhcpHostArgs {
	/** MAC address of the machine's NIC. */
	mac: pulumi.Input<string>;
	/** IPv4 address in the network's subnet. */
	ip: pulumi.Input<string>;
	/**
	 * Host name that the network's DNS answers for it.
	 * @default none
	 */
	name?: pulumi.Input<string>;
}

export interface DhcpArgs {
	/**
	 * Whether addresses are handed out at all.
	 * @default true
	 */
	enabled?: pulumi.Input<boolean>;
	/**
	 * First address of the range.
	 * @default the first of the subnet that is not the gateway's
	 */
	start?: pulumi.Input<string>;
	/**
	 * Last address of the range.
	 * @default the last of the subnet
	 */
	end?: pulumi.Input<string>;
	/**
	 * How long a lease lasts, in minutes.
	 * @default libvirt's, 60
	 */
	leaseMinutes?: pulumi.Input<number>;
	/**
	 * Addresses kept for machines; added and removed while the network runs. Of a pool of identities those that have both
	 * a MAC and an IPv4 address.
	 * @default none
	 */
	hosts?: pulumi.Input<pulumi.Input<DhcpHostArgs>[]> | IdentityPool;
}

export interface NetworkArgs extends HostArgs {
	/**
	 * Name of the network on the host.
	 * @default the resource's name
	 */
	name?: pulumi.Input<string>;
	/**
	 * How guests reach the outside: `nat` behind the host's address, `route` by routing, `isolated` not at all, `bridge`
	 * through a bridge that exists on the host.
	 * @default "nat"
	 */
	mode?: pulumi.Input<"nat" | "route" | "isolated" | "bridge">;
	/**
	 * Name of the bridge device: to be made, or, with mode `bridge`, the one that exists.
	 * @default libvirt chooses (virbr0, virbr1, ...); required for mode `bridge`
	 */
	bridge?: pulumi.Input<string>;
	/**
	 * Host's network device that traffic may leave by; for modes `nat` and `route`.
	 * @default any
	 */
	forwardDevice?: pulumi.Input<string>;
	/**
	 * The gateway's IPv4 address with its prefix length.
	 * @default none; required for modes `nat` and `route`
	 * @example "192.168.150.1/24"
	 */
	ipv4?: pulumi.Input<string>;
	/**
	 * The gateway's IPv6 address with its prefix length.
	 * @default none
	 * @example "fd00:150::1/64"
	 */
	ipv6?: pulumi.Input<string>;
	/**
	 * The DHCP server of the IPv4 subnet.
	 * @default on for the whole subnet, where there is an `ipv4`
	 */
	dhcp?: pulumi.Input<DhcpArgs>;
	/**
	 * DNS domain of the network.
	 * @default none
	 */
	dnsDomain?: pulumi.Input<string>;
	/**
	 * MTU in bytes.
	 * @default libvirt's, 1500
	 */
	mtu?: pulumi.Input<number>;
	/**
	 * Start the network together with the host.
	 * @default true
	 */
	autostart?: pulumi.Input<boolean>;
	/**
	 * A `<network>` fragment merged into the generated XML; see docs/extra-xml.md.
	 * @default none
	 */
	extraXml?: pulumi.Input<string>;
}

/** A virtual network. Its id is its UUID. */
export class Network extends LibvirtResource {
	/** Name of the network on the host. */
	declare readonly name: pulumi.Output<string>;
	/** libvirt's UUID of the network; also the id. */
	declare readonly uuid: pulumi.Output<string>;
	/** The bridge device on the host. */
	declare readonly bridgeName: pulumi.Output<string>;

	constructor(name: string, args: NetworkArgs, opts?: pulumi.CustomResourceOptions) {
		super("Network", name, { name, ...args, dhcp: withReservations(args.dhcp) }, ["uuid", "bridgeName"], opts);
	}
}

function withReservations(dhcp: NetworkArgs["dhcp"]): pulumi.Input<unknown> {
	if (dhcp === undefined || isLater(dhcp) || !pulumi.Resource.isInstance(dhcp.hosts)) return dhcp;
	return { ...dhcp, hosts: (dhcp.hosts as IdentityPool).reservations };
}
