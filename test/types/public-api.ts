/**
 * Types as a user's program meets them: checked by the compiler, not run. Each `@ts-expect-error` is a mistake that has
 * to stay one.
 */
import type * as pulumi from "@pulumi/pulumi";
import {
	type CloneInstance,
	Domain,
	type Lineage,
	type MorphMachine,
	MorphMigration,
	MorphTemplate,
	Network,
	StoragePool,
	ThinClonePool,
	type Usage,
	Volume,
} from "pulumi-libvirt-clones";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

export function program(bridgedVolume: pulumi.CustomResource & { pool: pulumi.Output<string> }): void {
	const pool = new StoragePool("pool", { path: "/images" });
	const network = new Network("lab", {
		ipv4: "10.0.0.1/24",
		dhcp: { hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.2" }] },
	});
	const gold = new Volume("gold", { pool, source: { file: "gold.qcow2" } });
	const web = new ThinClonePool("web", { base: gold, network, count: 3, domain: { memoryMiB: 512 } });
	const named = new ThinClonePool("db", { base: bridgedVolume, instances: { a: { memoryMiB: 2048 }, b: {} } });
	const copied = new ThinClonePool("copied", { base: { domain: "template" }, pool: "default", instances: ["x"] });
	const machine = new Domain("one", {
		disks: [{ volume: gold }, { volume: "/images/data.qcow2", bus: "scsi" }],
		nics: [{ network }, { network: network.id }, { bridge: "br0" }],
	});

	const hosts = { a: { uri: "qemu+ssh://a/system", base: gold }, b: { base: bridgedVolume, network } };
	const set = new MorphMigration("set", { hosts, host: "a", members: { db: { host: "b" } }, instanceType: "small" });

	const template = new MorphTemplate("drain", { steps: { preMigration: [{ exec: ["drain"] }] } });
	new Domain("drained", { morph: { template } });
	new Domain("drained", { morph: template.steps });

	same<typeof set.machines, pulumi.Output<MorphMachine[]>>(true);
	same<typeof web.instances, pulumi.Output<CloneInstance[]>>(true);
	same<ReturnType<typeof web.usage>, pulumi.Output<Usage[]>>(true);
	same<typeof gold.lineage, pulumi.Output<Lineage | undefined>>(true);
	same<typeof machine.addresses, pulumi.Output<string[]>>(true);
	void [named, copied];

	// @ts-expect-error a pool is required
	new Volume("v", { sizeMiB: 1 });
	// @ts-expect-error no such format
	new Volume("v", { pool, format: "vmdk" });
	// @ts-expect-error the base is required
	new ThinClonePool("web", { count: 3 });
	// @ts-expect-error a number is not a reference
	new ThinClonePool("web", { base: 3, count: 3 });
	// @ts-expect-error disks are the pool's own
	new ThinClonePool("web", { base: gold, count: 3, domain: { disks: [] } });
	// @ts-expect-error its size is the set's
	new MorphMigration("set", { hosts, count: 1, domain: { vcpus: 2 } });
	// @ts-expect-error hosts are required
	new MorphMigration("set", { count: 1, instanceType: "small" });
	// @ts-expect-error a template is no name
	new Domain("one", { morph: { template: "drain" } });
	// @ts-expect-error a template has its steps itself
	new MorphTemplate("drain", { steps: { template } });
	// @ts-expect-error misspelt
	new Domain("one", { memoryMib: 512 });
	// @ts-expect-error no such mode
	new Network("lab", { mode: "bridged" });
}
