/** Address ranges of a host, made of its slot so that hosts which are connected do not overlap. */
export interface HostNetwork {
	/** Name of the libvirt network. */
	name: "default";
	bridge: "virbr0";
	/** Address of the bridge, the guests' gateway and name server. */
	gateway: string;
	prefix: number;
	cidr: string;
	/** First and last address that dnsmasq gives by DHCP; those below the first are free for static use. */
	dhcp: { start: string; end: string };
}

export function networkOfSlot(slot: number): HostNetwork {
	const net = `10.98.${slot}`;
	return {
		name: "default",
		bridge: "virbr0",
		gateway: `${net}.1`,
		prefix: 24,
		cidr: `${net}.0/24`,
		dhcp: { start: `${net}.64`, end: `${net}.254` },
	};
}

/** The host's own address on its connections to other hosts. */
export function linkAddressOfSlot(slot: number): string {
	return `10.97.0.${slot}`;
}

export function networkXml(network: HostNetwork): string {
	return `<network>
	<name>${network.name}</name>
	<forward mode="nat"/>
	<bridge name="${network.bridge}" stp="off" delay="0"/>
	<ip address="${network.gateway}" prefix="${network.prefix}">
		<dhcp><range start="${network.dhcp.start}" end="${network.dhcp.end}"/></dhcp>
	</ip>
</network>
`;
}

/**
 * Written afresh, not copied from the machine's: a user's own sockets, TLS settings, hooks and users have no place in a
 * test. TCP without authentication is for migration, and reachable only from hosts that are connected to this one.
 */
export function libvirtdConf(hostUuid: string): string {
	return `host_uuid = "${hostUuid}"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
`;
}

/**
 * Control groups and per-guest namespaces belong to the machine's own service manager. AppArmor and SELinux profiles know
 * only the machine's usual paths; file ownership is managed as always.
 */
export const qemuConf = `cgroup_controllers = []
namespaces = []
security_driver = "none"
`;
