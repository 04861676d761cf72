/** What a clone reads at its start: a disk for cloud-init, or an archive that its firmware shows. */
import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../../provider/identity/lease/resource";
import type { Profile } from "../../provider/identity/lease/schema";
import type { ArchiveArgs, CloudInitArgs, Volume } from "../../provider/volume/resource";
import { element, serialize } from "../../provider/xml/element";
import { mergeExtra, parseExtra } from "../../provider/xml/merge";
import type { CloneFileArgs, CustomizeArgs } from "./args";
import { filesWith, networkConfigOf } from "./identity";

export interface DiskSource {
	volume: Volume;
	format: pulumi.Input<"qcow2" | "raw">;
	serial?: pulumi.Input<string>;
	readOnly?: boolean;
	target?: string;
}

export interface Seed {
	channel: "cloud-init" | "fw-cfg";
	volume: Volume;
}

/** Name by which a guest finds the archive: /sys/firmware/qemu_fw_cfg/by_name/NAME/raw. */
export const ARCHIVE_NAME = "opt/pulumi-libvirt-clones/files.tar";

/** Out of the data disks' way, so that none of them moves when one is added. */
const SEED_TARGET = "vdz";

/** `extraXml` alone needs no seed image. */
export function needsSeed(customize: CustomizeArgs | undefined): boolean {
	if (!customize) return false;
	const { channel: _channel, extraXml, ...rest } = customize;
	return extraXml === undefined || Object.keys(rest).length > 0;
}

export function cloudInitOf(
	name: string,
	customize: CustomizeArgs | undefined,
	identity: Identity | undefined,
): CloudInitArgs {
	const { userData, networkConfig, files } = customize ?? {};
	return {
		hostname: customize?.hostname ?? identity?.name ?? name,
		userData,
		networkConfig: networkConfig ?? staticConfigOf(identity),
		files: filesWith(identity, "cloud-init", files),
		...(identity && { hostKeys: identity.secrets.apply((secrets) => secrets?.hostKeys) }),
	};
}

export function archiveOf(
	name: string,
	customize: CustomizeArgs | undefined,
	identity: Identity | undefined,
): ArchiveArgs {
	const hostname = customize?.hostname ?? identity?.name ?? name;
	const files = filesWith(identity, "fw-cfg", customize?.files) ?? [];
	return {
		files: pulumi
			.all([hostname, files])
			.apply(([own, others]): CloneFileArgs[] => [{ path: "/etc/hostname", content: `${own}\n` }, ...others]),
	};
}

export function seedDisks(seed: Seed | undefined): DiskSource[] {
	return seed?.channel === "cloud-init" ? [seedDisk(seed.volume)] : [];
}

/** A virtio disk, since cloud kernels come without drivers for a SATA CD-ROM. */
export function seedDisk(volume: Volume): DiskSource {
	return { volume, format: "raw", readOnly: true, serial: "seed", target: SEED_TARGET };
}

/** QEMU reads the archive from its file: what is on a command line everybody on the host can see. */
export function withSeed(
	own: pulumi.Input<string> | undefined,
	seed: Seed | undefined,
): pulumi.Input<string> | undefined {
	if (seed?.channel !== "fw-cfg") return own;
	return pulumi.all([seed.volume.path, own]).apply(([file, extraXml]) => {
		const entry = element("entry", { name: ARCHIVE_NAME, file });
		const fragment = serialize(element("domain", {}, element("sysinfo", { type: "fwcfg" }, entry)));
		if (extraXml === undefined) return fragment;
		const root = parseExtra(extraXml);
		mergeExtra(root, fragment);
		return serialize(root);
	});
}

function staticConfigOf(identity: Identity | undefined): pulumi.Output<string> | undefined {
	return identity?.profile.apply((profile) => profile && networkConfigOf(profile as Profile)) as
		| pulumi.Output<string>
		| undefined;
}
