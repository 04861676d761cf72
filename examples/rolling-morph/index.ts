import * as pulumi from "@pulumi/pulumi";
import { InstanceTypes, MorphMigration, MorphTemplate, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const types = new InstanceTypes({
	web: { vcpus: 1, memoryMiB: 192 },
	"web-large": { vcpus: 1, memoryMiB: 320 },
});

/** A host, with what the machines need there. */
function place(name: "a" | "b") {
	const { uri, poolPath, peerUri } = config.requireObject<{ uri: string; poolPath: string; peerUri?: string }>(name);
	const pool = new StoragePool(`images-${name}`, { uri, name: "rolling-morph", path: poolPath });
	const base = new Volume(`gold-${name}`, { uri, pool, source: { file: config.require("image") } });
	return { uri, base, network: config.require("network"), migration: { peerUri } };
}

// Each is out of rotation while it is changed, and the other one serves.
const drain = new MorphTemplate("drain", { steps: { file: "drain.yaml" } });

const web = new MorphMigration("web", {
	hosts: { a: place("a"), b: place("b") },
	host: config.require("host"),
	members: {
		"0": { mac: "52:54:00:16:80:10" },
		"1": { mac: "52:54:00:16:80:11" },
	},
	instanceType: types.of(config.require<"web" | "web-large">("instanceType")),
	headroom: { maxVcpus: 4, maxMemoryMiB: 1024 },
	morph: { template: drain },
	healthCheck: {
		exec: ["/bin/sh", "-c", "wget -q -O - http://127.0.0.1/health"],
		timeoutSeconds: 60,
		intervalSeconds: 1,
	},
	waitFor: { address: "auto", timeoutSeconds: 300 },
});

export const machines = web.machines;
