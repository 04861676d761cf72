/** Machines with this or that network service, as scripts of the library find them. */

export const MAC = "52:54:00:00:00:01";
export const NICS = {
	"/sys/class/net/eth0/address": `${MAC}\n`,
	"/sys/class/net/eth0/type": "1\n",
	"/sys/class/net/eth0/device": { link: "../../../devices/b" },
	"/sys/devices/b": undefined,
	// The first by its name, and not by its place.
	"/sys/class/net/a0/address": "52:54:00:00:00:02\n",
	"/sys/class/net/a0/type": "1\n",
	"/sys/class/net/a0/device": { link: "../../../devices/c" },
	"/sys/devices/c": undefined,
	"/sys/class/net/br0/address": "02:00:00:00:00:01\n",
};
/** systemd before the network: nothing of that runs yet. */
export const STARTING = { "/run/systemd/system": undefined };
export const NOT_YET = { systemctl: "exit 3" };
export const NETWORKD = {
	...NICS,
	...STARTING,
	"/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": { link: "/lib/none" },
};
export const MANAGER = {
	...NICS,
	...STARTING,
	"/etc/systemd/system/multi-user.target.wants/NetworkManager.service": { link: "/lib/none" },
};
export const NETPLAN = { ...NICS, ...STARTING, "/etc/netplan": undefined };
export const INTERFACES = `# what a person wrote
auto lo
iface lo inet loopback

allow-hotplug eth0
iface eth0 inet dhcp
	hostname gold
	# its metric
	metric 5
iface eth0 inet6 auto

source /etc/network/interfaces.d/*
`;
export const BOTH = {
	address: ["10.0.0.10/22", "fd00::10/64"],
	gateway: "10.0.0.1 fd00::1",
	dns: ["10.0.0.53", "fd00::53"],
};
export const PROFILE = "/etc/NetworkManager/system-connections/clones-eth0.nmconnection";
export const profile = (ipv4: string, ipv6: string) => `[connection]
id=clones-eth0
type=ethernet
autoconnect-priority=999

[ethernet]
mac-address=${MAC}

[ipv4]
${ipv4}

[ipv6]
${ipv6}
`;
export const IPV6_SWITCHES = {
	"/proc/sys/net/ipv6/conf/eth0/disable_ipv6": "0\n",
	"/proc/sys/net/ipv6/conf/eth0/accept_ra": "1\n",
};
