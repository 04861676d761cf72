import * as pulumi from "@pulumi/pulumi";
import { Domain, Network, StoragePool, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();

const pool = new StoragePool("machine", { path: config.require("poolPath") });

const network = new Network("machine", {
	mode: "nat",
	ipv4: "192.168.152.1/24",
	dhcp: { hosts: [{ mac: "52:54:00:00:98:02", ip: "192.168.152.2", name: "machine" }] },
});

const disk = new Volume("root", { pool, source: { file: config.require("image") } });
const data = new Volume("data", { pool, sizeMiB: 64 });

const machine = new Domain("machine", {
	memoryMiB: config.requireNumber("memoryMiB"),
	maxMemoryMiB: 512,
	firmware: "uefi",
	disks: [{ volume: disk }, { volume: data, serial: "data" }],
	nics: [{ network, mac: "52:54:00:00:98:02" }],
	waitFor: { address: "auto", timeoutSeconds: 180 },
});

export const uuid = machine.uuid;
export const addresses = machine.addresses;
export const timings = machine.timings;
