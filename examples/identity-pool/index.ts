import * as pulumi from "@pulumi/pulumi";
import { IdentityPool, Network, StoragePool, ThinClonePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const store = config.get("store");

// Who the machines can be: made once, recorded in a SQLite file, and lent to machines for as long as these are there.
const identities = new IdentityPool("identities", {
	names: "node-{01}",
	count: config.requireNumber("identities"),
	macs: ["52:54:00:15:30:01-52:54:00:15:30:ff"],
	ipv4: ["192.168.153.10-192.168.153.99"],
	ipv4Network: "192.168.153.1/24",
	...(store === undefined ? {} : { store: { sqlite: { path: store } } }),
});

const pool = new StoragePool("identity-pool", { path: config.require("poolPath") });
const network = new Network("identity-pool", {
	ipv4: "192.168.153.1/24",
	// All at once: every identity has its address before a machine takes it.
	dhcp: { hosts: identities },
});
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

const nodes = new ThinClonePool("vm", {
	base: gold,
	network,
	count: config.requireNumber("machines"),
	domain: { memoryMiB: 128 },
	identityPool: identities,
	customize: { channel: "guest-agent" },
	waitFor: { address: "auto" },
});

export const machines = nodes.instances;
