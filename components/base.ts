/** What machines are cloned from: a volume, or a domain with its first disk. */
import * as pulumi from "@pulumi/pulumi";
import type { Reference } from "../provider/dynamic";

/** A template domain: its hardware is copied and its first disk is cloned. It must be shut off. */
export interface BaseDomainArgs {
	/** The domain: a resource, or its UUID or name. */
	domain: Reference;
}

export function isDomainBase(base: Reference | BaseDomainArgs): base is BaseDomainArgs {
	return (
		typeof base === "object" && !pulumi.Output.isInstance(base) && !pulumi.Resource.isInstance(base) && "domain" in base
	);
}

/** Volume resources, ours and those of `@pulumi/libvirt`, know their pool. */
export function poolOf(base: Reference | BaseDomainArgs): Reference {
	return (base as unknown as { pool: pulumi.Output<string> }).pool;
}
