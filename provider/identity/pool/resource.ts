import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../dynamic";
import type { AdDirectoryArgs } from "../directory/ad";
import type { LdapDirectoryArgs } from "../directory/ldap";
import { Lessees } from "../lessees/resource";
import type { PostgresOptions } from "../store/postgres-options";
import { declarePool } from "./declared";
import { defaultStore } from "./default-store";
import type { Member } from "./schema";
import { secretAt } from "./secret-args";

/** Values that may be known later. */
type Inputs<Settings> = { [Name in keyof Settings]: pulumi.Input<Settings[Name]> };

/** Where identities are recorded: exactly one of `sqlite` and `postgres`. */
export interface IdentityStoreArgs {
	/** A file of the machine that runs Pulumi, for the programs of that machine. */
	sqlite?: pulumi.Input<SqliteStoreArgs>;
	/** A PostgreSQL server, for programs on many machines. */
	postgres?: pulumi.Input<PostgresStoreArgs>;
}

/** A PostgreSQL server, and a database in it. */
export interface PostgresStoreArgs extends Inputs<Omit<PostgresOptions, "patienceSeconds" | "connections">> {}

export interface SqliteStoreArgs {
	/** Absolute path of the file; it and its folder are made when they are not there, for this user alone. */
	path: pulumi.Input<string>;
}

/** Where each identity gets a machine account: exactly one of `ldap` and `activeDirectory`. */
export interface IdentityDirectoryArgs {
	/** A plain LDAP directory, such as OpenLDAP's. */
	ldap?: pulumi.Input<IdentityLdapArgs>;
	/** Active Directory, Samba's or Windows'. */
	activeDirectory?: pulumi.Input<IdentityActiveDirectoryArgs>;
}

/** Where and how accounts are kept in a plain LDAP directory. */
export interface IdentityLdapArgs extends Inputs<LdapDirectoryArgs> {}

/** Where and how computer accounts are kept in Active Directory. */
export interface IdentityActiveDirectoryArgs extends Inputs<AdDirectoryArgs> {}

