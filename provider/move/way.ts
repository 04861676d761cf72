/** How one host reaches another for a migration. */
import { z } from "zod";
import { InputError } from "../lifecycle";
import { commonShape } from "../schema";
import { WHEN_LACKING } from "./lacking";
import { MOVE_MODES } from "./mode";

export const migrationSchema = z.strictObject({
	mode: z.enum(["auto", ...MOVE_MODES]).optional(),
	allowReboot: z.boolean().optional(),
	whenLacking: z.enum(WHEN_LACKING).optional(),
	peerUri: commonShape.uri.optional(),
	address: z
		.string()
		.regex(/^[A-Za-z0-9.:-]{1,253}$/, "allowed is a host name or an address, without a port")
		.optional(),
	socketFolder: z
		.string()
		.regex(/^\/[A-Za-z0-9._/-]{0,90}$/, "allowed is an absolute path of a folder, such as /run/to-hypervisor-2")
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
	/** Where it takes the content of disks. @default beside `migrateUri`, by TCP */
	disksUri?: string;
}

/** What `sockaddr_un` takes, without the end of the string. */
const LONGEST_SOCKET_BYTES = 107;

/** @throws InputError where nothing tells an address of the new host */
export function wayTo({
	uri,
	name,
	migration,
}: {
	uri: string;
	name: string;
	migration?: z.output<typeof migrationSchema> | undefined;
}): Way {
	const peerUri = migration?.peerUri ?? uri;
	if (migration?.socketFolder !== undefined) return waySockets(migration.socketFolder, name, peerUri);
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

/**
 * Named after the machine: a host has a name once, and two machines that come at the same time must not get at each
 * other's memory and disks.
 * @throws InputError where the new host's daemon is not told, or a path is longer than a socket's may be
 */
function waySockets(folder: string, name: string, peerUri: string): Way {
	if (!isElsewhere(peerUri)) {
		throw new InputError(
			"migration.peerUri",
			`got ${peerUri}, which for the daemon of the present host is that itself; allowed with socketFolder is a URI with a ` +
				"host name, or with the socket of a tunnel to the daemon there: qemu+unix:///system?socket=/PATH",
		);
	}
	const path = (what: string) => `${folder.replace(/\/+$/, "")}/${name}${what}.sock`;
	const longest = path(".disks");
	const bytes = longest.length;
	if (bytes > LONGEST_SOCKET_BYTES) {
		throw new InputError(
			"migration.socketFolder",
			`got ${folder}, with which a socket is at ${longest}, ${bytes} bytes; allowed are ${LONGEST_SOCKET_BYTES}: give a ` +
				"folder with a shorter path",
		);
	}
	const socketUri = (what: string) => `unix://${path(what)}`;
	return { peerUri, migrateUri: socketUri(""), disksUri: socketUri(".disks") };
}

function isElsewhere(peerUri: string): boolean {
	return (
		/^[a-z]+(?:\+[a-z0-9]+)?:\/\/[^/?]/.test(peerUri) || /^[a-z]+\+unix:\/\/\/[^?]*\?(?:.*&)?socket=\//.test(peerUri)
	);
}
