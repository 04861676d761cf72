import type * as pulumi from "@pulumi/pulumi";
import { LibvirtResource } from "../../dynamic";
import type { Access } from "../access";

interface SourceStopArgs {
	uri?: pulumi.Input<string>;
	domain: pulumi.Input<string>;
	timeoutSeconds?: pulumi.Input<number> | undefined;
	elevatedCredentials?: pulumi.Input<Access> | undefined;
}

/** Internal: ends the machine that was cloned, once its clones are up. */
export class SourceStop extends LibvirtResource {
	constructor(name: string, args: SourceStopArgs, opts: pulumi.CustomResourceOptions) {
		super("SourceStop", name, { ...args }, [], opts);
	}
}
