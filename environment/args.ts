import type * as pulumi from "@pulumi/pulumi";
import type { Reference } from "../provider/dynamic";
import type { ForkPointArgs } from "../provider/fork/resource";
import type { IdentityLeaseArgs } from "../provider/identity/lease/resource";
import type { IdentityPool, IdentityPoolArgs } from "../provider/identity/pool/resource";
import type { MorphTemplate, MorphTemplateArgs } from "../provider/morph-template/resource";
import type { NetworkArgs } from "../provider/network/resource";
import type { StoragePoolArgs } from "../provider/pool/resource";
import type { VolumeArgs } from "../provider/volume/resource";
import type { ComponentArgs } from "./registry";

/** Something that is on the host already, made by somebody else. */
export interface Existing {
	/** Its name or UUID; for a volume its path or key, for a host its libvirt URI, for a pool of identities its `access`. */
	existing: pulumi.Input<string>;
}

/** Arguments as they stand in a definition: where something is referred to, it can be named. */
export type Declarable<Args> = Omit<Referring<Args>, "uri"> & OnHost;

/** What is declared is on a host. */
export interface OnHost {
	/**
	 * Name of the declared host it is on, or `{ existing: URI }`.
	 * @default that of what it refers to, else the only declared host; without any, as for `uri` of the resources
	 */
	host?: string | Existing;
}

type Referring<T> = T extends (...args: never[]) => unknown
	? T
	: T extends pulumi.Output<unknown> | Promise<unknown> | string | number | boolean | undefined
		? T
		: T extends ReadonlyArray<infer Item>
			? Referring<Item>[]
			: { [Property in keyof T]: ReferringProperty<T[Property]> };

type ReferringProperty<T> = [Reference] extends [T]
	? Reference | Existing | Referring<Exclude<T, Reference>>
	: [IdentityPool] extends [T]
		? IdentityPool | pulumi.Input<string> | Existing | Referring<Exclude<T, IdentityPool>>
		: [MorphTemplate] extends [T]
			? MorphTemplate | string
			: Referring<T>;

/** A host to connect to. */
export interface HostDefinition {
	/**
	 * libvirt URI.
	 * @example "qemu+ssh://root@hypervisor-1/system"
	 */
	uri: pulumi.Input<string>;
}

/** A value that is in the Pulumi configuration of the stack. */
export interface ConfigVariable {
	/**
	 * Key of the configuration, of the project unless it has a namespace.
	 * @example "machines"
	 */
	config: string;
	/**
	 * Keep it encrypted in the state and hidden in the output; what is a secret in the configuration is so by itself.
	 * @default false
	 */
	secret?: boolean;
	/**
	 * What the text in the configuration is turned into.
	 * @default the type of `default`, else "string"
	 */
	type?: "string" | "number" | "boolean";
	/**
	 * The value where the configuration has none.
	 * @default none: the value is required
	 */
	default?: string | number | boolean;
}

/** Value of a variable: any text, number, truth value, list or group, or where it is in the configuration. */
export type VariableValue = pulumi.Input<string | number | boolean> | ConfigVariable | object | unknown[];

/** A component: its `kind`, and the arguments of that kind. */
export type ComponentDefinition = {
	[Kind in keyof ComponentArgs]: OfKind<Kind> & Declarable<ComponentArgs[Kind]>;
}[keyof ComponentArgs];

/** What says which component it is. */
export interface OfKind<Kind> {
	/** Kind of component: which arguments it takes. */
	kind: Kind;
}

/** Everything that an environment consists of. Names are used to refer to things, and in the names on the hosts. */
export interface EnvironmentDefinition {
	/**
	 * Values that stand for `${name}` in any text: alone they keep their type. `$${` is a literal `${`.
	 * @default none
	 */
	variables?: Record<string, VariableValue>;
	/**
	 * Hosts to connect to.
	 * @default none: the host of the configuration `pulumi-libvirt-clones:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	hosts?: Record<string, HostDefinition>;
	/**
	 * Pools of identities; they are on no host.
	 * @default none
	 */
	identityPools?: Record<string, Referring<IdentityPoolArgs>>;
	/**
	 * Identities that are taken for something outside of the definition; machines of a `ThinClonePool` take their own.
	 * @default none
	 */
	identities?: Record<string, Referring<IdentityLeaseArgs>>;
	/**
	 * Virtual networks.
	 * @default none
	 */
	networks?: Record<string, Declarable<NetworkArgs>>;
	/**
	 * Storage pools: directories for volumes.
	 * @default none
	 */
	pools?: Record<string, Declarable<StoragePoolArgs>>;
	/**
	 * Gold images: volumes that others are cloned from.
	 * @default none
	 */
	images?: Record<string, Declarable<VolumeArgs>>;
	/**
	 * Other volumes, such as disks for data.
	 * @default none
	 */
	volumes?: Record<string, Declarable<VolumeArgs>>;
	/**
	 * Templates of changes of size and host, for `morph: { template: name }`; they are on no host.
	 * @default none
	 */
	morphTemplates?: Record<string, Referring<MorphTemplateArgs>>;
	/**
	 * Machines that are booted, made ready and stopped for good, for others to go on from.
	 * @default none
	 */
	forkPoints?: Record<string, Declarable<ForkPointArgs>>;
	/**
	 * Machines and groups of machines.
	 * @default none
	 */
	components?: Record<string, ComponentDefinition>;
	/**
	 * What single stacks have different. Groups are merged into what is above, property by property; anything else
	 * replaces it; null removes it.
	 * @default none: all stacks are the same
	 */
	stacks?: Record<string, StackOverrides>;
}

type Partially<T> = T extends (...args: never[]) => unknown
	? T
	: T extends pulumi.Output<unknown> | Promise<unknown> | string | number | boolean | undefined | unknown[]
		? T
		: { [Property in keyof T]?: Partially<T[Property]> | null };

/** What a stack has different: any part of a definition. */
export type StackOverrides = Partially<Omit<EnvironmentDefinition, "stacks">>;

/** Exactly one of `file` and `definition`. */
export interface EnvironmentArgs {
	/**
	 * Path of a YAML or JSON file with the definition, relative to where the program runs.
	 * @example "clones.yaml"
	 */
	file?: string;
	/** The definition itself. */
	definition?: EnvironmentDefinition;
	/**
	 * The stack whose overrides apply.
	 * @default the stack that is being run
	 */
	stack?: string;
	/**
	 * Values of variables, over those of the definition.
	 * @default none
	 */
	variables?: Record<string, pulumi.Input<string | number | boolean>>;
}
