/**
 * The table: for every argument at least one input that has to be refused. `good` is what is right around it. A row is
 * the place and the bad value; the first values of a row are told in the message.
 */
export type Row = readonly [path: string, ...values: unknown[]];

export interface Table {
	good: Record<string, unknown>;
	rows: ReadonlyArray<Row>;
}

const LONG = "x".repeat(64);

/** Arguments of every resource. */
const OWNED: Row[] = [
	["adopt", "yes", 1],
	["previousOwnerIds", "org/project/dev/web", { a: "b" }],
];

/** Those of what is on a host. */
const EVERY: Row[] = [["uri", "hypervisor", "qemu:/system", 5, ""], ...OWNED];

const NAME: Row = ["name", "a b", "", ".hidden", "a/b", LONG, 5, "nämé"];

export const StoragePool: Table = {
	good: { name: "images", path: "/images" },
	rows: [
		...EVERY,
		NAME,
		["path", "images", "./images", "/images/../etc", "/a\nb", "", 5],
		["autostart", "true", 0],
		["deleteDirectory", "no", 1],
	],
};

export const Network: Table = {
	good: { name: "lab", ipv4: "192.168.150.1/24" },
	rows: [
		...EVERY,
		NAME,
		["mode", "natt", "NAT", 5],
		["bridge", "a-name-that-is-too-long", "br 0", ""],
		["forwardDevice", "eth 0", "a-name-that-is-too-long", 0],
		["ipv4", "192.168.150.1", "192.168.150.300/24", "fd00::1/64", 24],
		["ipv6", "192.168.150.1/24", "fd00::1", "fd00::1/200", 64],
		["dhcp", true, "on", []],
		["dhcp.enabled", "yes"],
		["dhcp.start", "192.168.150", "192.168.150.1/24", 10],
		["dhcp.end", "192.168.150.256", "last"],
		["dhcp.leaseMinutes", 1, 1.5, "60", 1_000_001],
		["dhcp.hosts", "none", { mac: "52:54:00:00:00:01" }],
		["dhcp.hosts[0].mac", "52:54:00:00:00", "52-54-00-00-00-01", "01:00:5e:00:00:01", "52:54:00:00:00:0g"],
		["dhcp.hosts[0].ip", "192.168.150", "host"],
		["dhcp.hosts[0].name", "web_1", "-web", "web..lab", LONG],
		["dnsDomain", "lab example", "-lab", `${LONG}.example`, "a.".repeat(127) + "a"],
		["mtu", 575, 65_536, 1500.5, "1500"],
		["autostart", "true"],
		["extraXml", 5, { mtu: 1500 }],
	],
};

export const Volume: Table = {
	good: { pool: "images", name: "disk", sizeMiB: 64 },
	rows: [
		...EVERY,
		NAME,
		["pool", "", 5, "a\u0000b", "x".repeat(4097)],
		["format", "vmdk", "QCOW2", 2],
		["sizeMiB", 0, -1, 1.5, "64", 67_108_865],
		["source", "./gold.qcow2", []],
		["source.file", "", 5],
		["source.url", "http://example.org/a.qcow2", "example.org/a.qcow2", 5],
		["source.sha256", "abc", "g".repeat(64), 5],
		["source.archive", "files.tar", []],
		["source.archive.files", "/etc/motd", [5]],
		["source.archive.files[0].path", "etc/motd", "", `/${"x".repeat(101)}`],
		["source.archive.files[0].content", 5],
		["source.archive.files[0].mode", "0999", 644],
		["source.archive.files[0].encoding", "hex"],
		["source.cloudInit", "#cloud-config", 5],
		["source.cloudInit.hostname", "web_1", "", 5],
		["source.cloudInit.instanceId", "a b", 5],
		["source.cloudInit.userData", { runcmd: [] }],
		["source.cloudInit.networkConfig", { version: 2 }],
		["source.cloudInit.files", "/etc/motd"],
		["source.cloudInit.files[0].path", "etc/motd", "/etc/../motd", ""],
		["source.cloudInit.files[0].content", 5],
		["source.cloudInit.files[0].mode", "0999", 644, "rw-r--r--"],
		["source.cloudInit.files[0].owner", 0],
		["source.cloudInit.files[0].encoding", "hex", true],
		["source.cloudInit.hostKeys", "ssh-ed25519", [5]],
		["source.cloudInit.hostKeys[0].type", "dsa", 1],
		["source.cloudInit.hostKeys[0].privateKey", 5],
		["source.cloudInit.hostKeys[0].publicKey", 5],
		["base", "", 5],
		["baseDomain", "", 5],
		["baseContentId", 5],
		["cloning", "linked", true],
		["onBaseChange", "rolling", "no"],
		["independent", "yes", 1],
	],
};

