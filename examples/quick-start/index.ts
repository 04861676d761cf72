import * as pulumi from "@pulumi/pulumi";
import { Network, StoragePool, ThinClonePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const pool = new StoragePool("quick-start", { path: config.require("poolPath") });
const network = new Network("quick-start", { ipv4: "192.168.150.1/24" });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

const web = new ThinClonePool("web", {
	base: gold,
	network,
	count: config.requireNumber("machines"),
	domain: { memoryMiB: 128 },
	customize: ({ index }) => ({ hostname: `web-${index}` }),
	waitFor: { address: "auto" },
});

/** One row for each machine: what the demo prints as a table. */
export const machines = web.instances;
