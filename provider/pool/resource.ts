import type * as pulumi from "@pulumi/pulumi";
import { type HostArgs, LibvirtResource } from "../dynamic";

export interface StoragePoolArgs extends HostArgs {
	/**
	 * Name of the pool on the host.
	 * @default the resource's name
	 */
	name?: pulumi.Input<string>;
	/**
	 * Absolute path of the directory on the host; made if absent.
	 * @example "/var/lib/libvirt/images/clones"
	 */
	path: pulumi.Input<string>;
	/**
	 * Start the pool together with the host.
	 * @default true
	 */
	autostart?: pulumi.Input<boolean>;
	/**
	 * Remove the directory together with the pool; refused unless it is empty then.
	 * @default false: the directory and what is in it stay
	 */
	deleteDirectory?: pulumi.Input<boolean>;
}

/**
 * A storage pool of type `dir`: a directory on the host whose files are volumes. Its id is its UUID. Pools of other
 * types are made with other tools and named wherever a pool is asked for.
 */
export class StoragePool extends LibvirtResource {
	/** Name of the pool on the host. */
	declare readonly name: pulumi.Output<string>;
	/** Its directory. */
	declare readonly path: pulumi.Output<string>;
	/** libvirt's UUID of the pool; also the id. */
	declare readonly uuid: pulumi.Output<string>;

	constructor(name: string, args: StoragePoolArgs, opts?: pulumi.CustomResourceOptions) {
		super("StoragePool", name, { name, ...args }, ["uuid"], opts);
	}
}
