import { z } from "zod";
import { hostName, objectName, recordedShape, wholeText } from "../../schema";
import { directorySchema, storeSchema } from "../settings";

const range = wholeText.min(1, "allowed is text that is not empty").max(256, "allowed are at most 256 characters");
const most = 100_000;

/** Values are checked, and normalised, where identities are made of them: `members.ts`. */
export const identitySchema = z.strictObject({
	name: range,
	mac: range.optional(),
	ips: z.array(range).max(16).default([]),
	machineId: range.optional(),
	licenceId: range.optional(),
	data: z.record(range, wholeText.max(65_536, "allowed are at most 65536 characters")).optional(),
});

export const identityPoolSchema = z.strictObject({
	...recordedShape,
	name: objectName,
	store: storeSchema,
	realm: objectName.optional(),
	count: z.int().min(1).max(most).optional(),
	names: range.optional(),
	macs: z.array(range).min(1).optional(),
	ipv4: z.array(range).min(1).optional(),
	ipv4Network: range.optional(),
	ipv4LeaveOut: z.array(range).optional(),
	ipv6: z.array(range).min(1).optional(),
	ipv6Network: range.optional(),
	ipv6LeaveOut: z.array(range).optional(),
	licenceIds: z.array(range).min(1).max(most).optional(),
	identities: z.array(identitySchema).min(1).max(most).optional(),
	addressing: z.enum(["dhcp", "static"]).default("dhcp"),
	nameservers: z.array(range).max(8).optional(),
	domain: hostName.optional(),
	directory: directorySchema.optional(),
	encryptionKey: z.string().optional(),
	draining: z.boolean().default(false),
	quarantined: z.array(range).default([]),
});

export type IdentityPoolInputs = z.output<typeof identityPoolSchema>;

/** An identity as it is outside of the store: without secrets, and without whoever holds it. */
export interface Member {
	/** Host name, without a domain. */
	name: string;
	/** MAC address; absent in a pool without. */
	mac?: string | undefined;
	/** Addresses without a prefix. */
	ips: string[];
}

export interface IdentityPoolFacts {
	/** In the order of the pool. */
	members: Member[];
	/** JSON of `Access`: a secret. */
	access: string;
}
