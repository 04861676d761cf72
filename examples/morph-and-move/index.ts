import * as pulumi from "@pulumi/pulumi";
import { InstanceTypes, MorphMigration, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const types = new InstanceTypes({
	db: { vcpus: 1, memoryMiB: 192 },
	// A disk for what may be lost comes and goes with the type.
	"db-large": { vcpus: 2, memoryMiB: 320, disks: [{ sizeGiB: 0.25, serial: "scratch" }] },
});

/** A host, with what the machine needs there. */
function place(name: "a" | "b") {
	const { uri, poolPath, peerUri } = config.requireObject<{ uri: string; poolPath: string; peerUri?: string }>(name);
	const pool = new StoragePool(`images-${name}`, { uri, name: "morph-and-move", path: poolPath });
	const base = new Volume(`gold-${name}`, { uri, pool, source: { file: config.require("image") } });
	return { uri, base, network: "default", migration: { peerUri } };
}

const db = new MorphMigration("db", {
	hosts: { a: place("a"), b: place("b") },
	host: config.require("host"),
	members: ["main"],
	instanceType: types.of(config.require<"db" | "db-large">("instanceType")),
	headroom: { maxVcpus: 4, maxMemoryMiB: 1024 },
	dataDisks: [{ sizeGiB: 0.125 }],
	waitFor: { agent: true, timeoutSeconds: 300 },
	// The machine counts as changed when this succeeds in it.
	healthCheck: { exec: ["/bin/sh", "-c", "[ -b /dev/vdb ]"], timeoutSeconds: 60, intervalSeconds: 1 },
});

export const machines = db.machines;
