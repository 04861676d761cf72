import { inside, LONG, type Row, type Table } from "./common";
import { HARDWARE, MIGRATION, WAIT } from "./machines";

/** How large machines are, and how they change: of a set, and of each member. */
const SHAPE = HARDWARE.filter(([path]) => /^(instanceType|headroom|morph|onRestartRequired)\b/.test(path));
const OWN = SHAPE.filter(([path]) => /^(instanceType|morph)\b/.test(path));
/** The rest of the hardware. */
const BOARD = HARDWARE.filter((row) => !SHAPE.includes(row) && !/^(max)?(memoryMiB|vcpus)$/i.test(row[0]));

const CHECK: Row[] = [
	["healthCheck", "true", ["true"]],
	["healthCheck.exec", "true", [], [""], [5]],
	["healthCheck.hostExec", "true", [], [""], [5]],
	["healthCheck.connect", 80, ":80"],
	["healthCheck.connect.port", 0, "80", 65_536],
	["healthCheck.connect.address", "", "web:80/", 5],
	["healthCheck.timeoutSeconds", 0, "60", 86_401],
	["healthCheck.intervalSeconds", 0, "5", 3601],
];

/** The steps themselves, which a Domain has under `morph`. */
const STEPS = SHAPE.flatMap(([path, ...values]): Row[] =>
	/^morph\b(?!\.template)/.test(path) ? [[path.replace("morph", "steps"), ...values]] : [],
);

export const MorphTemplate: Table = {
	good: { name: "drain", steps: { preMigration: [{ exec: ["drain"] }] } },
	rows: [["name", "a b", "", LONG, 5], ...STEPS],
};

export const MorphMigration: Table = {
	good: {
		hosts: { a: { uri: "qemu+ssh://a/system", base: "/images/gold", pool: "images" } },
		members: { db: {} },
		instanceType: "small",
	},
	rows: [
		["hosts", "a", [], {}],
		["hosts.a.uri", "hypervisor", 5],
		["hosts.a.base", "", 5, { domain: "gold" }],
		["hosts.a.pool", "", 5],
		["hosts.a.network", "", 5],
		...inside("hosts.a", MIGRATION),
		["host", "", 5, "a b", "c"],
		["count", -1, 1.5, "3", 100_001],
		["members", "db", 3, ["a b"], [5], ["db", "db"]],
		["members.db.host", 5, "a b"],
		...inside("members.db", OWN),
		["members.db.mac", "52:54", "ff:ff:ff:ff:ff:ff"],
		["members.db.running", "yes"],
		["namePrefix", "web_ 1", "", LONG],
		...SHAPE,
		["maxParallel", 0, 1.5, 1001, "4"],
		...CHECK,
		["domain", "small", []],
		...inside("domain", BOARD),
		["diskSizeGiB", 0, -1, "10", 65_537],
		["dataDisks", 1, "1GiB"],
		["dataDisks[0].sizeGiB", 0, "1"],
		["dataDisks[0].format", "vmdk"],
		["dataDisks[0].serial", "a serial", ""],
		["running", "yes"],
		...WAIT,
	],
};
