import * as pulumi from "@pulumi/pulumi";
import { InstanceTypes, morphTemplate, StoragePool, ThinClonePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const types = new InstanceTypes({
	web: { vcpus: 1, memoryMiB: 192 },
	"web-large": { vcpus: 2, memoryMiB: 320 },
});

const pool = new StoragePool("web", { path: config.require("poolPath") });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

const web = new ThinClonePool("web", {
	base: gold,
	count: 2,
	// One after the other: the other one goes on serving.
	maxParallel: 1,
	domain: {
		instanceType: types.of(config.require<"web" | "web-large">("instanceType")),
		headroom: { maxVcpus: 4, maxMemoryMiB: 1024 },
		morph: morphTemplate("drain.yaml"),
	},
	waitFor: { agent: true, timeoutSeconds: 300 },
});

export const machines = web.instances;
