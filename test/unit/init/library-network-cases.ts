/** What the scripts of DHCP and IPv6 do in images of each kind. */
import type { Case } from "./library-cases";
import {
	INTERFACES,
	IPV6_SWITCHES,
	MAC,
	MANAGER,
	NETPLAN,
	NETWORKD,
	NICS,
	NOT_YET,
	PROFILE,
	profile,
} from "./library-network-systems";

export const networkCases: Case[] = [
	{
		title: "is a DUID of the text's bytes for networkd",
		script: "dhcp-client-id",
		settings: { id: "web-1" },
		files: { ...NETWORKD, "/etc/systemd/network/90-dhcp.network": "[Match]\n" },
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active systemd-networkd"],
		expected: {
			"/etc/systemd/network/90-dhcp.network.d/50-clones-dhcp.conf":
				"[DHCPv4]\nClientIdentifier=duid\nDUIDType=link-layer\nDUIDRawData=00:01:77:65:62:2d:31\nIAID=1\n",
		},
	},
	{
		title: "is the interface's address for networkd",
		script: "dhcp-client-id",
		settings: { id: "mac" },
		files: { ...NETWORKD, "/etc/systemd/network/90-dhcp.network": "[Match]\n" },
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active systemd-networkd"],
		expected: { "/etc/systemd/network/90-dhcp.network.d/50-clones-dhcp.conf": "[DHCPv4]\nClientIdentifier=mac\n" },
	},
	{
		title: "is a setting of NetworkManager for that interface",
		script: "dhcp-client-id",
		settings: { id: "web-1" },
		files: MANAGER,
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active NetworkManager"],
		expected: {
			"/etc/NetworkManager/conf.d/90-clones-dhcp.conf": `[connection-clones-dhcp]\nmatch-device=mac:${MAC}\nipv4.dhcp-client-id=web-1\n`,
		},
	},
	{
		title: "is a line of dhclient's settings",
		script: "dhcp-client-id",
		settings: { id: "mac" },
		files: { ...NICS, "/etc/network/interfaces": INTERFACES, "/etc/dhcp/dhclient.conf": "timeout 300;\n" },
		programs: { ifup: "" },
		expected: {
			"/etc/dhcp/dhclient.conf": `timeout 300;\n# clones-init begin\ninterface "eth0" { send dhcp-client-identifier 1:${MAC}; }\n# clones-init end\n`,
		},
	},
	{
		title: "is an option of busybox's client",
		script: "dhcp-client-id",
		settings: { id: "web-1" },
		files: { ...NICS, "/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n\thostname gold\n" },
		programs: { ifup: "" },
		expected: {
			"/etc/network/interfaces":
				"auto eth0\niface eth0 inet dhcp\n\tudhcpc_opts -x 0x3d:007765622d31\n\thostname gold\n",
		},
	},
	{
		title: "takes the family away from networkd's interface",
		script: "ipv6",
		settings: { mode: "off" },
		files: NETWORKD,
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active systemd-networkd"],
		expected: {
			"/etc/systemd/network/05-clones-eth0.network": `[Match]\nMACAddress=${MAC}\nType=ether\n\n[Network]\nDHCP=ipv4\n`,
			"/etc/systemd/network/05-clones-eth0.network.d/50-clones-ipv6.conf":
				"[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
		},
	},
	{
		title: "adds an address to what static-address wrote for networkd",
		script: "ipv6",
		settings: { mode: "static", address: "fd00::10/64", gateway: "fd00::1" },
		files: { ...NETWORKD, "/etc/systemd/network/05-clones-eth0.network": "[Match]\n" },
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active systemd-networkd"],
		expected: {
			"/etc/systemd/network/05-clones-eth0.network": "[Match]\n",
			"/etc/systemd/network/05-clones-eth0.network.d/50-clones-ipv6.conf":
				"[Network]\nIPv6AcceptRA=no\nAddress=fd00::10/64\nGateway=fd00::1\n",
		},
	},
	{
		title: "is a file of netplan",
		script: "ipv6",
		settings: { mode: "off" },
		files: NETPLAN,
		programs: { ...NOT_YET, netplan: "" },
		expected: { "/etc/netplan/96-clones-ipv6-eth0.yaml": /\n {4}eth0:\n {6}link-local: \[\]\n {6}accept-ra: false\n$/ },
		calls: [
			"systemctl --quiet is-active systemd-networkd",
			"systemctl --quiet is-active NetworkManager",
			"netplan generate",
		],
	},
	{
		title: "is one section of the profile of NetworkManager",
		script: "ipv6",
		settings: { mode: "static", address: "fd00::10/64" },
		files: { ...MANAGER, [PROFILE]: profile("method=manual\naddress1=10.0.0.10/24", "method=auto") },
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active NetworkManager"],
		expected: { [PROFILE]: profile("method=manual\naddress1=10.0.0.10/24", "method=manual\naddress1=fd00::10/64") },
	},
	{
		title: "is a stanza of its family, and the kernel's switches",
		script: "ipv6",
		settings: { mode: "static", address: "fd00::10/64" },
		files: {
			...NICS,
			...IPV6_SWITCHES,
			"/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\niface eth0 inet6 auto\n",
		},
		programs: { ifup: "" },
		expected: {
			"/etc/network/interfaces":
				"iface eth0 inet dhcp\nauto eth0\niface eth0 inet6 static\n\taddress fd00::10\n\tnetmask 64\n",
			"/proc/sys/net/ipv6/conf/eth0/accept_ra": "0\n",
			"/proc/sys/net/ipv6/conf/eth0/disable_ipv6": "0\n",
		},
	},
	{
		title: "switches the family off where nothing else does",
		script: "ipv6",
		settings: { mode: "off" },
		files: { ...NICS, ...IPV6_SWITCHES },
		expected: {
			"/etc/sysctl.d/90-clones-ipv6.conf": "net.ipv6.conf.eth0.disable_ipv6 = 1\nnet.ipv6.conf.eth0.accept_ra = 0\n",
			"/proc/sys/net/ipv6/conf/eth0/disable_ipv6": "1\n",
		},
	},
];
