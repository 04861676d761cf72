/**
 * Kinds of mistakes, each of them once: another property with the same kind of mistake is in the table of arguments
 * (`bad-inputs/`), and what only a host can tell is in `test/host/bad-inputs.test.ts`.
 */
export interface Cause {
	/** Completes "refuses ...". */
	what: string;
	of: "StoragePool" | "Network" | "Volume" | "Domain" | "ThinClonePool" | "Environment";
	/** Over what is good; undefined takes away. */
	given: Record<string, unknown>;
	/** What the message names, at the begin of a line or after the component. */
	property: string;
	/** What it repeats of the value; of a missing one that it is missing. */
	got: string;
}

const MIME = 'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b--\n';
const FILE = { path: "/etc/motd", content: "" };
const mac = "52:54:00:00:00:01";

const volume = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	what,
	of: "Volume",
	given,
	property,
	got,
});
const domain = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	...volume(what, given, property, got),
	of: "Domain",
});
const network = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	...volume(what, given, property, got),
	of: "Network",
});
const clones = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	...volume(what, given, property, got),
	of: "ThinClonePool",
});
const pool = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	...volume(what, given, property, got),
	of: "StoragePool",
});
const environment = (what: string, given: Cause["given"], property: string, got: string): Cause => ({
	...volume(what, given, property, got),
	of: "Environment",
});

/** Of single values. */
const VALUES: Cause[] = [
	pool("a property that is missing", { path: undefined }, "path", "is required"),
	pool("a property that there is not", { directory: "/a" }, "directory", "no such property"),
	domain("a misspelt property, with what was meant", { memoryMib: 512 }, "memoryMib", 'did you mean "memoryMiB"'),
	pool("a relative path", { path: "images" }, "path", '"images"'),
	pool("a path that leads upwards", { path: "/images/../etc" }, "path", '"/images/../etc"'),
	pool("a path of two lines", { path: "/images\n/etc" }, "path", '"/images\\n/etc"'),
	pool("a URI without a driver", { uri: "hypervisor-1" }, "uri", '"hypervisor-1"'),
	pool("text where yes or no is asked for", { autostart: "yes" }, "autostart", '"yes"'),
	volume("a name that is no file's", { name: "a/b" }, "name", '"a/b"'),
	volume("a name that is too long", { name: "x".repeat(64) }, "name", '"xxx'),
	volume("text where a number is asked for", { sizeMiB: "64" }, "sizeMiB", '"64"'),
	volume("a number that is too small", { sizeMiB: 0 }, "sizeMiB", "got 0"),
	volume("a number that is too large", { sizeMiB: 67_108_865 }, "sizeMiB", "got 67108865"),
	volume("a part of a whole number", { sizeMiB: 1.5 }, "sizeMiB", "got 1.5"),
	volume("what is no number at all", { sizeMiB: Number.NaN }, "sizeMiB", "got NaN"),
	volume("what is none of the choices", { format: "vmdk" }, "format", '"vmdk"'),
	volume("a misspelt choice, with what was meant", { cloning: "overlai" }, "cloning", 'did you mean "overlay"'),
	volume("a control character in a reference", { pool: "a\u0000b" }, "pool", '"a\\u0000b"'),
	volume("a reference without an end", { pool: "x".repeat(4097) }, "pool", '"xxx'),
	volume("a list where a group is asked for", { source: [] }, "source", "not shown"),
	domain("a group where a list is asked for", { disks: { volume: "/a" } }, "disks", '{"volume":"/a"}'),
	domain("an entry of a list that is null", { disks: [null] }, "disks[0]", "got null"),
	domain("a machine type that cannot be one", { machine: "Q35 (new)" }, "machine", '"Q35 (new)"'),
	domain("a CPU model that cannot be one", { cpu: { model: "qemu 64" } }, "cpu.model", '"qemu 64"'),
	domain("a MAC address that is too short", { nics: [{ network: "lab", mac: "52:54" }] }, "nics[0].mac", '"52:54"'),
	domain(
		"a MAC address of many machines",
		{ nics: [{ network: "lab", mac: "01:00:5e:00:00:01" }] },
		"nics[0].mac",
		'"01:00:5e:00:00:01"',
	),
	domain(
		"a bridge with a name that Linux does not take",
		{ nics: [{ bridge: "a-name-that-is-too-long" }] },
		"nics[0].bridge",
		'"a-name-that-is-too-long"',
	),
	domain("a serial number with a blank", { disks: [{ volume: "/a", serial: "a b" }] }, "disks[0].serial", '"a b"'),
	domain(
		"a device name of another hypervisor",
		{ disks: [{ volume: "/a", target: "xvda" }] },
		"disks[0].target",
		'"xvda"',
	),
	domain("a kernel command line of two lines", { boot: { kernel: "/k", cmdline: "a\nb" } }, "boot.cmdline", '"a\\nb"'),
	domain("what XML cannot hold", { description: "a\u0001b" }, "description", '"a\\u0001b"'),
	domain("half of a character", { description: "\ud800" }, "description", '"\\ud800"'),
	network("an address without its prefix", { ipv4: "192.168.150.1" }, "ipv4", '"192.168.150.1"'),
	network("a number in an address that is too large", { ipv4: "192.168.150.300/24" }, "ipv4", '"192.168.150.300/24"'),
	network("an address of the other family", { ipv6: "192.168.150.1/24" }, "ipv6", '"192.168.150.1/24"'),
	network("a domain that DNS does not take", { dnsDomain: "lab_1" }, "dnsDomain", '"lab_1"'),
	network("a domain that is too long for DNS", { dnsDomain: "a.".repeat(127) + "a" }, "dnsDomain", '"a.a.'),
];

