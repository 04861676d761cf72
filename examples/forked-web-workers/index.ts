import * as pulumi from "@pulumi/pulumi";
import { ForkedVMSet, ForkPoint, IdentityPool, Network, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const store = config.get("store");

const pool = new StoragePool("forked-web", { path: config.require("poolPath") });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

// Boots once. The web server runs and is warm when the machine is stopped for good.
const parent = new ForkPoint("warm", {
	base: gold,
	pool,
	domain: { memoryMiB: 128 },
	files: [
		{
			path: "/www/cgi-bin/name",
			mode: "0755",
			content: '#!/bin/sh\necho "Content-Type: text/plain"\necho\nhostname\n',
		},
		{ path: "/etc/init.d/web", mode: "0755", content: '#!/bin/sh\n[ "$1" = stop ] || exec httpd -p 80 -h /www\n' },
	],
	startBeforeFork: ["web"],
	// The image makes /run/booted at the end of its start; with systemd that is waited for anyway.
	ready: {
		exec: ["/bin/sh", "-c", "[ -e /run/booted ] && wget -q -O - http://127.0.0.1/cgi-bin/name"],
		intervalSeconds: 1,
	},
});

// Who the workers can be: each takes one before it has a network.
const identities = new IdentityPool("workers", {
	names: "web-{01}",
	count: 32,
	macs: ["52:54:00:15:50:01-52:54:00:15:50:ff"],
	ipv4: ["192.168.155.10-192.168.155.99"],
	ipv4Network: "192.168.155.1/24",
	...(store === undefined ? {} : { store: { sqlite: { path: store } } }),
});
const network = new Network("forked-web", { ipv4: "192.168.155.1/24", dhcp: { hosts: identities.reservations } });

const workers = new ForkedVMSet("web", {
	parent,
	count: config.requireNumber("workers"),
	// One more waits in QEMU, and goes on at once when it is wanted: pulumi config set spare on.
	children: { spare: { power: config.get("spare") === "on" ? "on" : "off" } },
	warm: 1,
	identityPool: identities,
	network,
});

export const machines = workers.children;
// Memory and disk that each has for itself now: pulumi config set usage true.
export const usage = config.getBoolean("usage") ? workers.usage() : undefined;
export const parentTimings = parent.timings;
