import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamic";
import { noteLessee } from "../lessees/resource";
import { requireRoom } from "../pool/declared";
import type { IdentityPool } from "../pool/resource";
import type { IdentitySecrets, Profile } from "./schema";

export interface IdentityLeaseArgs {
	/** The pool to take it from; or the `access` of one, for instance of another stack. */
	pool: IdentityPool | pulumi.Input<string>;
	/**
	 * Names of identities to take, the first that is free; else any.
	 * @default the first free one of the pool
	 */
	prefer?: pulumi.Input<pulumi.Input<string>[]>;
	/** Owner ids (`organization/project/stack/name`) under which it was taken, after a rename. @default none */
	previousOwnerIds?: pulumi.Input<pulumi.Input<string>[]>;
}

/** An identity, held for as long as this resource is there. Its id is the names of pool and identity. */
export class Identity extends DynamicResource {
	/** What everybody may know of it. */
	declare readonly profile: pulumi.Output<Profile>;
	/** What only the machine may know. A secret. */
	declare readonly secrets: pulumi.Output<IdentitySecrets>;

	constructor(name: string, args: IdentityLeaseArgs, opts?: pulumi.CustomResourceOptions) {
		const { pool, ...rest } = args;
		requireRoom(`Identity ${name}`, "pool", pool, 1);
		noteLessee(name, pool);
		const isPool = pulumi.Resource.isInstance(pool);
		const poolName = isPool ? (pool as IdentityPool).name : undefined;
		const access = pulumi.secret(isPool ? (pool as IdentityPool).access : (pool as pulumi.Input<string>));
		super("Identity", name, { ...rest, pool: access, poolName }, ["profile", "secrets", "epoch"], {
			additionalSecretOutputs: ["pool", "secrets"],
			...opts,
		});
	}

	/** Host name, without a domain. */
	get name(): pulumi.Output<string> {
		return this.fact((profile) => profile.name);
	}

	/** MAC address for the first NIC; undefined in a pool without. */
	get mac(): pulumi.Output<string | undefined> {
		return this.fact((profile) => profile.mac);
	}

	/** Addresses without a prefix. */
	get ips(): pulumi.Output<string[]> {
		return this.fact((profile) => profile.ips);
	}

	/** Id of its licence; undefined in a pool without. */
	get licenceId(): pulumi.Output<string | undefined> {
		return this.fact((profile) => profile.licenceId);
	}

	/** An update that is limited by --target leaves the outputs of what it does not make undefined. */
	private fact<T>(of: (profile: Profile) => T): pulumi.Output<T> {
		return this.profile.apply((profile) => (profile && of(profile as Profile)) as T) as pulumi.Output<T>;
	}
}
