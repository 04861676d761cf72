import { EVERY, LONG, NAME, type Row, type Table } from "./common";
import { HEALTH } from "./machines";

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
		["trigger", "host", "Guest", true],
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
		["children.blue.info", "north", ["north"]],
		["children.blue.power", "up", true],
		["namePrefix", "a b", "", LONG],
		["identityPool", "", 5],
		["network", "", 5],
		...guestFiles("files"),
		["commands", "register", ["register"], [[]]],
		["info", "north", ["north"]],
		["dataDisks", 1, "1GiB"],
		["dataDisks[0].sizeGiB", 0, "1"],
		["dataDisks[0].format", "vmdk"],
		["dataDisks[0].serial", "a serial"],
		["licence", "activate", [], { command: ["activate"] }],
		["licence.command", "activate", [], [5], [""]],
		["licence.timeoutSeconds", 0, 1.5, "30", 3601],
		["power", "up", true],
		["warm", -1, 1.5, "3", 3],
		["disk", "temporary", false],
		["restartAfterFork", ...SERVICES],
		...HEALTH,
		["timeoutSeconds", 0, "60", 3601],
		["onParentChange", "rebase", true],
		["rolling", 2, "2"],
		["rolling.batchSize", 0, 1.5, "2", 100_001],
		["rolling.pauseSeconds", -1, "60", 86_401],
		["maxParallel", 0, 1.5, 1001],
	],
};

/** What a template has, or a set asks for. */
const configurationAt = (path: string): Row[] => [
	[path, "nginx", []],
	[`${path}.image`, "a b", 5],
	...PARENT_HARDWARE.map(([own, ...values]): Row => [`${path}.${own}`, ...values]),
	...guestFiles(`${path}.files`),
	[`${path}.packages`, "nginx", ["two words"], [5], ["-y"]],
	[`${path}.commands`, "register", ["register"], [[]]],
	[`${path}.startBeforeFork`, ...SERVICES],
	[`${path}.restartAfterFork`, ...SERVICES],
];

const { uri: _uri, parent: _parent, ...OF_SET } = ForkedVMSet.good;

export const TemplateCatalog: Table = {
	good: {
		pool: "images",
		network: "lab",
		images: { debian: { base: "/images/gold", ready: { exec: ["true"] } } },
		templates: {
			base: {
				configuration: {
					image: "debian",
					domain: { boot: { kernel: "/vmlinuz" } },
					files: [{ path: "/etc/motd", content: "hello" }],
				},
				ready: { exec: ["true"] },
			},
			theirs: {
				point: { uuid: "3c5b", disk: "/images/warm", pool: "images" },
				configuration: { image: "debian" },
			},
		},
		sets: {
			web: {
				...OF_SET,
				configuration: {
					image: "debian",
					domain: { boot: { kernel: "/vmlinuz" } },
					files: [{ path: "/etc/motd", content: "hello" }],
				},
			},
		},
	},
	rows: [
		["uri", "hypervisor", 5],
		["pool", "", 5],
		["network", "", 5],
		["images", "debian", ["debian"]],
		["images.debian.base", "", 5],
		["images.debian.baseContentId", 5],
		["images.debian.ready", "true", ["true"]],
		["images.debian.ready.exec", "true", [], [""]],
		["images.debian.ready.timeoutSeconds", 0, "60", 86_401],
		["images.debian.ready.intervalSeconds", 0, 3601],
		["images.debian.installCommand", "apt-get install", [], [5]],
		["templates", "base", ["base"]],
		["templates.base.parent", "a b", 5],
		["templates.theirs.point", "warm", 5, {}],
		["templates.theirs.point.uuid", "", 5],
		["templates.theirs.point.disk", "", 5],
		["templates.theirs.point.pool", "", 5],
		["templates.theirs.point.restartAfterFork", ...SERVICES],
		...configurationAt("templates.base.configuration"),
		["templates.base.ready", "true", ["true"]],
		["templates.base.ready.exec", "true", [], [""]],
		["templates.base.ready.timeoutSeconds", 0, "60", 86_401],
		["templates.base.ready.intervalSeconds", 0, 3601],
		["sets", "web", ["web"]],
		...ForkedVMSet.rows
			.filter(([path]) => path !== "uri" && !path.startsWith("parent"))
			.map(([path, ...values]): Row => [`sets.web.${path}`, ...values]),
		...configurationAt("sets.web.configuration"),
		["keepAfter", 0, 1.5, "2", 1001],
		["maxLevels", 0, 1.5, "3", 101],
		["forget", "apps-1", ["a b"]],
		["timeoutSeconds", 0, "60", 86_401],
	],
};
