/** What the host knows of the volumes and networks that a domain's inputs name. */
import { existsSync } from "node:fs";
import type { Host } from "../libvirt";
import { InputError } from "../lifecycle";
import { isLocalUri } from "../local-uri";
import { type DiskVolume, findDiskVolume } from "../volume/disk-volume";
import { type DiskFormat, type DiskSource, sourceKey } from "../xml/devices";
import { attribute, child, children, parse, text } from "../xml/element";
import type { ResolvedDisk } from "./disks";
import type { DiskInputs, NicInputs } from "./schema";

/** Something is not on the host, and may be made before the machine is. */
export class MissingError extends InputError {}

/** @throws InputError that names the disk whose volume is missing or of a kind that a disk cannot be */
export async function resolveDisks(host: Host, disks: ReadonlyArray<DiskInputs>): Promise<ResolvedDisk[]> {
	const resolved = await Promise.all(disks.map((input, index) => resolveDisk(host, input, `disks[${index}]`)));
	refuseTwice(resolved);
	return resolved;
}

async function resolveDisk(host: Host, input: DiskInputs, property: string): Promise<ResolvedDisk> {
	const volume = await findDiskVolume(host, input.volume);
	if (!volume) return { input, source: unmanaged(input, property), format: input.format! };
	const { type, path } = volume;
	const format = input.format ?? formatOf(volume, property, input);
	if (type === "file" || type === "block") return { input, source: { type, path }, format };
	if (type !== "network") {
		throw new InputError(property, `volume ${input.volume} is a ${type}; allowed are files, block devices and images`);
	}
	return { input, source: await networkSource(host, volume.key, property), format };
}

/** @throws InputError when two disks are the same file or device, whatever they call it */
function refuseTwice(disks: ReadonlyArray<ResolvedDisk>): void {
	const seen = new Map<string, number>();
	for (const [index, { input, source }] of disks.entries()) {
		const key = sourceKey(source);
		const first = seen.get(key);
		if (first !== undefined) {
			throw new InputError(
				`disks[${index}]`,
				`got ${input.volume}, which is ${key}, as disks[${first}] is (${disks[first]!.input.volume}); allowed is each ` +
					"volume once in a machine: leave one of them out",
			);
		}
		seen.set(key, index);
	}
}

/** A file or device that is in no pool: QEMU opens it as it is said to be. */
function unmanaged(input: DiskInputs, property: string): DiskSource {
	if (input.format === undefined || !input.volume.startsWith("/")) {
		throw new MissingError(
			property,
			`volume ${input.volume} is in no active storage pool of the host. Allowed is the key or path of a volume; ` +
				"for a path that is in no pool give disks[].format as well. If its pool is there, start or refresh it",
		);
	}
	return { type: input.volume.startsWith("/dev/") ? "block" : "file", path: input.volume };
}

function formatOf({ type, format }: DiskVolume, property: string, input: DiskInputs): DiskFormat {
	if (format === "qcow2" || format === "raw") return format;
	// What a raw disk holds (an ISO image, a block device's content) is none of QEMU's business.
	if (["iso", "unknown", "none"].includes(format) || type !== "file") return "raw";
	throw new InputError(
		property,
		`volume ${input.volume} has format ${format}; allowed are qcow2 and raw. Convert it, or say disks[].format`,
	);
}

/** libvirt cannot take a volume of a network pool by name: its disk repeats where the pool is. */
async function networkSource(host: Host, key: string, property: string): Promise<DiskSource> {
	const pool = await host.pools.findByVolume(key);
	const xml = pool && parse(await host.pools.xml(pool.uuid), `the XML of pool ${pool.name}`);
	const source = child(xml, "source");
	const type = attribute(xml, "", "type");
	const volume = await host.volumes.find(key);
	if (!source || !volume || !type || !["rbd", "iscsi-direct", "gluster"].includes(type)) {
		throw new InputError(property, `volume ${key} is in a pool of type ${type}, whose volumes cannot be disks`);
	}
	const inPool = text(source, "name") ?? "";
	const names: Record<string, string> = {
		rbd: `${inPool}/${volume.name}`,
		gluster: `${inPool}/${volume.name}`,
		"iscsi-direct": `${attribute(source, "device", "path") ?? ""}/${volume.name.split(":").pop() ?? "0"}`,
	};
	const secret = child(source, "auth/secret");
	return {
		type: "network",
		protocol: type === "iscsi-direct" ? "iscsi" : type,
		name: names[type]!,
		hosts: children(source, "host").map((item) => ({
			name: attribute(item, "", "name") ?? "",
			...(item.hasAttribute("port") ? { port: attribute(item, "", "port") } : {}),
		})),
		...(secret
			? {
					auth: {
						username: attribute(source, "auth", "username") ?? "",
						secretType: type === "rbd" ? "ceph" : "iscsi",
						secretUuid: attribute(secret, "", "uuid") ?? "",
					},
				}
			: {}),
	};
}

/** NICs with each libvirt network under its name, which is what a definition holds. @throws InputError for a missing one */
export async function resolveNics(host: Host, nics: ReadonlyArray<NicInputs>): Promise<NicInputs[]> {
	return Promise.all(
		nics.map(async (nic, index) => {
			if (nic.network === undefined) return nic;
			const network = await host.networks.find(nic.network);
			if (network) return { ...nic, network: network.name };
			throw new MissingError(
				`nics[${index}]`,
				`there is no network ${nic.network} on the host; allowed is the name or UUID of a libvirt network`,
			);
		}),
	);
}

/** Whether a path is known to be missing; a remote host's files cannot be seen. */
export function isMissingHere(uri: string, path: string): boolean {
	return isLocalUri(uri) && !existsSync(path);
}
