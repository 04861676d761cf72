import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit, Network, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const pool = new StoragePool("init-scripts", { path: config.require("poolPath") });
const network = new Network("init-scripts", { mode: "isolated", ipv4: "192.168.158.1/24", dhcp: { enabled: false } });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

// The scripts are put into one image. Each clone computes its name and address from its own MAC address.
const nodes = new ClonedInstanceWithInit("node", {
	source: gold,
	network,
	count: config.requireNumber("nodes"),
	domain: { memoryMiB: 128 },
	parameters: {
		hostname: "node-{instance + 1:02}",
		address: "192.168.158.{10 + instance}/24",
		role: { ranges: [{ from: 0, to: 0, value: "leader" }], default: "worker" },
	},
	init: [
		{ library: "hostname", with: { name: { parameter: "hostname" } } },
		{ library: "static-address", with: { address: { parameter: "address" } } },
	],
	customize: [
		{
			name: "role",
			content: '#!/bin/sh\nset -eu\necho "$CLONE_HOSTNAME is a $CLONE_ROLE" > /etc/role\n',
		},
	],
});

export const machines = nodes.instances;
