import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { ThinClonePool } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

// The storage, the network and the gold image are @pulumi/libvirt's ...
const pool = new libvirt.Pool("images", { type: "dir", target: { path: config.require("poolPath") } });
const network = new libvirt.Network("web", {
	mode: "nat",
	addresses: ["192.168.152.0/24"],
	dhcp: { enabled: true },
});
const gold = new libvirt.Volume("gold", { pool: pool.name, source: config.require("image"), format: "qcow2" });

// ... and the machines are this package's.
const web = new ThinClonePool("web", {
	base: gold,
	pool,
	network,
	count: config.requireNumber("machines"),
	domain: { memoryMiB: 128 },
	customize: ({ name }) => ({ channel: "guest-agent", hostname: name }),
	waitFor: { address: "lease" },
	// @pulumi/libvirt deletes an image when another takes its place, so the clones have to follow.
	onBaseChange: "rolling",
});

export const machines = web.instances;