const HARDWARE: Row[] = [
	["type", "hvm", "TCG", 5],
	["arch", "x86", "arm64"],
	["machine", "Q35", "pc q35", ""],
	["firmware", "efi", true],
	["memoryMiB", 0, -1, 0.5, "1024", 67_108_865],
	["maxMemoryMiB", 0, "2048"],
	["vcpus", 0, 1.5, "2", 1025],
	["maxVcpus", 0, 1025, "4"],
	["cpu", "host-passthrough", []],
	["cpu.mode", "host", 1],
	["cpu.model", "qemu 64", ""],
	["cpu.sockets", 0, 1.5, "1"],
	["cpu.cores", 0, 1025],
	["cpu.threads", 0, 17],
	["nics", "lab", { network: "lab" }],
	["nics[0].network", "", 5],
	["nics[0].bridge", "a-name-that-is-too-long", "br 0"],
	["nics[0].user", "true"],
	["nics[0].mac", "52:54:00", "03:00:00:00:00:01"],
	["nics[0].model", "virtio-net", 5],
	["boot", "/vmlinuz"],
	["boot.kernel", "vmlinuz", "/boot/../vmlinuz"],
	["boot.initrd", "initrd.img", 5],
	["boot.cmdline", 5, "x".repeat(2049)],
	["consoleLog", "console.log", "/var/log/../console.log"],
	["agent", "yes"],
	["rng", "no"],
	["graphics", "spice", true],
	["autostart", "on"],
	["shutdownTimeoutSeconds", -1, "60", 86_401],
	["onRestartRequired", "never", false],
	["description", 5, "x".repeat(4097), "a\u0001b"],
	["extraXml", 5],
];

const inside = (path: string, rows: ReadonlyArray<Row>): Row[] =>
	rows.map(([own, ...values]): Row => [`${path}.${own}`, ...values]);

const WAIT: Row[] = [
	["waitFor", true, "address"],
	["waitFor.agent", "yes"],
	["waitFor.address", "dhcp", true],
	["waitFor.timeoutSeconds", 0, "120", 86_401],
];

const HEALTH: Row[] = [
	["healthCheck", "true", ["true"]],
	["healthCheck.exec", "true", [], [""], [5]],
	["healthCheck.timeoutSeconds", 0, "60", 86_401],
	["healthCheck.intervalSeconds", 0, "5", 3601],
];

export const Domain: Table = {
	good: { name: "web", disks: [{ volume: "/images/disk" }] },
	rows: [
		...EVERY,
		NAME,
		...HARDWARE,
		...WAIT,
		...HEALTH,
		["template", "", 5],
		["disks", "disk", { volume: "disk" }],
		["disks[0].volume", "", 5],
		["disks[0].format", "vmdk"],
		["disks[0].device", "floppy", "cd-rom"],
		["disks[0].target", "xvda", "vda1", ""],
		["disks[0].bus", "ide", "virtio-scsi"],
		["disks[0].readOnly", "yes"],
		["disks[0].serial", "a serial", "x".repeat(21), ""],
		["disks[0].cache", "off", true],
		["disks[0].bootOrder", 0, 100, 1.5, "1"],
		["running", "yes", 1],
		["guestSetup", "#!/bin/sh", []],
		["guestSetup.hostname", "web_1", 5],
		["guestSetup.files", "/etc/motd"],
		["guestSetup.files[0].path", "motd", ""],
		["guestSetup.files[0].content", 5],
		["guestSetup.files[0].mode", "999", 644],
		["guestSetup.files[0].encoding", "hex"],
		["lineage", "/images/gold"],
		["lineage.base", 5],
		["lineage.baseContentId", 5],
	],
};