/** One identity of a list. */
export interface IdentityArgs {
	/** Host name, without a domain. */
	name: pulumi.Input<string>;
	/** MAC address of the first NIC. @default none: the machine's own */
	mac?: pulumi.Input<string>;
	/** Addresses without a prefix. @default none */
	ips?: pulumi.Input<pulumi.Input<string>[]>;
	/** For /etc/machine-id: 32 hex digits. @default a random one */
	machineId?: pulumi.Input<string>;
	/** Id of the licence that its machine uses: no secret, unlike the key of a product. @default none */
	licenceId?: pulumi.Input<string>;
	/** Whatever else belongs to it; no secrets. @default none */
	data?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/** Identities as a pattern and ranges (`names` and `count`), or one by one (`identities`). */
export interface IdentityPoolArgs {
	/**
	 * Name of the pool in its store.
	 * @default the resource's name
	 */
	name?: pulumi.Input<string>;
	/**
	 * Where the identities are recorded.
	 * @default a SQLite file of this user: pulumi-libvirt-clones/identities.sqlite in $XDG_STATE_HOME or ~/.local/state
	 */
	store?: pulumi.Input<IdentityStoreArgs>;
	/**
	 * Names and addresses are unique among all pools of a realm: networks that know nothing of each other may use the same.
	 * @default one realm for the whole store
	 */
	realm?: pulumi.Input<string>;
	/** How many identities. @default none; required with `names` */
	count?: pulumi.Input<number>;
	/**
	 * Host names: a pattern in which the first number stands in braces.
	 * @default none: `identities` are given
	 * @example "web-{001}"
	 */
	names?: pulumi.Input<string>;
	/**
	 * Ranges of MAC addresses.
	 * @default none: machines have addresses of their own
	 * @example ["52:54:00:10:00:01-52:54:00:10:0f:ff"]
	 */
	macs?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * Ranges of IPv4 addresses; of a range with a prefix the network's, the gateway's and the broadcast address are left out.
	 * @default none
	 * @example ["10.0.0.10-10.0.0.99"]
	 */
	ipv4?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * The gateway's address with its prefix: the ranges have to lie in that network.
	 * @default what a range with a prefix says
	 * @example "10.0.0.1/24"
	 */
	ipv4Network?: pulumi.Input<string>;
	/** Addresses that are in use otherwise. @default none */
	ipv4LeaveOut?: pulumi.Input<pulumi.Input<string>[]>;
	/** Ranges of IPv6 addresses. @default none */
	ipv6?: pulumi.Input<pulumi.Input<string>[]>;
	/** The gateway's address with its prefix. @default what a range with a prefix says */
	ipv6Network?: pulumi.Input<string>;
	/** Addresses that are in use otherwise. @default none */
	ipv6LeaveOut?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * Ids of licences, one for each identity; what is left over is for identities that the pool gets later. No secrets, unlike
	 * the keys of products.
	 * @default none
	 * @example ["CAD-7341", "CAD-7342"]
	 */
	licenceIds?: pulumi.Input<pulumi.Input<string>[]>;
	/** The identities one by one, in place of `names`, `count` and ranges. @default none */
	identities?: pulumi.Input<pulumi.Input<IdentityArgs>[]>;
	/**
	 * How a machine comes to its addresses: from a DHCP server, in which they are reserved (`reservations`); or it sets
	 * them itself, in a network without one: then `ipv4Network` or `ipv6Network` and MAC addresses are required.
	 * @default "dhcp"
	 */
	addressing?: pulumi.Input<"dhcp" | "static">;
	/** Name servers of machines that set their addresses themselves. @default the gateways */
	nameservers?: pulumi.Input<pulumi.Input<string>[]>;
	/** DNS domain of the machines. @default that of the directory, else none */
	domain?: pulumi.Input<string>;
	/** Where each identity gets a machine account. @default none */
	directory?: pulumi.Input<IdentityDirectoryArgs>;
	/**
	 * Encrypts what only the machines may know, where it is stored: 32 bytes in base64. A secret.
	 * @default a random one, kept as a secret in the state of this resource
	 */
	encryptionKey?: pulumi.Input<string>;
	/** Give out no identity any more. @default false */
	draining?: pulumi.Input<boolean>;
	/** Names of identities that are not to be used until they are taken from this list. @default none */
	quarantined?: pulumi.Input<pulumi.Input<string>[]>;
	/** Take over a pool of that name that another stack made. @default false */
	adopt?: pulumi.Input<boolean>;
	/** Owner ids (`organization/project/stack/name`) under which the pool was made, after a rename. @default none */
	previousOwnerIds?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Identities that are made ahead of time: names, addresses, keys and machine accounts. An `Identity` takes one, and
 * returns it when it is destroyed. Its id is its name.
 */
export class IdentityPool extends DynamicResource {
	/** Name in its store. */
	declare readonly name: pulumi.Output<string>;
	/** The identities, whoever holds them. */
	declare readonly members: pulumi.Output<Member[]>;
	/** How leases reach the pool. A secret. */
	declare readonly access: pulumi.Output<string>;

	constructor(name: string, args: IdentityPoolArgs, opts?: pulumi.CustomResourceOptions) {
		const hidden = SECRETS.reduce((all, path) => secretAt(all, path), { ...args });
		super(
			"IdentityPool",
			name,
			{ name, ...hidden, store: hidden.store ?? defaultStore() },
			["members", "access"],
			{ additionalSecretOutputs: ["access"], ...opts },
			hidden,
		);
		declarePool(this, args);
		new Lessees(name, this.access, { parent: this });
	}

	/** Addresses to be reserved in a network: `new Network("lan", { dhcp: { hosts: pool.reservations } })`. */
	get reservations(): pulumi.Output<Array<{ mac: string; ip: string; name: string }>> {
		return this.members.apply((members) =>
			members.flatMap(({ name, mac, ips }) => {
				const ip = ips.find((address) => address.includes("."));
				return mac === undefined || ip === undefined ? [] : [{ mac, ip, name }];
			}),
		);
	}
}

/** Whether or not the program says so. */
const SECRETS = [
	["encryptionKey"],
	["store", "postgres", "password"],
	["store", "postgres", "tls", "key"],
	["directory", "ldap", "password"],
	["directory", "activeDirectory", "password"],
];