/** Of values that do not go together. */
const TOGETHER: Cause[] = [
	volume("a source that is none", { sizeMiB: undefined, source: {} }, "source", "got none of them"),
	volume("two sources in one", { source: { file: "/a", url: "https://a/b" } }, "source", "got file and url"),
	volume(
		"what comes from the net and may be anything",
		{ source: { url: "https://a/b" } },
		"source.sha256",
		"is missing",
	),
	volume(
		"a hash of what is made here",
		{ format: "raw", sizeMiB: undefined, source: { cloudInit: {}, sha256: "a".repeat(64) } },
		"source.sha256",
		"cloudInit",
	),
	volume(
		"a seed that is no raw image",
		{ sizeMiB: undefined, source: { cloudInit: {} } },
		"source.cloudInit",
		'format "qcow2"',
	),
	volume("a size of a seed", { format: "raw", source: { cloudInit: {} } }, "source.cloudInit", "got sizeMiB 64"),
	volume(
		"files beside a MIME message",
		{ format: "raw", sizeMiB: undefined, source: { cloudInit: { userData: MIME, files: [FILE] } } },
		"source.cloudInit",
		"MIME message",
	),
	volume("content from two places", { source: { file: "/a" }, base: "/b" }, "base", "got source and base"),
	volume("an empty volume without a size", { sizeMiB: undefined }, "sizeMiB", "is missing"),
	volume("a way of cloning without a base", { cloning: "copy" }, "cloning", 'got "copy"'),
	volume("an overlay that is raw", { base: "/a", cloning: "overlay", format: "raw" }, "cloning", 'got "overlay"'),
	volume("content of a base that is none", { baseContentId: "sha256:a" }, "baseContentId", 'got "sha256:a"'),
	domain("less memory at most than at first", { memoryMiB: 512, maxMemoryMiB: 256 }, "maxMemoryMiB", "got 256"),
	domain("fewer vCPUs at most than at first", { vcpus: 4, maxVcpus: 2 }, "maxVcpus", "got 2"),
	domain("a topology that does not come out", { vcpus: 4, cpu: { cores: 3 } }, "cpu", "3 cores"),
	domain("a CPU of one's own without a model", { cpu: { mode: "custom" } }, "cpu", 'got mode "custom"'),
	domain("a CPU model in a mode without one", { cpu: { mode: "maximum", model: "EPYC" } }, "cpu", 'got model "EPYC"'),
	domain("a BIOS on Arm", { arch: "aarch64", firmware: "bios" }, "firmware", 'got "bios"'),
	domain("Secure Boot on Arm", { arch: "aarch64", firmware: "uefi-secure" }, "firmware", 'got "uefi-secure"'),
	domain("Secure Boot on an old board", { machine: "pc", firmware: "uefi-secure" }, "firmware", 'got "uefi-secure"'),
	domain(
		"a CD-ROM on virtio",
		{ disks: [{ volume: "/a", device: "cdrom", bus: "virtio" }] },
		"disks",
		'got bus "virtio"',
	),
	domain(
		"a device name of another bus",
		{ disks: [{ volume: "/a", target: "sda", bus: "virtio" }] },
		"disks",
		'got target "sda"',
	),
	domain(
		"one device name for two disks",
		{ disks: ["/a", "/b"].map((own) => ({ volume: own, target: "vdc" })) },
		"disks",
		"(vdc)",
	),
	domain(
		"one place in the boot order for two disks",
		{ disks: ["/a", "/b"].map((own) => ({ volume: own, bootOrder: 1 })) },
		"disks",
		"the same bootOrder",
	),
	domain("one volume for two disks", { disks: [{ volume: "/a" }, { volume: "/a" }] }, "disks", "(/a)"),
	domain("a NIC in no network", { nics: [{}] }, "nics", "got none of them"),
	domain("a NIC in two networks", { nics: [{ network: "lab", user: true }] }, "nics", "got network and user"),
	domain("one MAC address for two NICs", { nics: [1, 2].map(() => ({ network: "lab", mac })) }, "nics", mac),
	domain("a set-up by an agent that is not there", { agent: false, guestSetup: {} }, "guestSetup", "agent is false"),
	domain(
		"a wait for an agent that is not there",
		{ agent: false, waitFor: { agent: true } },
		"waitFor",
		"got agent true",
	),
	domain(
		"an address from an agent that is not there",
		{ agent: false, nics: [{ network: "lab" }], waitFor: { address: "agent" } },
		"waitFor",
		'got address "agent"',
	),
	domain("a wait for an address without a NIC", { waitFor: { address: "auto" } }, "waitFor", 'got address "auto"'),
	domain(
		"a wait for a lease where nobody leases",
		{ nics: [{ user: true }], waitFor: { address: "lease" } },
		"waitFor",
		'got address "lease"',
	),
	domain("XML that is none", { extraXml: "<domain>" }, "extraXml", "near line 1"),
	domain("XML of something else", { extraXml: "<network/>" }, "extraXml", "got <network>"),
	domain("XML that gives another name", { extraXml: "<domain><name>x</name></domain>" }, "extraXml", "got <name>"),
	domain("XML that gives another type", { extraXml: '<domain type="xen"/>' }, "extraXml", 'got <domain type="...">'),
	domain(
		"XML that gives another owner",
		{ extraXml: '<domain><metadata><a xmlns="urn:pulumi-libvirt-clones:1"/></metadata></domain>' },
		"extraXml",
		"urn:pulumi-libvirt-clones:1",
	),
	network("a network of machines without addresses", { ipv4: undefined }, "ipv4", "is missing"),
	network("a subnet without room", { ipv4: "192.168.150.1/31" }, "ipv4", '"192.168.150.1/31"'),
	network("a gateway with the subnet's own address", { ipv4: "192.168.150.0/24" }, "ipv4", '"192.168.150.0/24"'),
	network("a bridge of the host without its name", { ipv4: undefined, mode: "bridge" }, "bridge", "is missing"),
	network("an address for a bridge of the host", { mode: "bridge", bridge: "br0" }, "mode", "with ipv4"),
	network("a way out of an isolated network", { mode: "isolated", forwardDevice: "eth0" }, "forwardDevice", '"eth0"'),
	network("DHCP without a subnet", { ipv4: undefined, ipv6: "fd00::1/64", dhcp: {} }, "dhcp", "without ipv4"),
	network(
		"hosts of a DHCP server that is off",
		{ dhcp: { enabled: false, hosts: [{ mac, ip: "192.168.150.9" }] } },
		"dhcp",
		"1 host(s)",
	),
	network("half of a range", { dhcp: { start: "192.168.150.9" } }, "dhcp.start", "got only start"),
	network(
		"a range outside of the subnet",
		{ dhcp: { start: "192.168.150.9", end: "192.168.151.9" } },
		"dhcp.start",
		"got 192.168.151.9",
	),
	network(
		"a range from the last to the first",
		{ dhcp: { start: "192.168.150.9", end: "192.168.150.8" } },
		"dhcp.start",
		"got 192.168.150.9 to 192.168.150.8",
	),
	network(
		"a range that libvirt does not take",
		{ ipv4: "10.0.0.1/8", dhcp: { start: "10.0.0.2", end: "10.9.0.0" } },
		"dhcp.start",
		"got 589823 addresses",
	),
	network(
		"the gateway's address for a machine",
		{ dhcp: { hosts: [{ mac, ip: "192.168.150.1" }] } },
		"dhcp.hosts",
		"got 192.168.150.1",
	),
	network(
		"an address of a machine in another subnet",
		{ dhcp: { hosts: [{ mac, ip: "10.0.0.9" }] } },
		"dhcp.hosts",
		"got 10.0.0.9",
	),
	network(
		"one machine with two addresses",
		{ dhcp: { hosts: ["192.168.150.8", "192.168.150.9"].map((ip) => ({ mac, ip })) } },
		"dhcp.hosts",
		`the mac ${mac}`,
	),
];