/** How a directory is reached, at the place of its settings. */
const SERVER: Row[] = [
	["url", "http://dc1.example.com", "dc1.example.com", "ldaps://dc1/base", 5],
	["startTls", "yes"],
	["ca", "/etc/ssl/ca.pem", 5],
	["caFile", "ca.pem", 5],
	["serverName", "dc_1", 5],
	["user", "", 5],
	["password", "", 5],
	["timeoutSeconds", 0, 601, 1.5, "10"],
];

export const IdentityPool: Table = {
	good: { name: "web", store: { sqlite: { path: "/nonexistent/identities.sqlite" } }, count: 4, names: "web-{001}" },
	rows: [
		...OWNED,
		NAME,
		["store", "identities.sqlite", []],
		["store.sqlite", "/x.sqlite", []],
		["store.sqlite.path", "x.sqlite", "/a/../x.sqlite", "", 5],
		["store.postgres", "db.example.com"],
		["store.postgres.host", "", 5],
		["store.postgres.port", 0, 65_536, "5432"],
		["store.postgres.database", "", 5],
		["store.postgres.user", "", 5],
		["store.postgres.password", "", 5],
		["store.postgres.tls", true, "on"],
		["store.postgres.tls.ca", "/etc/ssl/ca.pem"],
		["store.postgres.tls.certificate", "/etc/ssl/client.pem"],
		["store.postgres.tls.key", "/etc/ssl/client.key"],
		["store.postgres.tls.serverName", "db_1"],
		["realm", "a b", 5],
		["count", 0, -1, 1.5, "4", 100_001],
		["names", "web", "web-{1}-{2}", "web_{1}", "{1}", "-{1}", 5, "", `${LONG}{1}`],
		["macs", "52:54:00:10:00:01", [], ["x-y"]],
		["ipv4", "10.0.0.0/24", [], ["10.0.0.9-10.0.0.1"], ["fd00::/64"], ["10.0.0.300"]],
		["ipv4Network", "10.0.0.1", 5],
		["ipv4LeaveOut", "10.0.0.5", [5]],
		["ipv6", "fd00::/64", [], ["10.0.0.0/24"], ["fd00::9-fd00::1"]],
		["ipv6Network", 5],
		["ipv6LeaveOut", "fd00::5", [5]],
		["identities", "web", [], [5]],
		["identities[0].name", "", 5],
		["identities[0].mac", "", 5],
		["identities[0].ips", "10.0.0.1", [5]],
		["identities[0].machineId", "", 5],
		["identities[0].data", "licence", { licence: 5 }],
		["addressing", "manual", true],
		["nameservers", "10.0.0.1", [5], ["10.0.0.1"]],
		["domain", "example com", 5],
		["directory", "ldap", []],
		["directory.ldap", "ldaps://ldap.example.com"],
		...inside("directory.ldap", SERVER),
		["directory.ldap.baseDn", "machines", 5],
		["directory.ldap.objectClasses", "account", []],
		["directory.ldap.nameAttribute", "u id", 5],
		["directory.ldap.ownerAttribute", "", 5],
		["directory.ldap.passwordAttribute", "user password", 5],
		["directory.ldap.passwordHashing", "md5", true],
		["directory.ldap.attributes", "host", [], { host: 5 }],
		["directory.activeDirectory", "ldaps://dc1.example.com"],
		...inside("directory.activeDirectory", SERVER),
		["directory.activeDirectory.ou", "Pool", 5],
		["directory.activeDirectory.ownerAttribute", "", 5],
		["directory.activeDirectory.keytab", "yes"],
		["directory.activeDirectory.offlineJoin", true],
		["directory.activeDirectory.offlineJoin.domainController", "dc_1", 5],
		["directory.activeDirectory.offlineJoin.command", "net", []],
		["directory.activeDirectory.offlineJoin.timeoutSeconds", 0, "60"],
		["encryptionKey", "short", 5],
		["draining", "yes"],
		["quarantined", "web-001", [5], ["web-999"]],
	],
};

const ACCESS = { pool: "web", store: { sqlite: { path: "/nonexistent/identities.sqlite" } }, key: "" };

export const Identity: Table = {
	good: { pool: JSON.stringify(ACCESS) },
	rows: [
		["previousOwnerIds", "org/project/dev/web", { a: "b" }],
		["pool", "", 5, "web", "{}", "[1]", "null", {}],
		["prefer", "web-001", [5], [""], ["web_1"], [LONG]],
	],
};

