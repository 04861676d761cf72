import * as pulumi from "@pulumi/pulumi";
import type { ForkPoint } from "../components/fork-point";
import type { Identity } from "../provider/identity/lease/resource";
import type { IdentityPool } from "../provider/identity/pool/resource";
import type { MorphTemplate } from "../provider/morph-template/resource";
import type { Network } from "../provider/network/resource";
import type { StoragePool } from "../provider/pool/resource";
import type { Volume } from "../provider/volume/resource";
import type { EnvironmentArgs } from "./args";
import { build } from "./builder";
import { Built } from "./built";
import { stackConfiguration } from "./configuration";
import type { EnvironmentMachine } from "./declarable";
import type { Declaration } from "./declarations";
import { load } from "./load";
import type { EnvironmentComponent } from "./registry";

export type * from "./args";
export { Built } from "./built";
export { type Complaint, EnvironmentError } from "./complaint";
export type { EnvironmentMachine } from "./declarable";
export type { EnvironmentComponent } from "./registry";
export type { Place } from "./tree";

/**
 * Everything that a file declares: hosts, networks, pools, gold images and components, with what single stacks have
 * different. See docs/environments.md.
 *
 * @example
 * const staging = new Environment("staging", { file: "clones.yaml" });
 * export const machines = staging.machines;
 * export const web = staging.components.get("web", ThinClonePool).instances;
 */
export class Environment extends pulumi.ComponentResource {
	/** The machines of all components. */
	readonly machines: pulumi.Output<EnvironmentMachine[]>;
	/** Pools of identities, by their names in the definition. */
	readonly identityPools: Built<IdentityPool>;
	/** Identities that are taken for something outside of the definition. */
	readonly identities: Built<Identity>;
	/** Networks. */
	readonly networks: Built<Network>;
	/** Storage pools. */
	readonly pools: Built<StoragePool>;
	/** Gold images. */
	readonly images: Built<Volume>;
	/** Other volumes. */
	readonly volumes: Built<Volume>;
	/** Templates of changes of size and host. */
	readonly morphTemplates: Built<MorphTemplate>;
	/** Fork points. */
	readonly forkPoints: Built<ForkPoint>;
	/** Machines and groups of machines. */
	readonly components: Built<EnvironmentComponent>;

	/**
	 * @param name start of all names: the network `lab` of the environment `staging` is `staging-lab`, to the engine and,
	 * unless it is named otherwise, on the host
	 * @throws EnvironmentError with everything that is wrong with the definition, before anything is made
	 */
	constructor(name: string, args: EnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:Environment", name, {}, opts);
		const declarations = load({
			...args,
			name,
			stack: args.stack ?? pulumi.getStack(),
			configuration: stackConfiguration(),
		});
		const built = build(this, name, declarations);
		this.identityPools = section("identity pool", "identityPools", built);
		this.identities = section("identity", "identities", built);
		this.networks = section("network", "networks", built);
		this.pools = section("pool", "pools", built);
		this.images = section("image", "images", built);
		this.volumes = section("volume", "volumes", built);
		this.morphTemplates = section("template", "morphTemplates", built);
		this.forkPoints = section("fork point", "forkPoints", built);
		this.components = section("component", "components", built);
		this.machines = machinesOf(built);
		this.registerOutputs({ machines: this.machines });
	}
}

type BuiltDeclarations = ReadonlyMap<Declaration, pulumi.Resource>;

function section<Resource extends pulumi.Resource>(
	what: string,
	name: string,
	built: BuiltDeclarations,
): Built<Resource> {
	const own = [...built].filter(([declaration]) => declaration.section === name);
	return new Built(what, new Map(own.map(([declaration, resource]) => [declaration.name, resource as Resource])));
}

function machinesOf(built: BuiltDeclarations): pulumi.Output<EnvironmentMachine[]> {
	const groups = [...built].map(([{ type, name: component }, resource]) => {
		const machines = type.machines?.(resource) ?? pulumi.output([]);
		return machines.apply((own) => own.map((machine) => ({ component, ...machine })));
	});
	return pulumi.all(groups).apply((all) => all.flat());
}
