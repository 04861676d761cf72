/** How a clone becomes who it is: by the same channel as the rest of its customisation. */
import * as pulumi from "@pulumi/pulumi";
import type { HostKey } from "../../provider/identity/host-keys";
import type { Identity } from "../../provider/identity/lease/resource";
import type { Profile } from "../../provider/identity/lease/schema";
import type { CloneFileArgs } from "./args";

type File = pulumi.Unwrap<CloneFileArgs>;

/** What a guest finds of its identity beside host name and host keys. */
export const IDENTITY_FILE = "/etc/machine-identity.json";

/** The clone's own files and those of its identity. */
export function filesWith(
	identity: Identity | undefined,
	channel: "cloud-init" | "guest-agent",
	own: pulumi.Input<CloneFileArgs>[] | undefined,
): pulumi.Input<pulumi.Input<CloneFileArgs>[]> | undefined {
	if (!identity) return own;
	return pulumi.all([identity.profile, identity.secrets, pulumi.output(own ?? [])]).apply(([profile, all, files]) => {
		if (!profile || !all) return files as File[];
		const { hostKeys, keytab, ...secrets } = all;
		const { mac: _mac, machineId, ...told } = profile as Profile;
		return [
			{ path: "/etc/machine-id", content: `${machineId}\n`, mode: "0444" },
			{ path: IDENTITY_FILE, content: json({ ...told, ...secrets }), mode: "0600" },
			...(keytab === undefined ? [] : [keytabFile(keytab)]),
			// cloud-init has a way of its own for these, which also removes the image's.
			...(channel === "guest-agent" ? hostKeys.flatMap(keyFiles) : []),
			...(files as File[]),
		];
	});
}

function json(value: object): string {
	return `${JSON.stringify(value, undefined, "\t")}\n`;
}

function keytabFile(content: string): File {
	return { path: "/etc/krb5.keytab", content, mode: "0600", encoding: "base64" };
}

function keyFiles({ type, privateKey, publicKey }: HostKey): File[] {
	const path = `/etc/ssh/ssh_host_${type}_key`;
	return [
		{ path, content: privateKey, mode: "0600" },
		{ path: `${path}.pub`, content: publicKey, mode: "0644" },
	];
}
