import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ForkedVMSet, ForkPoint, Network, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();
/** Scripts for guests, as the package has them. */
const guest = join(dirname(require.resolve("pulumi-libvirt-clones")), "..", "guest");

const pool = new StoragePool("desktops", { path: config.require("poolPath") });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });
const network = new Network("desktops", { ipv4: "192.168.156.1/24" });

// Another release is another parent: it boots once, beside the one that the desktops go on from until then.
const parent = new ForkPoint("desktop", {
	base: gold,
	pool,
	domain: { memoryMiB: 128 },
	files: [
		{ path: "/etc/desktop-release", content: config.require("release") },
		// With systemd: the script beside the others, and clones-delta.service enabled (README).
		{
			path: "/usr/local/lib/pulumi-libvirt-clones/delta",
			mode: "0755",
			content: readFileSync(join(guest, "delta"), "utf8"),
		},
		{ path: "/etc/clones-delta", content: "/home\n" },
	],
	// The image makes /run/booted at the end of its start; with systemd that is waited for anyway.
	ready: { exec: ["test", "-e", "/run/booted"], intervalSeconds: 1 },
});

const common = {
	parent,
	network,
	power: config.require("power") as "on" | "off",
	disk: "nonPersistent",
	onParentChange: "replace",
} as const;

// Each power-on is a new machine.
const kiosks = new ForkedVMSet("kiosk", { ...common, count: config.requireNumber("kiosks") });

// The same; but homes and packages are on a disk of the user's, and are there again before anybody can log in.
const desktops = new ForkedVMSet("desk", {
	...common,
	children: config.require("users").split(","),
	dataDisks: [{ sizeGiB: 1, serial: "delta" }],
	files: [
		{
			path: "/etc/clones-identified.d/delta",
			mode: "0755",
			content: '#!/bin/sh\nexec /usr/local/lib/pulumi-libvirt-clones/delta "$1"\n',
		},
	],
	info: { kind: "desktop of one user" },
});

export const machines = pulumi.all([kiosks.children, desktops.children]).apply((sets) => sets.flat());
