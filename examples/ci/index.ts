import * as pulumi from "@pulumi/pulumi";
import { StoragePool, ThinClonePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const image = config.require("image");
const sha256 = config.get("sha256");

const pool = new StoragePool("images", { path: config.require("poolPath") });
// A runner has no images of its own: they come from an address. A path serves at a desk.
const gold = new Volume("gold", { pool, source: sha256 ? { url: image, sha256 } : { file: image } });

const machines = new ThinClonePool("machine", {
	base: gold,
	count: config.requireNumber("machines"),
	domain: { memoryMiB: config.requireNumber("memoryMiB") },
	customize: ({ name }) => ({
		hostname: name,
		userData: pulumi.interpolate`#cloud-config\npassword: ${config.requireSecret("password")}\nchpasswd: { expire: false }\n`,
	}),
});

export const names = machines.instances.apply((instances) => instances.map(({ name }) => name));
