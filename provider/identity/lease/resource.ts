import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamic";
import type { HostKey } from "../host-keys";
import { noteLessee } from "../pool/lessees";
import type { IdentityPool } from "../pool/resource";

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
	/** Host name, without a domain. */
	declare readonly name: pulumi.Output<string>;
	/** MAC address for the first NIC; undefined in a pool without. */
	declare readonly mac: pulumi.Output<string | undefined>;
	/** Addresses without a prefix. */
	declare readonly ips: pulumi.Output<string[]>;
	/** For /etc/machine-id: 32 hex digits. */
	declare readonly machineId: pulumi.Output<string>;
	/** Whatever else belongs to it. */
	declare readonly data: pulumi.Output<Record<string, string>>;
	/** Of the machine account, where there is a directory. A secret. */
	declare readonly password: pulumi.Output<string | undefined>;
	/** Kerberos keytab in base64, where there is an Active Directory. A secret. */
	declare readonly keytab: pulumi.Output<string | undefined>;
	/** What joins a domain offline, in base64, where the pool makes one. A secret. */
	declare readonly joinBlob: pulumi.Output<string | undefined>;
	/** ssh host keys: type, private and public key. A secret. */
	declare readonly hostKeys: pulumi.Output<HostKey[]>;

	constructor(name: string, args: IdentityLeaseArgs, opts?: pulumi.CustomResourceOptions) {
		const { pool, ...rest } = args;
		noteLessee(name);
		super(
			"Identity",
			name,
			{ ...rest, access: accessOf(pool) },
			["name", "mac", "ips", "machineId", "data", "epoch", "password", "keytab", "joinBlob", "hostKeys"],
			{ additionalSecretOutputs: ["access", "password", "keytab", "joinBlob", "hostKeys"], ...opts },
		);
	}
}

function accessOf(pool: IdentityLeaseArgs["pool"]): pulumi.Output<string> {
	const isPool = pulumi.Resource.isInstance(pool);
	return pulumi.secret(isPool ? (pool as IdentityPool).access : (pool as pulumi.Input<string>));
}
