/** What is to be known of a type of resource or component, so that it can be declared in an environment. */
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { isComputed } from "../provider/allowed";
import type { Rule } from "../provider/lifecycle";
import { reference } from "../provider/schema";

/** What a reference can lead to. */
export type Target = "host" | "pool" | "network" | "volume" | "domain" | "identityPool" | "forkPoint" | "morphTemplate";

/** A machine of an environment: facts of its creation. */
export interface EnvironmentMachine {
	/** Name of the component in the definition. */
	component: string;
	/** Name on the host. */
	name: string;
	/** UUID of the domain. */
	uuid: string;
	/** MAC address of each NIC. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
}

/** How one type of resource or component is declared. Paths are patterns such as `disks[].volume` or `instances.*.mac`. */
export interface DeclarableType<Args extends object = object, Built extends pulumi.Resource = pulumi.Resource> {
	/** Name of the type; for components also what `kind` is in the file. */
	type: string;
	/** Name of the exported interface of the arguments: the descriptions in editors and in the reference are its comments. */
	args: string;
	/** What a reference to it is. */
	provides?: Target;
	/** It is on no host, or says itself on which. */
	hostless?: true;
	schema: z.ZodObject;
	rules?: ReadonlyArray<Rule<never>>;
	/** Looks at all arguments at once, as soon as they are known. @throws InputError */
	verify?(args: never): void;
	/** The arguments with what the class fills in from others of them, where the rules look at it. */
	completed?(args: Record<string, unknown>): Record<string, unknown>;
	/** Properties that name something else. */
	references: Readonly<Record<string, Target>>;
	/** Properties that are paths on the machine that runs Pulumi: taken relative to the definition's file. */
	files?: ReadonlyArray<string>;
	/** Properties that decide which resources there are, so that they cannot be secrets or outputs. */
	known?: ReadonlyArray<string>;
	/** Properties in which `${instance.name}` and `${instance.index}` differ from clone to clone. */
	perInstance?: ReadonlyArray<string>;
	/** @param args with resources in place of names; texts that differ from clone to clone are functions of the instance */
	build(name: string, args: Args, opts: pulumi.ResourceOptions): Built;
	/** The machines in it. */
	machines?(built: Built): pulumi.Output<Omit<EnvironmentMachine, "component">[]>;
}

/** What the classes fill in when it is not given, though their schemas require it. */
export const FILLED_IN: ReadonlyArray<string> = ["name", "uri", "store"];

const declarable = new WeakMap<z.ZodObject, z.ZodObject>();

/** The schema of what is written in a definition: without what is computed. */
export function declarableSchema({ schema, hostless }: Pick<DeclarableType, "schema" | "hostless">): z.ZodObject {
	let own = declarable.get(schema);
	if (!own) {
		const shape = schema.shape as Record<string, z.ZodType>;
		// The connection is expressed by `host`.
		const entries = Object.entries(shape).filter(([key, inner]) => key !== "uri" && !isComputed(inner));
		own = z.strictObject({
			...Object.fromEntries(entries.map(([key, inner]) => [key, FILLED_IN.includes(key) ? inner.optional() : inner])),
			...(hostless ? {} : { host: reference.optional() }),
		});
		declarable.set(schema, own);
	}
	return own;
}
