/** Cases of the script that gives a machine its addresses. */
import type { Case } from "./library-cases";
import {
	BOTH,
	INTERFACES,
	MAC,
	MANAGER,
	NETPLAN,
	NETWORKD,
	NICS,
	NOT_YET,
	PROFILE,
	profile,
	STARTING,
} from "./library-network-systems";

export const addressCases: Case[] = [
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
