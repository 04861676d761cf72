/** What machines are cloned from: a volume, or a domain with its first disk. */
import * as pulumi from "@pulumi/pulumi";
import type { Reference } from "../provider/dynamic";

/** A template domain: its hardware is copied and its first disk is cloned. It must be shut off. */
export interface BaseDomainArgs {
	/** The domain: a resource, or its UUID or name. */
	domain: Reference;
}

export function isDomainBase(base: Reference | BaseDomainArgs | ForkBaseArgs): base is BaseDomainArgs {
	return isGroupWith(base, "domain");
}

/** A machine that was stopped for others to go on from. */
export interface ForkBaseArgs {
	/** The fork point: a `ForkPoint`, or its id. */
	forkPoint: Reference;
}

export function isForkBase(base: Reference | BaseDomainArgs | ForkBaseArgs): base is ForkBaseArgs {
	return isGroupWith(base, "forkPoint");
}

function isGroupWith(base: unknown, key: string): boolean {
	const isGroup = typeof base === "object" && !pulumi.Output.isInstance(base) && !pulumi.Resource.isInstance(base);
	return isGroup && base !== null && key in base;
}

/** Volume resources, ours and those of `@pulumi/libvirt`, know their pool; so do fork points. */
export function poolOf(base: Reference | BaseDomainArgs | ForkBaseArgs): Reference {
	const known = isForkBase(base) ? base.forkPoint : base;
	return (known as unknown as { pool: pulumi.Output<string> }).pool;
}
