import type * as pulumi from "@pulumi/pulumi";
import type { MorphPhasesArgs } from "../domain/morph-args";
import { readSteps } from "../domain/morph-file";
import { DynamicResource } from "../dynamic";
import { keepUsers } from "./users";

export interface MorphTemplateArgs {
	/**
	 * Name under which it is listed.
	 * @default the resource's
	 */
	name?: pulumi.Input<string>;
	/** The phases, or a file that has them. */
	steps: pulumi.Input<MorphPhasesArgs>;
}

/**
 * A template for changes of size and host, stored under a name: checked when it is made, and referred to by machines as
 * `morph: { template }`. Its update shows the machines that it concerns; it goes when none refers to it any more.
 *
 * @example
 * const drain = new MorphTemplate("drain", { steps: { file: "drain.yaml" } });
 * new Domain("web", { instanceType: "small", morph: { template: drain } });
 */
export class MorphTemplate extends DynamicResource {
	/** Name under which it is listed. */
	declare readonly name: pulumi.Output<string>;
	/** Its steps, by phase. */
	declare readonly steps: pulumi.Output<MorphPhasesArgs>;
	/** Names of the machines that refer to it, as far as the program tells before its outputs are known. */
	declare readonly machines: pulumi.Output<string[]>;

	constructor(name: string, args: MorphTemplateArgs, opts?: pulumi.CustomResourceOptions) {
		const users = new Set<string>();
		// When the program has been read once.
		const machines = Promise.resolve().then(() => [...users].sort());
		const steps = readSteps(args?.steps);
		super("MorphTemplate", name, { name, ...args, steps, machines }, [], opts, { ...args, steps });
		keepUsers(this, users);
	}
}
