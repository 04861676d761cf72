/** Disks and NICs as libvirt writes them: one description of each, built into XML and read back from it. */
import { attribute, type Content, child, children, type Element, element } from "./element";

/** Where a disk's data is. */
export type DiskSource =
	| { type: "file" | "block"; path: string }
	| {
			type: "network";
			protocol: string;
			/** Image, share or target, as the protocol names it: `pool/image` for rbd. */
			name: string;
			hosts?: ReadonlyArray<{ name: string; port?: string | undefined }> | undefined;
			/** A libvirt secret that opens it. */
			auth?: { username: string; secretType: string; secretUuid: string } | undefined;
	  };

export type DiskBus = "virtio" | "scsi" | "sata";
export type DiskFormat = "qcow2" | "raw";

export interface DiskSpec {
	/** `ua-disk-N`: by it the device is found again in the domain and in QEMU. */
	alias: string;
	source: DiskSource;
	format: DiskFormat;
	device: "disk" | "cdrom";
	target: string;
	bus: DiskBus;
	readOnly: boolean;
	serial?: string | undefined;
	/** "default" leaves it to QEMU. */
	cache: string;
	bootOrder?: number | undefined;
}

export type NicSource = { network: string } | { bridge: string } | { user: true };

export interface NicSpec {
	/** `ua-nic-N` */
	alias: string;
	mac: string;
	source: NicSource;
	model: string;
}

/** A disk as it was found: anything may be missing in XML that somebody else wrote. */
export type FoundDisk = { [K in keyof DiskSpec]: DiskSpec[K] | undefined } & {
	/** `sourceKey` of the source and of everything below it in the backing chain, nearest first. */
	chain: string[];
	element: Element;
};

/** A NIC as it was found; no source when it is of a kind that `nics` cannot say (macvtap, vhost-user, ...). */
export type FoundNic = { [K in keyof NicSpec]: NicSpec[K] | undefined } & { element: Element };

/** One text that stands for a source: the path, or `protocol:name`. */
export function sourceKey(source: DiskSource): string {
	return source.type === "network" ? `${source.protocol}:${source.name}` : source.path;
}

export function diskElement(disk: DiskSpec): Element {
	return element(
		"disk",
		{ type: disk.source.type, device: disk.device },
		element("driver", {
			name: "qemu",
			type: disk.format,
			cache: disk.cache === "default" ? undefined : disk.cache,
			// What a guest gives back is given back to the host: a thin clone stays thin.
			discard: disk.device === "disk" ? "unmap" : undefined,
		}),
		...sourceElements(disk.source),
		element("target", { dev: disk.target, bus: disk.bus }),
		disk.serial === undefined ? undefined : element("serial", {}, disk.serial),
		disk.readOnly || disk.device === "cdrom" ? element("readonly") : undefined,
		disk.bootOrder === undefined ? undefined : element("boot", { order: disk.bootOrder }),
		element("alias", { name: disk.alias }),
	);
}

/** The `<source>` of a disk, with the `<auth>` that belongs beside it. */
export function sourceElements(source: DiskSource): Content[] {
	if (source.type !== "network") {
		return [element("source", { [source.type === "file" ? "file" : "dev"]: source.path })];
	}
	const hosts = (source.hosts ?? []).map(({ name, port }) => element("host", { name, port }));
	return [
		source.auth &&
			element(
				"auth",
				{ username: source.auth.username },
				element("secret", { type: source.auth.secretType, uuid: source.auth.secretUuid }),
			),
		element("source", { protocol: source.protocol, name: source.name }, ...hosts),
	];
}

export function nicElement(nic: NicSpec): Element {
	const type = "network" in nic.source ? "network" : "bridge" in nic.source ? "bridge" : "user";
	return element(
		"interface",
		{ type },
		element("mac", { address: nic.mac }),
		type === "user" ? undefined : element("source", { ...nic.source }),
		element("model", { type: nic.model }),
		element("alias", { name: nic.alias }),
	);
}

export function readDisk(disk: Element): FoundDisk {
	const source = readSource(disk);
	const order = attribute(disk, "boot", "order");
	return {
		alias: aliasOf(disk),
		source,
		format: (attribute(disk, "driver", "type") ?? "raw") as DiskFormat,
		device: (attribute(disk, "", "device") ?? "disk") as DiskSpec["device"],
		target: attribute(disk, "target", "dev"),
		bus: attribute(disk, "target", "bus") as DiskBus | undefined,
		readOnly: child(disk, "readonly") !== undefined,
		serial: child(disk, "serial")?.textContent ?? undefined,
		cache: attribute(disk, "driver", "cache") ?? "default",
		bootOrder: order === undefined ? undefined : Number(order),
		chain: chainOf(disk),
		element: disk,
	};
}

export function readNic(nic: Element): FoundNic {
	const network = attribute(nic, "source", "network");
	const bridge = attribute(nic, "source", "bridge");
	const type = attribute(nic, "", "type");
	let source: NicSource | undefined;
	if (type === "network" && network !== undefined) source = { network };
	else if (type === "bridge" && bridge !== undefined) source = { bridge };
	else if (type === "user") source = { user: true };
	return {
		alias: aliasOf(nic),
		mac: attribute(nic, "mac", "address")?.toLowerCase(),
		source,
		model: attribute(nic, "model", "type"),
		element: nic,
	};
}

export function aliasOf(device: Element): string | undefined {
	return attribute(device, "alias", "name");
}

function readSource(disk: Element): DiskSource | undefined {
	const source = child(disk, "source");
	const file = attribute(source, "", "file");
	if (file !== undefined) return { type: "file", path: file };
	const dev = attribute(source, "", "dev");
	if (dev !== undefined) return { type: "block", path: dev };
	const protocol = attribute(source, "", "protocol");
	if (!source || protocol === undefined) return undefined;
	const hosts = children(source, "host").map((host) => ({
		name: attribute(host, "", "name") ?? "",
		...(host.hasAttribute("port") ? { port: attribute(host, "", "port") } : {}),
	}));
	const auth = child(disk, "auth") ?? child(source, "auth");
	return {
		type: "network",
		protocol,
		name: attribute(source, "", "name") ?? "",
		...(hosts.length > 0 ? { hosts } : {}),
		...(auth
			? {
					auth: {
						username: attribute(auth, "", "username") ?? "",
						secretType: attribute(auth, "secret", "type") ?? "",
						secretUuid: attribute(auth, "secret", "uuid") ?? "",
					},
				}
			: {}),
	};
}

function chainOf(disk: Element): string[] {
	const chain: string[] = [];
	for (let layer: Element | undefined = disk; layer; layer = child(layer, "backingStore")) {
		const source = readSource(layer);
		if (source) chain.push(sourceKey(source));
	}
	return chain;
}
