import type * as pulumi from "@pulumi/pulumi";
import { LibvirtResource } from "../../dynamic";
import type { CloneHost } from "./schema";

interface CloneHostsArgs {
	uri?: pulumi.Input<string>;
	hosts: pulumi.Input<pulumi.Input<CloneHost>[]>;
}

/** Internal: the hosts that a `ClonedInstanceWithInit` makes clones on, all of them looked at before anything is made. */
export class CloneHosts extends LibvirtResource {
	constructor(name: string, args: CloneHostsArgs, opts: pulumi.CustomResourceOptions) {
		super("CloneHosts", name, { ...args }, [], opts);
	}
}
