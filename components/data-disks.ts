/** Disks of its own that each machine of a component has beside the cloned one. */
import type * as pulumi from "@pulumi/pulumi";
import { Volume, type VolumeArgs } from "../provider/volume/resource";
import { mebibytesOf } from "./children";
import type { DataDiskArgs } from "./thin-clone-pool/args";
import type { DiskSource } from "./thin-clone-pool/seed";

/**
 * Makes the volumes, empty at first.
 * @param storage where they are made, and what else they have in common
 * @param kind names them, and their serial numbers
 */
export function dataDisksOf(
	parent: pulumi.Resource,
	machine: string,
	dataDisks: ReadonlyArray<DataDiskArgs> | undefined,
	storage: Omit<VolumeArgs, "name" | "format" | "sizeMiB">,
	opts: pulumi.CustomResourceOptions = {},
	kind: "data" | "type" = "data",
): DiskSource[] {
	return (dataDisks ?? []).map(({ sizeGiB, format = "qcow2", serial }, index) => ({
		volume: new Volume(
			`${machine}-${kind}-${index}`,
			{ ...storage, format, sizeMiB: mebibytesOf(sizeGiB) },
			{ parent, ...opts },
		),
		format,
		serial: serial ?? `${kind}-${index}`,
	}));
}
