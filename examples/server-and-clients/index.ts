import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit, Network, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const pool = new StoragePool("server-and-clients", { path: config.require("poolPath") });
const network = new Network("server-and-clients", { ipv4: "192.168.159.1/24", dhcp: { enabled: false } });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

// One image for all: who is the server follows from the number, and the clients start when the server is done.
const cluster = new ClonedInstanceWithInit("cluster", {
	source: gold,
	network,
	instances: ["server", ...Array.from({ length: config.requireNumber("clients") }, (_, index) => `client-${index}`)],
	relations: { server: "server" },
	domain: { memoryMiB: 128 },
	parameters: {
		hostname: { table: { "0": "server" }, default: "client-{instance}" },
		server: "192.168.159.10",
	},
	init: [
		{ library: "hostname", with: { name: { parameter: "hostname" } } },
		{ library: "static-address", with: { address: "192.168.159.{10 + instance}/24" } },
	],
	customize: [
		{
			name: "serve",
			stage: "network",
			onlyOn: { instanceIds: { from: 0, to: 0 } },
			content: `#!/bin/sh
set -eu
mkdir -p /srv/www
echo "hello from $CLONE_HOSTNAME" > /srv/www/index.html
busybox httpd -p 80 -h /srv/www
`,
		},
		{
			name: "greet",
			stage: "network",
			onlyOn: { instanceIds: { from: 1 } },
			content: `#!/bin/sh
set -eu
busybox wget -q -O /etc/greeting "http://$CLONE_SERVER/"
`,
		},
	],
});

export const machines = cluster.instances;
