/** Something of everything that is recorded in a state: what later versions have to find unchanged. */
import * as pulumi from "@pulumi/pulumi";
import {
	ClonedInstanceWithInit,
	Domain,
	Environment,
	Network,
	StoragePool,
	ThinClonePool,
	Volume,
} from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const password = config.requireSecret("password");

const pool = new StoragePool("images", { path: `${config.require("poolPath")}/images`, deleteDirectory: true });
const network = new Network("lab", {
	ipv4: "192.168.160.1/24",
	ipv6: "fd00:160::1/64",
	dhcp: { leaseMinutes: 30, hosts: [{ mac: "52:54:00:00:16:10", ip: "192.168.160.16", name: "kept" }] },
	dnsDomain: "upgrade.example",
	extraXml: "<network><dns><txt name='by' value='upgrade'/></dns></network>",
});

const gold = new Volume("gold", { pool, source: { file: "image.qcow2" } });
/** What is known of it is its size and time of change. */
const empty = new Volume("empty", { pool, sizeMiB: 8 });
const overlay = new Volume("overlay", { pool, base: empty, onBaseChange: "keep" });
const raw = new Volume("raw", { pool, sizeMiB: 1, format: "raw" });
const alone = new Volume("alone", { pool, base: gold, independent: true });
const moved = new Volume("moved", { pool, base: gold, onBaseChange: "rebase" });
const copy = new Volume("copy", { pool, base: gold, cloning: "copy" });
const seed = new Volume("seed", {
	pool,
	source: { cloudInit: { hostname: "machine", userData: pulumi.interpolate`#!/bin/sh\necho ${password}\n` } },
});

const machine = new Domain("machine", {
	description: pulumi.interpolate`the password is ${password}`,
	memoryMiB: 64,
	maxMemoryMiB: 128,
	maxVcpus: 2,
	disks: [
		{ volume: overlay },
		{ volume: raw, bus: "scsi", serial: "data", cache: "writeback" },
		{ volume: seed, device: "cdrom" },
	],
	nics: [
		{ network, mac: "52:54:00:00:16:10" },
		{ user: true, model: "e1000" },
	],
	graphics: "vnc",
	shutdownTimeoutSeconds: 0,
	extraXml: "<domain><title>upgrade</title></domain>",
});
const template = new Domain("template", { memoryMiB: 64, running: false, disks: [{ volume: copy }] });

const counted = new ThinClonePool("counted", {
	base: gold,
	network,
	count: 2,
	running: false,
	domain: { memoryMiB: 64, cpu: { cores: 2 }, vcpus: 2, onRestartRequired: "defer" },
	dataDisks: [{ sizeGiB: 1, serial: "scratch" }],
	customize: ({ name, index }) => ({
		hostname: name,
		files: [{ path: "/etc/index", content: `${index}\n`, mode: "0600" }],
		userData: pulumi.interpolate`#cloud-config\npassword: ${password}\n`,
	}),
	onBaseChange: "rolling",
	rolling: { batchSize: 1, healthCheck: { exec: ["true"] } },
	maxParallel: 1,
});
const named = new ThinClonePool("named", {
	base: empty,
	namePrefix: "role",
	diskSizeGiB: 1,
	running: false,
	instances: {
		database: { memoryMiB: 96, mac: "52:54:00:00:16:11", customize: { hostname: "db" } },
		cache: { independent: true },
	},
	domain: { memoryMiB: 64, nics: [{ network }] },
	onBaseChange: "replace",
});
const ofTemplate = new ThinClonePool("copied", { base: { domain: template }, pool, count: 1, running: false });
const root = new Volume("root", { pool, source: { file: "root.qcow2" } });
/** Other scripts would replace the clones; other programs of the package are no other scripts. */
const initialized = new ClonedInstanceWithInit("initialized", {
	source: root,
	network,
	count: 2,
	running: false,
	timeoutSeconds: 0,
	domain: { memoryMiB: 64 },
	identifier: ["mac", "uuid"],
	parameters: {
		hostname: "unit-{instance + 1:02}",
		role: { table: { "0": "leader" }, default: "worker" },
		zone: { list: ["north", "south"] },
		size: { ranges: [{ from: 0, to: 9, value: "small" }], default: "large" },
	},
	init: [
		{ library: "hostname", with: { name: { parameter: "hostname" } } },
		{ library: "static-address", with: { address: "192.168.160.{40 + instance}/24", gateway: "192.168.160.1" } },
	],
	customize: [
		{ name: "role", content: '#!/bin/sh\necho "$CLONE_ROLE" > /etc/role\n', when: { everyBoot: true } },
		{ name: "key", content: pulumi.interpolate`#!/bin/sh\necho ${password} > /root/key\n`, after: "static-address" },
	],
	onScriptChange: "replace",
});
const environment = new Environment("environment", { file: "clones.yaml" });

export const uuids = [machine, template].map(({ uuid }) => uuid);
export const instances = [counted, named, ofTemplate, initialized].map((clones) => clones.instances);
export const machines = environment.machines;
export const made = [alone, moved].map((volume) => volume.made);
