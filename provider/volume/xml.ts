/** Volume XML: what is asked of libvirt, and what it says about a volume. */
import { attribute, child, element, parse, serialize, text } from "../xml/element";

export interface NewVolume {
	name: string;
	format: "qcow2" | "raw";
	capacityBytes: number;
	/** Volume that the new one is an overlay on. */
	backing?: { path: string; format: string } | undefined;
	/** Whose the file is. @default libvirt's choice: root's */
	owner?: { user: number; group: number } | undefined;
}

/** XML for virStorageVolCreateXML: sparse, and for qcow2 with today's header version (libvirt's default is the old one). */
export function volumeXml(volume: NewVolume): string {
	return serialize(
		element(
			"volume",
			{},
			element("name", {}, volume.name),
			element("capacity", { unit: "bytes" }, volume.capacityBytes),
			// Without it libvirt allocates all of a raw volume.
			volume.format === "raw" ? element("allocation", { unit: "bytes" }, 0) : undefined,
			element(
				"target",
				{},
				element("format", { type: volume.format }),
				volume.format === "qcow2" ? element("compat", {}, "1.1") : undefined,
				volume.owner &&
					element(
						"permissions",
						{},
						element("mode", {}, "0600"),
						element("owner", {}, volume.owner.user),
						element("group", {}, volume.owner.group),
					),
			),
			volume.backing
				? element(
						"backingStore",
						{},
						element("path", {}, volume.backing.path),
						element("format", { type: volume.backing.format }),
					)
				: undefined,
		),
	);
}

/** When a file was changed, in nanoseconds: together with its size as good as a fingerprint. */
export interface Stamp {
	modifiedNs: bigint;
	changedNs: bigint;
}

export interface VolumeDescription {
	name: string;
	key: string;
	path: string;
	/** As libvirt detects it; "raw" where a pool has no formats. */
	format: string;
	/** "file", "dir", "block", "network"... */
	type: string;
	capacityBytes: number;
	allocationBytes: number;
	/** Length of the file; undefined where libvirt does not say. */
	fileBytes: number | undefined;
	/** The first backing store; undefined for a volume that stands alone. */
	backing: { path: string; format: string | undefined } | undefined;
	/** Undefined where libvirt does not say. */
	stamp: Stamp | undefined;
	/** User id of whose the file is; undefined where libvirt does not say. */
	user: number | undefined;
}

/** Reads what virStorageVolGetXMLDesc returns. */
export function describeVolume(xml: string): VolumeDescription {
	const root = parse(xml, "the volume's XML");
	const physical = text(root, "physical");
	const user = text(root, "target/permissions/owner");
	const backingPath = text(root, "backingStore/path");
	const modified = nanoseconds(text(root, "target/timestamps/mtime"));
	const changed = nanoseconds(text(root, "target/timestamps/ctime"));
	return {
		name: text(root, "name") ?? "",
		key: text(root, "key") ?? "",
		path: text(root, "target/path") ?? "",
		format: attribute(root, "target/format", "type") ?? "raw",
		type: attribute(root, "", "type") ?? "file",
		capacityBytes: Number(text(root, "capacity") ?? 0),
		allocationBytes: Number(text(root, "allocation") ?? 0),
		fileBytes: physical === undefined ? undefined : Number(physical),
		backing: backingPath
			? { path: backingPath, format: attribute(child(root, "backingStore"), "format", "type") }
			: undefined,
		user: user === undefined ? undefined : Number(user),
		stamp: modified === undefined || changed === undefined ? undefined : { modifiedNs: modified, changedNs: changed },
	};
}

/** libvirt writes seconds, and a fraction of nine digits unless it is zero. */
function nanoseconds(written: string | undefined): bigint | undefined {
	const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(written ?? "");
	if (!match) return undefined;
	return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** How an unknown content is named: `stat:<bytes>:<time of change in ns>`. */
export function statContentId(volume: VolumeDescription): string {
	const size = volume.fileBytes ?? volume.capacityBytes;
	return `stat:${size}:${volume.stamp?.modifiedNs ?? "unknown"}`;
}
