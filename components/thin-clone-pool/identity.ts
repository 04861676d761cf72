/** How a clone becomes who it is: by the same channel as the rest of its customisation. */
import * as pulumi from "@pulumi/pulumi";
import { IDENTITY_FILE, KEYTAB } from "../../provider/identity/guest-files";
import type { HostKey } from "../../provider/identity/host-keys";
import type { Identity } from "../../provider/identity/lease/resource";
import type { IdentitySecrets, Profile } from "../../provider/identity/lease/schema";
import type { CloneFileArgs, CustomizeArgs } from "./args";

type File = pulumi.Unwrap<CloneFileArgs>;

const MACHINE_ID = "/etc/machine-id";
const HOST_KEY = "/etc/ssh/ssh_host_";

/** Whether a file is one of those that hold an identity. */
export function isOfIdentity(path: string): boolean {
	return [MACHINE_ID, KEYTAB, IDENTITY_FILE, "/etc/hostname"].includes(path) || path.startsWith(HOST_KEY);
}

/** Addresses for cloud-init to set, in its network configuration of version 2; undefined where they come from DHCP. */
export function networkConfigOf({ mac, network }: Profile): string | undefined {
	if (!network) return undefined;
	const { addresses, gateways, nameservers } = network;
	const nic = {
		match: { macaddress: mac },
		addresses,
		routes: gateways.map((via) => ({ to: via.includes(":") ? "::/0" : "0.0.0.0/0", via })),
		nameservers: { addresses: nameservers },
	};
	// JSON is YAML, unless it is indented by tabs.
	return `${JSON.stringify({ version: 2, ethernets: { nic0: nic } })}\n`;
}

/** How a clone is told who it is. */
export type Channel = NonNullable<CustomizeArgs["channel"]>;

/** What the preview says of it. */
export const TOLD: Record<Channel, string> = {
	"cloud-init": "cloud-init, in its seed image",
	"guest-agent": "the guest agent, once it runs",
	"fw-cfg": "its firmware (fw_cfg)",
};

/** The clone's own files and those of its identity. */
export function filesWith(
	identity: Identity | undefined,
	channel: Channel,
	own: pulumi.Input<CloneFileArgs>[] | undefined,
): pulumi.Input<pulumi.Input<CloneFileArgs>[]> | undefined {
	if (!identity) return own;
	return pulumi.all([identity.profile, identity.secrets, pulumi.output(own ?? [])]).apply(([profile, all, files]) => {
		if (!profile || !all) return files as File[];
		const { hostKeys, keytab } = all;
		return [
			{ path: MACHINE_ID, content: `${(profile as Profile).machineId}\n`, mode: "0444" },
			toldOf(profile as Profile, all),
			...(keytab === undefined ? [] : [keytabFile(keytab)]),
			// cloud-init has a way of its own for these, which also removes the image's.
			...(channel === "cloud-init" ? [] : hostKeys.flatMap(keyFiles)),
			...(files as File[]),
		];
	});
}

/** The files of an identity but for its machine-id and host keys, which a forked machine gets in another way. */
export function identityFiles(identity: Identity): pulumi.Output<File[]> {
	return pulumi.all([identity.profile, identity.secrets]).apply(([profile, all]) => {
		if (!profile || !all) return [];
		return [toldOf(profile as Profile, all), ...(all.keytab === undefined ? [] : [keytabFile(all.keytab)])];
	});
}

function toldOf(profile: Profile, all: pulumi.Unwrap<IdentitySecrets>): File {
	const { mac: _mac, machineId: _machineId, ...told } = profile;
	const { hostKeys: _hostKeys, keytab: _keytab, ...secrets } = all;
	return { path: IDENTITY_FILE, content: json({ ...told, ...secrets }), mode: "0600" };
}

function json(value: object): string {
	return `${JSON.stringify(value, undefined, "\t")}\n`;
}

function keytabFile(content: string): File {
	return { path: KEYTAB, content, mode: "0600", encoding: "base64" };
}

function keyFiles({ type, privateKey, publicKey }: HostKey): File[] {
	const path = `${HOST_KEY}${type}_key`;
	return [
		{ path, content: privateKey, mode: "0600" },
		{ path: `${path}.pub`, content: publicKey, mode: "0644" },
	];
}
