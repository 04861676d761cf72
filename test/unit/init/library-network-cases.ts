/** What the scripts of the network do in images of each kind. */
import type { Case } from "./library-cases";

const MAC = "52:54:00:00:00:01";
const NICS = {
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
const STARTING = { "/run/systemd/system": undefined };
const NOT_YET = { systemctl: "exit 3" };
const NETWORKD = {
	...NICS,
	...STARTING,
	"/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": { link: "/lib/none" },
};
const MANAGER = {
	...NICS,
	...STARTING,
	"/etc/systemd/system/multi-user.target.wants/NetworkManager.service": { link: "/lib/none" },
};
const NETPLAN = { ...NICS, ...STARTING, "/etc/netplan": undefined };
const INTERFACES = `# what a person wrote
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
const BOTH = {
	address: ["10.0.0.10/22", "fd00::10/64"],
	gateway: "10.0.0.1 fd00::1",
	dns: ["10.0.0.53", "fd00::53"],
};
const PROFILE = "/etc/NetworkManager/system-connections/clones-eth0.nmconnection";
const profile = (ipv4: string, ipv6: string) => `[connection]
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
const IPV6_SWITCHES = {
	"/proc/sys/net/ipv6/conf/eth0/disable_ipv6": "0\n",
	"/proc/sys/net/ipv6/conf/eth0/accept_ra": "1\n",
};

export const networkCases: Case[] = [
	{
		title: "writes a file of networkd, which reads it when it starts",
		script: "static-address",
		settings: BOTH,
		files: NETWORKD,
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active systemd-networkd"],
		expected: {
			"/etc/systemd/network/05-clones-eth0.network": `[Match]
MACAddress=${MAC}
Type=ether

[Network]
Address=10.0.0.10/22
Address=fd00::10/64
Gateway=10.0.0.1
Gateway=fd00::1
DNS=10.0.0.53
DNS=fd00::53
`,
		},
	},
	{
		title: "tells a networkd that runs to read its file, once",
		script: "static-address",
		settings: { address: "10.0.0.10/24", interface: "br0" },
		files: NETWORKD,
		programs: { systemctl: "", networkctl: "" },
		expected: {
			"/etc/systemd/network/05-clones-br0.network": /MACAddress=02:00:00:00:00:01\n.*Address=10.0.0.10\/24\n/s,
		},
		calls: ["systemctl --quiet is-active systemd-networkd", "networkctl reload", "networkctl reconfigure br0"],
	},
	{
		title: "asks systemd of a networkd that has processes only",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: { ...NETWORKD, "/sys/fs/cgroup/systemd/system.slice/systemd-networkd.service": undefined },
		programs: { systemctl: "", networkctl: "" },
		calls: ["systemctl --quiet is-active systemd-networkd", "networkctl reload", "networkctl reconfigure eth0"],
	},
	{
		title: "writes a file of netplan, and has it make what the others read",
		script: "static-address",
		settings: BOTH,
		files: NETPLAN,
		programs: { ...NOT_YET, netplan: "" },
		expected: {
			"/etc/netplan/95-clones-eth0.yaml": `network:
  version: 2
  ethernets:
    eth0:
      dhcp4: false
      dhcp6: false
      addresses: ["10.0.0.10/22", "fd00::10/64"]
      routes: [{"to": "0.0.0.0/0", "via": "10.0.0.1"}, {"to": "::/0", "via": "fd00::1"}]
      nameservers: {addresses: ["10.0.0.53", "fd00::53"]}
`,
		},
		modes: { "/etc/netplan/95-clones-eth0.yaml": "600" },
		calls: [
			"systemctl --quiet is-active systemd-networkd",
			"systemctl --quiet is-active NetworkManager",
			"netplan generate",
		],
	},
	{
		title: "writes a profile of NetworkManager",
		script: "static-address",
		settings: BOTH,
		files: MANAGER,
		programs: NOT_YET,
		calls: ["systemctl --quiet is-active NetworkManager"],
		expected: {
			[PROFILE]: profile(
				"method=manual\naddress1=10.0.0.10/22\ngateway=10.0.0.1\ndns=10.0.0.53;",
				"method=manual\naddress1=fd00::10/64\ngateway=fd00::1\ndns=fd00::53;",
			),
		},
		modes: { [PROFILE]: "600" },
	},
	{
		title: "leaves what the profile says of the other family",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: { ...MANAGER, [PROFILE]: profile("method=auto", "method=disabled") },
		programs: { systemctl: "", nmcli: "" },
		expected: { [PROFILE]: profile("method=manual\naddress1=10.0.0.10/24", "method=disabled") },
		calls: ["systemctl --quiet is-active NetworkManager", "nmcli connection reload", "nmcli connection up clones-eth0"],
	},
	{
		title: "uses what another init starts, whatever systemd has left",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: {
			...Object.fromEntries(Object.entries(NETWORKD).filter(([path]) => !(path in STARTING))),
			"/etc/netplan": undefined,
			"/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n",
		},
		programs: { ifup: "", netplan: "" },
		expected: {
			"/etc/network/interfaces": "\nauto eth0\niface eth0 inet static\n\taddress 10.0.0.10\n\tnetmask 255.255.255.0\n",
		},
	},
	{
		title: "is a profile where an old init starts NetworkManager",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: { ...NICS, "/etc/rc2.d/S03network-manager": { link: "../init.d/network-manager" } },
		expected: { [PROFILE]: profile("method=manual\naddress1=10.0.0.10/24", "method=auto") },
	},
	{
		title: "takes the interface away from cloud-init and from files beside /etc/network/interfaces",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: {
			...NICS,
			"/etc/network/interfaces": "source /etc/network/interfaces.d/*\n",
			"/etc/network/interfaces.d/50-cloud-init":
				"auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n\tmetric 5\n",
			"/etc/network/interfaces.d/other": "iface eth01 inet dhcp",
			"/etc/cloud/cloud.cfg.d": undefined,
		},
		programs: { ifup: "" },
		expected: {
			"/etc/network/interfaces.d/50-cloud-init": "auto lo eth0\niface lo inet loopback\n",
			"/etc/network/interfaces.d/other": "iface eth01 inet dhcp",
			"/etc/cloud/cloud.cfg.d/99-clones-network.cfg": "network: {config: disabled}\n",
		},
	},
	{
		title: "stands in /etc/network/interfaces instead of what was there",
		script: "static-address",
		settings: BOTH,
		files: {
			...NICS,
			"/etc/network/interfaces": INTERFACES,
			"/etc/resolv.conf": { link: "../run/resolv.conf" },
			"/run": undefined,
		},
		programs: { ifup: "" },
		expected: {
			"/etc/network/interfaces": `# what a person wrote
auto lo
iface lo inet loopback

	# its metric

source /etc/network/interfaces.d/*
auto eth0
iface eth0 inet static
	address 10.0.0.10
	netmask 255.255.252.0
	gateway 10.0.0.1
	dns-nameservers 10.0.0.53 fd00::53
iface eth0 inet6 static
	address fd00::10
	netmask 64
	gateway fd00::1
	dns-nameservers 10.0.0.53 fd00::53
`,
			"/run/resolv.conf": "nameserver 10.0.0.53\nnameserver fd00::53\n",
		},
	},
	{
		title: "takes an interface of ifupdown down and up where it is up",
		script: "static-address",
		settings: { address: "10.0.0.10/24" },
		files: {
			...NICS,
			"/etc/network/interfaces": "iface eth0 inet dhcp\n",
			"/run/network/ifstate": "lo=lo\neth0=eth0\n",
		},
		programs: { ifup: "", ifdown: '[ "$1" != --force ]' },
		expected: {
			"/etc/network/interfaces":
				/^\nauto eth0\niface eth0 inet static\n\taddress 10.0.0.10\n\tnetmask 255.255.255.0\n$/,
		},
		calls: ["ifdown --force eth0", "ifdown -f eth0", "ifup eth0"],
	},
	{
		title: "sets the addresses itself where nothing else does, and ends a DHCP client of that interface",
		script: "static-address",
		settings: BOTH,
		files: {
			...NICS,
			// Numbers that no process has.
			"/proc/99999998/cmdline": "udhcpc\0-i\0eth0\0-b\0",
			"/proc/99999999/cmdline": "udhcpc\0-i\0eth1\0-b\0",
			"/etc/resolv.conf": "",
		},
		programs: {
			pidof: "echo 99999998 99999999",
			ip: 'case "$*" in "-o -4 addr show"*) echo "2: eth0 inet 10.0.0.10/22 scope global"; echo "2: eth0 inet 10.0.9.9/22 scope" ;; esac',
		},
		expected: { "/etc/resolv.conf": "nameserver 10.0.0.53\nnameserver fd00::53\n" },
		calls: plainCalls(),
		again: plainCalls(),
	},
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

function plainCalls(): string[] {
	return [
		"pidof udhcpc dhclient dhcpcd",
		"kill 99999998",
		"ip link set eth0 up",
		"ip -o -4 addr show dev eth0 scope global",
		"ip addr del 10.0.9.9/22 dev eth0",
		"ip addr replace 10.0.0.10/22 dev eth0",
		"ip -6 addr replace fd00::10/64 dev eth0 nodad",
		"ip route replace default via 10.0.0.1 dev eth0",
		"ip -6 route replace default via fd00::1 dev eth0",
	];
}
