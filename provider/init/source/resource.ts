import type * as pulumi from "@pulumi/pulumi";
import { LibvirtResource } from "../../dynamic";
import type { Access } from "../access";
import type { CloneSourceFacts, CloneSourceInputs } from "./schema";

interface CloneSourceArgs {
	uri?: pulumi.Input<string>;
	domain: pulumi.Input<string>;
	action?: CloneSourceInputs["action"] | undefined;
	timeoutSeconds?: pulumi.Input<number> | undefined;
	elevatedCredentials?: pulumi.Input<Access> | undefined;
}

/** Internal: the machine that a `ClonedInstanceWithInit` clones, made fit for that. */
export class CloneSource extends LibvirtResource {
	/** Of the domain. */
	declare readonly uuid: pulumi.Output<string>;
	/** Ids of its hardware. */
	declare readonly ids: pulumi.Output<CloneSourceFacts["ids"]>;

	constructor(name: string, args: CloneSourceArgs, opts: pulumi.CustomResourceOptions) {
		super("CloneSource", name, { ...args }, ["uuid", "ids"], opts);
	}
}
