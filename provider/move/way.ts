/** How one host reaches another for a migration. */
import { z } from "zod";
import { InputError } from "../lifecycle";
import { commonShape } from "../schema";
import { MOVE_MODES } from "./mode";

export const migrationSchema = z.strictObject({
	mode: z.enum(["auto", ...MOVE_MODES]).optional(),
	allowReboot: z.boolean().optional(),
	peerUri: commonShape.uri.optional(),
	address: z
		.string()
		.regex(/^[A-Za-z0-9.:-]{1,253}$/, "allowed is a host name or an address, without a port")
		.optional(),
	tls: z.boolean().optional(),
	/** QEMU takes no more. */
	maxPauseMs: z.int().min(1).max(2_000_000).optional(),
	onNoConvergence: z.enum(["throttle", "suspend", "abort"]).optional(),
	timeoutSeconds: z.number().min(1).max(86_400).optional(),
	/** 1 TiB a second. */
	bandwidthMiBps: z.int().min(1).max(1_048_576).optional(),
});

export interface Way {
	/** libvirt URI of the new host, as the daemon of the former one takes it. */
	peerUri: string;
	/** Where QEMU listens on the new host. */
	migrateUri: string;
}

/** @throws InputError where nothing tells an address of the new host */
export function wayTo({
	uri,
	migration,
}: {
	uri: string;
	migration?: z.output<typeof migrationSchema> | undefined;
}): Way {
	const peerUri = migration?.peerUri ?? uri;
	const found = /^[a-z]+(?:\+[a-z0-9]+)?:\/\/(?:[^@/?]*@)?(\[[^\]]+\]|[^/:?]+)/.exec(peerUri)?.[1];
	if (found === undefined) {
		throw new InputError(
			"migration.peerUri",
			`got ${migration?.peerUri ?? `none, and uri is ${uri}`}, by which no other host reaches it; the machine moves there ` +
				"from its present host, whose libvirt daemon makes the connection: allowed is a URI with a host name that it " +
				"knows, such as qemu+tls://hypervisor-2/system",
		);
	}
	const address = migration?.address ?? found.replace(/^\[|\]$/g, "");
	return { peerUri, migrateUri: `tcp://${address.includes(":") ? `[${address}]` : address}` };
}
