import * as pulumi from "@pulumi/pulumi";
import { Network, StoragePool, ThinClonePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const pool = new StoragePool("images", { path: config.require("poolPath") });
const network = new Network("workers", {
	mode: "isolated",
	ipv4: "192.168.151.1/24",
	dnsDomain: "workers.example",
});
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

// Workers are counted; each gets its host name, a file and a data disk of its own.
const workers = new ThinClonePool("worker", {
	base: gold,
	network,
	count: config.requireNumber("workers"),
	domain: { memoryMiB: 128 },
	customize: ({ index, name }) => ({
		channel: "guest-agent",
		hostname: name,
		files: [{ path: "/etc/worker.conf", content: `index=${index}\n` }],
	}),
	dataDisks: [{ sizeGiB: 1, serial: "scratch" }],
	onBaseChange: "rolling",
	maxParallel: 2,
});

// Named machines differ from each other in what is said here.
const roles = new ThinClonePool("role", {
	base: gold,
	network,
	instances: {
		database: { memoryMiB: 192, customize: { hostname: "db" } },
		cache: { running: false },
	},
	domain: { memoryMiB: 128 },
});

export const machines = pulumi.all([workers.instances, roles.instances]).apply((pools) => pools.flat());
