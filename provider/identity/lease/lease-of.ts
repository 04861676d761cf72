import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "./resource";

/** By what whoever starts the machine of an identity can put it into quarantine. The pool is a secret. */
export function leaseOf(identity: Identity): { pool: pulumi.Output<string>; epoch: pulumi.Output<number> } {
	const { pool, epoch } = identity as unknown as ReturnType<typeof leaseOf>;
	return { pool, epoch };
}