/** Made with each pool; no program gives it anything. */
export const Lessees: Table = {
	good: { pool: JSON.stringify(ACCESS), lessees: [] },
	rows: [
		["previousOwnerIds", "org/project/dev/web"],
		["pool", "", "web"],
		["lessees", "vm", [5]],
	],
};

const CUSTOMIZE: Row[] = [
	["customize", "web", []],
	["customize.channel", "ssh", "cloudinit"],
	["customize.hostname", "web_1", ""],
	["customize.files", "/etc/motd"],
	["customize.files[0].path", "etc/motd", ""],
	["customize.files[0].content", 5],
	["customize.files[0].mode", "rw", 644],
	["customize.files[0].encoding", "hex"],
	["customize.userData", { runcmd: [] }],
	["customize.networkConfig", { version: 2 }],
	["customize.extraXml", 5],
];

export const ThinClonePool: Table = {
	good: { base: "/images/gold", pool: "images", count: 1 },
	rows: [
		["uri", "hypervisor", 5],
		["base", "", 5, {}, { volume: "gold" }],
		["base.domain", "", 5],
		["pool", "", 5],
		["count", -1, 1.5, "3", 100_001],
		["instances", "web", 3, ["a b"], [5]],
		...inside("instances.db", CUSTOMIZE),
		["instances.db.mac", "52:54", "ff:ff:ff:ff:ff:ff"],
		["instances.db.memoryMiB", 0, "64"],
		["instances.db.vcpus", 0, 1025],
		["instances.db.diskSizeGiB", 0, -1, "10"],
		["instances.db.independent", "yes"],
		["instances.db.running", "yes"],
		["namePrefix", "web_ 1", "", LONG],
		["cloning", "copy", "linked"],
		["identityPool", "", 5, "web", {}],
		["domain", "small", []],
		...inside("domain", HARDWARE),
		["network", "", 5],
		...CUSTOMIZE,
		["diskSizeGiB", 0, -1, "10", 65_537],
		["dataDisks", 1, "1GiB", Array.from({ length: 25 }, () => ({ sizeGiB: 1 }))],
		["dataDisks[0].sizeGiB", 0, "1"],
		["dataDisks[0].format", "vmdk"],
		["dataDisks[0].serial", "a serial", ""],
		["running", "yes"],
		...WAIT,
		["onBaseChange", "recreate", true],
		["rolling", 2, "2"],
		["rolling.batchSize", 0, 1.5, "2", 100_001],
		...inside("rolling", HEALTH),
		["rolling.pauseSeconds", -1, "60", 86_401],
		["independent", "yes"],
		["maxParallel", 0, 1.5, 1001, "4"],
	],
};

const SERVICES = ["nginx", "web server", ["-web"], [5]];

const PARENT_HARDWARE: Row[] = [
	["domain", "small", []],
	["domain.type", "xen"],
	["domain.machine", "Q 35"],
	["domain.firmware", "efi"],
	["domain.memoryMiB", 0, "1GiB", 1.5],
	["domain.vcpus", 0, 1.5, "2"],
	["domain.cpu", "host"],
	["domain.cpu.mode", "host"],
	["domain.cpu.model", "a model"],
	["domain.cpu.sockets", 0],
	["domain.cpu.cores", 0],
	["domain.cpu.threads", 0],
	["domain.boot", "/boot/vmlinuz"],
	["domain.boot.kernel", "vmlinuz"],
	["domain.boot.initrd", "initrd"],
	["domain.boot.cmdline", "a\nb"],
	["domain.consoleLog", "console.log"],
	["domain.graphics", "spice"],
];

const guestFiles = (path: string): Row[] => [
	[path, "/etc/motd", { path: "/etc/motd" }],
	[`${path}[0].path`, "motd", "/etc/../motd"],
	[`${path}[0].content`, 5],
	[`${path}[0].mode`, "999", 644],
	[`${path}[0].encoding`, "hex"],
];