/** Of components. */
const COMPONENTS: Cause[] = [
	clones("less than no machines", { count: -1 }, "count", "got -1"),
	clones("neither a number nor names", { count: undefined }, "count", "got neither"),
	clones("one name twice", { instances: ["a", "a"] }, "instances", '"a"'),
	clones("a name that a number has", { instances: ["0"] }, "instances", '"0"'),
	clones("a base that is nothing to be cloned", { base: { volume: "gold" } }, "base.volume", "no such property"),
	clones("a path without the pool to clone into", { pool: undefined }, "pool", "is required"),
	clones("a MAC address without a NIC", { instances: { a: { mac } } }, "instances", mac),
	clones(
		"user data through the agent",
		{ customize: { channel: "guest-agent", userData: "#cloud-config" } },
		"customize",
		"got userData",
	),
	clones(
		"user data of a single clone through the pool's agent",
		{ customize: { channel: "guest-agent" }, instances: { a: { customize: { userData: "#cloud-config" } } } },
		"customize of web-a: channel",
		"got userData",
	),
	clones(
		"a customisation by an agent that is not there",
		{ customize: { channel: "guest-agent" }, domain: { agent: false } },
		"domain.agent",
		"got false",
	),
	clones("a prefix that makes names too long", { namePrefix: "x".repeat(60) }, "namePrefix", '"xxx'),
	clones("a number that comes later", { count: Promise.resolve(3) }, "count", "got a promise"),
	clones(
		"a function that fails",
		{
			customize: () => {
				throw new Error("no such key");
			},
		},
		"customize of web-0",
		"no such key",
	),
	clones("a function that makes a text", { customize: () => "web" }, "customize of web-0: arguments", 'got "web"'),
	clones(
		"a function that makes something later",
		{ customize: async () => ({}) },
		"customize of web-0: arguments",
		"got a promise",
	),
	clones(
		"a function that makes a wrong value",
		{ customize: () => ({ hostname: "a_b" }) },
		"customize of web-0: hostname",
		'"a_b"',
	),
	environment(
		"a component of no known kind",
		{ components: { web: { kind: "Pool" } } },
		"components.web.kind",
		'"Pool"',
	),
	environment(
		"a host that is not declared",
		{ components: { web: { kind: "Domain", host: "b" } } },
		"components.web.host",
		'"b"',
	),
	environment(
		"a reference to what is not declared",
		{ components: { web: { kind: "Domain", nics: [{ network: "nowhere" }] } } },
		"components.web.nics[0].network",
		'"nowhere"',
	),
	environment(
		"a variable that is not declared",
		{ networks: { lab: { ipv4: "${subnet}" } } },
		"networks.lab.ipv4",
		"subnet",
	),
	environment(
		"variables that go in a circle",
		{ variables: { a: "${b}", b: "${a}" }, networks: { lab: { ipv4: "${a}" } } },
		"variables.b",
		"a -> b -> a",
	),
	environment(
		"volumes that stand on each other",
		{ volumes: { a: { pool: "images", base: "b" }, b: { pool: "images", base: "a" } } },
		"volumes.b.base",
		"a -> b -> a",
	),
	environment("a section that there is not", { vms: {} }, "vms", "no such property"),
	environment(
		"a stack that changes what there is not",
		{ stacks: { dev: { networks: { lab: { ipv9: 1 } } } } },
		"ipv9",
		"no such property",
	),
];

export const causes: ReadonlyArray<Cause> = [...VALUES, ...TOGETHER, ...COMPONENTS];
