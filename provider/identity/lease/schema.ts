import { z } from "zod";
import { computed } from "../../allowed";
import { recordedShape } from "../../schema";
import type { HostKey } from "../host-keys";
import type { StaticNetwork } from "../static-network";

/** The way to a pool of identities, which only the pool itself knows. */
export const poolAccess = z
	.string()
	.refine(isAccess, "allowed is an IdentityPool, or its output access; it stands for no pool by its name");

const name = z
	.string()
	.regex(
		/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
		"allowed are names of identities: letters, digits and, between them, hyphens, at most 63",
	);

export const identitySchema = z
	.strictObject({
		...recordedShape,
		pool: poolAccess,
		/** Known while `pool` is not: in the preview of a pool that changes. */
		poolName: computed(z.string().optional()),
		prefer: z.array(name).default([]),
		/** The one that its machine has lost to quarantine, as the store says. */
		lost: computed(z.string().optional()),
		channel: computed(z.string().optional()),
	})
	// There is nothing of somebody else's to take over.
	.omit({ adopt: true });

function isAccess(text: string): boolean {
	try {
		const { pool, store, key } = JSON.parse(text) ?? {};
		return typeof pool === "string" && typeof key === "string" && typeof store === "object";
	} catch {
		return false;
	}
}

export type IdentityInputs = z.output<typeof identitySchema>;

/** What everybody may know of an identity. */
export interface Profile {
	/** Host name, without a domain. */
	name: string;
	/** MAC address for the first NIC; absent in a pool without. */
	mac?: string | undefined;
	/** Addresses without a prefix. */
	ips: string[];
	/** How the machine sets its addresses itself; absent where they come from DHCP. */
	network?: StaticNetwork | undefined;
	/** For /etc/machine-id: 32 hex digits. */
	machineId: string;
	/** Id of the licence that the machine uses; absent in a pool without. */
	licenceId?: string | undefined;
	/** Whatever else belongs to it. */
	data: Record<string, string>;
}

/** What only the machine may know. */
export interface IdentitySecrets {
	/** Of the machine account; absent without a directory. */
	password?: string | undefined;
	/** Kerberos keytab in base64; absent without an Active Directory. */
	keytab?: string | undefined;
	/** What joins a domain offline, in base64; absent unless the pool makes one. */
	joinBlob?: string | undefined;
	/** ssh host keys. */
	hostKeys: HostKey[];
}

/** In groups: a preview takes an output that is absent for one that is not known yet. */
export interface IdentityFacts {
	profile: Profile;
	/** A secret. */
	secrets: IdentitySecrets;
	/** Tells this lease from later ones. */
	epoch: number;
}
