import { z } from "zod";
import { recordedShape } from "../../schema";
import type { HostKey } from "../host-keys";

export const identitySchema = z.strictObject({
	...recordedShape,
	access: z.string().min(1),
	prefer: z.array(z.string().min(1)).default([]),
});

export type IdentityInputs = z.output<typeof identitySchema>;

export interface IdentityFacts {
	/** Host name, without a domain. */
	name: string;
	/** MAC address for the first NIC; absent in a pool without. */
	mac?: string | undefined;
	/** Addresses without a prefix. */
	ips: string[];
	/** For /etc/machine-id. */
	machineId: string;
	/** Whatever else belongs to it. */
	data: Record<string, string>;
	/** Tells this lease from later ones. */
	epoch: number;
	/** Of the machine account. A secret. */
	password?: string | undefined;
	/** In base64. A secret. */
	keytab?: string | undefined;
	/** In base64. A secret. */
	joinBlob?: string | undefined;
	/** Secrets. */
	hostKeys: HostKey[];
}
