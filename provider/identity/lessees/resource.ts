/** The leases that a program has, so that a pool can tell those whose resources are gone. */
import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamic";
import { noteTaken } from "../pool/declared";

const leases = new WeakMap<object, Set<string>>();

function inThisRun(): Set<string> {
	const stack = pulumi.runtime.getStackResource() ?? leases;
	const names = leases.get(stack) ?? new Set<string>();
	leases.set(stack, names);
	return names;
}

/** @param pool whatever stands for one */
export function noteLessee(name: string, pool: unknown): void {
	inThisRun().add(name);
	noteTaken(pool);
}

/** Names of all leases of the program, as far as it declares them without waiting for anything. */
export function lessees(): Promise<string[]> {
	const names = inThisRun();
	return Promise.resolve().then(() => [...names].sort());
}

/** Internal: made with each pool. */
export class Lessees extends DynamicResource {
	constructor(name: string, pool: pulumi.Output<string>, opts: pulumi.CustomResourceOptions) {
		super("Lessees", name, { pool, lessees: lessees() }, [], { additionalSecretOutputs: ["pool"], ...opts });
	}
}