export const ForkPoint: Table = {
	good: {
		name: "warm",
		base: "/images/gold",
		pool: "images",
		domain: { boot: { kernel: "/vmlinuz" } },
		files: [{ path: "/etc/motd", content: "hello" }],
		ready: { exec: ["true"] },
	},
	rows: [
		...EVERY,
		NAME,
		["pool", "", 5],
		["base", "", 5, "a\nb"],
		["parent", "", 5],
		["baseContentId", 5],
		...PARENT_HARDWARE,
		["network", "", 5],
		...guestFiles("files"),
		["commands", "apt-get update", ["apt-get", "update"], [[]], [[5]]],
		["startBeforeFork", ...SERVICES],
		["restartAfterFork", ...SERVICES],
		["ready", "true", ["true"]],
		["ready.exec", "true", [], [""]],
		["ready.timeoutSeconds", 0, "60", 86_401],
		["ready.intervalSeconds", 0, 3601],
		["timeoutSeconds", 0, "60", 86_401],
	],
};

export const ForkedVMSet: Table = {
	good: {
		parent: { uuid: "3c5b", disk: "/images/warm", pool: "images" },
		network: "lab",
		count: 1,
		children: { blue: { files: [{ path: "/etc/motd", content: "hello" }] } },
		files: [{ path: "/etc/motd", content: "hello" }],
		dataDisks: [{ sizeGiB: 1 }],
		healthCheck: { exec: ["true"] },
	},
	rows: [
		["uri", "hypervisor", 5],
		["parent", "warm", 5, {}],
		["parent.uuid", "", 5],
		["parent.disk", "", 5],
		["parent.pool", "", 5],
		["parent.restartAfterFork", ...SERVICES],
		["pool", "", 5],
		["count", -1, 1.5, "3", 100_001],
		["children", "blue", ["blue", "blue"], ["0"]],
		["children.blue.hostname", "web_1", 5],
		["children.blue.mac", "52:54:00", "01:00:5e:00:00:01"],
		["children.blue.address", "10.0.0.7", "web/24"],
		["children.blue.gateway", "10.0.0.1/24", "gateway"],
		...guestFiles("children.blue.files"),
		["children.blue.power", "up", true],
		["namePrefix", "a b", "", LONG],
		["identityPool", "", 5],
		["network", "", 5],
		...guestFiles("files"),
		["dataDisks", 1, "1GiB"],
		["dataDisks[0].sizeGiB", 0, "1"],
		["dataDisks[0].format", "vmdk"],
		["dataDisks[0].serial", "a serial"],
		["power", "up", true],
		["disk", "temporary", false],
		["restartAfterFork", ...SERVICES],
		...HEALTH,
		["timeoutSeconds", 0, "60", 3601],
		["onParentChange", "rebase", true],
		["maxParallel", 0, 1.5, 1001],
	],
};

/** What the file of an environment has by itself; the rest are the tables above, at their places in it. */
export const Environment: Table = {
	good: {
		variables: { machines: { config: "machines", default: 1 } },
		hosts: { main: { uri: "test:///default" } },
		identityPools: { lan: { names: "web-{1}", count: 1 } },
		identities: { spare: { pool: "lan" } },
		networks: { lab: { ipv4: "192.168.150.1/24" } },
		pools: { images: { path: "/images" } },
		images: { gold: { pool: "images", sizeMiB: 64 } },
		volumes: { disk: { pool: "images", sizeMiB: 64 } },
		forkPoints: { warm: { pool: "images", base: "gold" } },
		components: { web: { kind: "Domain" } },
	},
	rows: [
		["variables", "a=1", ["a"]],
		["variables.machines.config", "a key", 5],
		["variables.machines.secret", "yes"],
		["variables.machines.type", "integer"],
		["variables.machines.default", [1]],
		["hosts", "main", ["main"]],
		["hosts.main", "qemu:///system"],
		["hosts.main.uri", "hypervisor", 5],
		["identityPools", "lan", ["lan"]],
		["identityPools.lan", "web-{1}", 5],
		["identities", "web", []],
		["identities.spare", "web"],
		["networks", "lab", []],
		["networks.lab", "nat"],
		["pools", "images"],
		["pools.images", "/images"],
		["images", ["gold"]],
		["images.gold", "./gold.qcow2"],
		["volumes", 5],
		["volumes.disk", 64],
		["forkPoints", "warm", ["warm"]],
		["forkPoints.warm", "gold"],
		["components", ["web"]],
		["components.web", "ThinClonePool"],
		["components.web.kind", "ThinClonesPool", 5, ["Domain"]],
		["components.web.host", "other", 5, { uri: "test:///default" }],
		["stacks", ["prod"], "prod"],
		["stacks.prod", 10],
		["stacks.prod.networks", "lab"],
		["stacks.prod.components.web", 10],
	],
};
