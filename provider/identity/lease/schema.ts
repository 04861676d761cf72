import { z } from "zod";
import { recordedShape } from "../../schema";
import type { HostKey } from "../host-keys";

export const identitySchema = z.strictObject({
	...recordedShape,
	access: z.string().min(1),
	prefer: z.array(z.string().min(1)).default([]),
});

export type IdentityInputs = z.output<typeof identitySchema>;

/** What everybody may know of an identity. */
export interface Profile {
	/** Host name, without a domain. */
	name: string;
	/** MAC address for the first NIC; absent in a pool without. */
	mac?: string | undefined;
	/** Addresses without a prefix. */
	ips: string[];
	/** For /etc/machine-id: 32 hex digits. */
	machineId: string;
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
