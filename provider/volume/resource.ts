import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { type HostArgs, idOf, isOfPulumiLibvirt, LibvirtResource, ownerIdOf, type Reference } from "../dynamic";
import { type InjectedInput, injectedContentId } from "../init/injected";
import { fileSha256 } from "./file-hash";
import { contentIdOf, rememberContent } from "./known-content";
import { defaultName } from "./name";
import type { Lineage, VolumeFacts } from "./schema";

/** A file that the guest finds at its first boot, written by cloud-init. */
export interface CloudInitFileArgs {
	/** Absolute path in the guest. */
	path: pulumi.Input<string>;
	/** Text of the file. */
	content: pulumi.Input<string>;
	/**
	 * Octal permissions.
	 * @default "0644"
	 */
	mode?: pulumi.Input<string>;
	/**
	 * `user:group`.
	 * @default "root:root"
	 */
	owner?: pulumi.Input<string>;
	/**
	 * How the content is given: as it is, or in base64, for what is no text.
	 * @default "text"
	 */
	encoding?: pulumi.Input<"text" | "base64">;
}

/** An ssh host key; those of an `Identity` are such. */
export interface SshHostKeyArgs {
	/** Kind of key. */
	type: pulumi.Input<"ed25519" | "ecdsa">;
	/** In OpenSSH's format. A secret. */
	privateKey: pulumi.Input<string>;
	/** One line, as in a .pub file. */
	publicKey: pulumi.Input<string>;
}

/** Data for a guest with cloud-init, or another reader of its NoCloud source. */
export interface CloudInitArgs {
	/**
	 * Host name.
	 * @default none: the image's own
	 */
	hostname?: pulumi.Input<string>;
	/**
	 * Identifies the instance: cloud-init runs its first-boot modules again when it changes.
	 * @default derived from the owner and the content
	 */
	instanceId?: pulumi.Input<string>;
	/**
	 * User data: `#cloud-config`, a script, or any other format that cloud-init takes.
	 * @default none
	 */
	userData?: pulumi.Input<string>;
	/**
	 * Network configuration, version 1 or 2.
	 * @default none: cloud-init's fallback, DHCP on the first NIC
	 */
	networkConfig?: pulumi.Input<string>;
	/**
	 * Files to write.
	 * @default none
	 */
	files?: pulumi.Input<pulumi.Input<CloudInitFileArgs>[]>;
	/**
	 * ssh host keys, in place of all that the image has.
	 * @default none: cloud-init makes new ones
	 */
	hostKeys?: pulumi.Input<pulumi.Input<SshHostKeyArgs>[]>;
}

/** Files to be unpacked by a guest. All of them are root's there. */
export interface ArchiveArgs {
	/** The files; paths of at most 255 bytes, 100 of them the name. */
	files: pulumi.Input<pulumi.Input<Omit<CloudInitFileArgs, "owner">>[]>;
}

/** Where the content of a volume comes from: exactly one of `file`, `url`, `cloudInit` and `archive`. */
export interface SourceArgs {
	/** Path of an image on the machine that runs Pulumi. */
	file?: pulumi.Input<string>;
	/** https address of an image; needs `sha256`. */
	url?: pulumi.Input<string>;
	/**
	 * SHA-256 of the file, in hex; verified before anything is written to the host.
	 * @default computed for a `file`; required for a `url`
	 */
	sha256?: pulumi.Input<string>;
	/** Make a NoCloud seed image of this data. */
	cloudInit?: pulumi.Input<CloudInitArgs>;
	/** Make a tar archive of files: for a guest that is shown it by its firmware (fw_cfg), and unpacks it. */
	archive?: pulumi.Input<ArchiveArgs>;
}

export interface VolumeArgs extends HostArgs {
	/** The pool that holds the volume. */
	pool: Reference;
	/**
	 * Name of the volume in its pool. The default marks the volume as this stack's and, for a volume with a `source`,
	 * changes with the content, so that a new image is there before the old one goes. A name of your own does neither: an
	 * existing volume of that name is taken over only when it cannot be told from a fresh one.
	 * @default the resource's name, eight digits of the content's hash, a tag of the stack, and the format
	 */
	name?: pulumi.Input<string>;
	/**
	 * Disk format.
	 * @default "qcow2", for cloud-init seeds and archives "raw"
	 */
	format?: pulumi.Input<"qcow2" | "raw">;
	/**
	 * Virtual size in MiB. Growing it grows the volume; it never shrinks.
	 * @default that of the source or base; required for an empty volume
	 */
	sizeMiB?: pulumi.Input<number>;
	/**
	 * Content to start from.
	 * @default none: empty, or a clone of `base`
	 */
	source?: pulumi.Input<SourceArgs>;
	/**
	 * Volume to clone, by resource, key or path.
	 * @default none
	 */
	base?: Reference;
	/**
	 * Domain whose first disk to clone; it must be shut off.
	 * @default none
	 */
	baseDomain?: Reference;
	/**
	 * What is known of the base's content, such as the `contentId` of the volume it was uploaded to; a change of it is a
	 * change of the base.
	 * @default the `contentId` of `base`, where that is a volume of this package
	 */
	baseContentId?: pulumi.Input<string>;
	/**
	 * How to clone: `overlay` (linked clone, qcow2 backing store), `reflink` (shared extents; the file system must
	 * support it), `copy` (all bytes are copied), or `auto`: overlay for qcow2, reflink for raw. Nothing falls back to a
	 * copy by itself.
	 * @default "auto"
	 */
	cloning?: pulumi.Input<"auto" | "overlay" | "reflink" | "copy">;
	/**
	 * What a changed base means for a clone that exists: `keep` it as it is, `replace` it (its content is lost), or
	 * `rebase`: its content stays, and it depends on the new base. That takes a machine that is off, and a program that
	 * runs on the storage host.
	 * @default "replace"
	 */
	onBaseChange?: pulumi.Input<"keep" | "replace" | "rebase">;
	/**
	 * Whether the volume stands alone: what it shares with its base is copied into it, live where a machine runs on it,
	 * and nothing depends on the base any more. It is not undone.
	 * @default false
	 */
	independent?: pulumi.Input<boolean>;
	/**
	 * Whether it goes with the machine on it: where `uri` becomes that of another host, a volume is made there, the machine
	 * brings what this one holds (`Domain`'s `uri` has to change with it), and this one is deleted after that. Volumes that
	 * are not are refused another host.
	 * @default false
	 */
	movable?: pulumi.Input<boolean>;
}

/** A volume in a storage pool. Its id is libvirt's key, which for file-based pools is the path. */
export class Volume extends LibvirtResource {
	/** Name in its pool. */
	declare readonly name: pulumi.Output<string>;
	/** The pool that holds it, as it was given. */
	declare readonly pool: pulumi.Output<string>;
	/** Disk format. */
	declare readonly format: pulumi.Output<"qcow2" | "raw">;
	/** libvirt's key of the volume; also the id. */
	declare readonly key: pulumi.Output<string>;
	/** Path on the host. */
	declare readonly path: pulumi.Output<string>;
	/** Virtual size in bytes. */
	declare readonly capacityBytes: pulumi.Output<number>;
	/** How the content came to be. */
	declare readonly made: pulumi.Output<VolumeFacts["made"]>;
	/** `sha256:...` of an uploaded volume's content, or of what an image with scripts is made of. */
	declare readonly contentId: pulumi.Output<string | undefined>;
	/** What a clone was made from. */
	declare readonly lineage: pulumi.Output<Lineage | undefined>;
	/** Milliseconds that the create took. */
	declare readonly timings: pulumi.Output<{ createMs: number }>;

	constructor(name: string, args: VolumeArgs, opts?: pulumi.CustomResourceOptions) {
		const { base } = args ?? {};
		const source = args?.source === undefined ? undefined : withContentHash(name, args.source);
		const baseContentId = args?.baseContentId ?? (base instanceof Volume ? contentIdOf(base) : undefined);
		const injected = injectedInto(args, baseContentId) ?? replicated(args);
		const named = source ?? injected;
		const format =
			args?.format ??
			(source ? pulumi.unsecret(source.apply((s) => (s.cloudInit || s.archive ? "raw" : "qcow2"))) : "qcow2");
		super(
			"Volume",
			name,
			{
				...args,
				source: source?.apply(({ tag, ...rest }) => rest),
				name: args?.name ?? nameOf(name, format, named),
				format,
				pool: idOf(args?.pool),
				base: idOf(base),
				baseDomain: idOf(args?.baseDomain),
				foreignBase: [base, args?.baseDomain].some(isOfPulumiLibvirt) || undefined,
				baseContentId,
			},
			["key", "path", "capacityBytes", "made", "contentId", "lineage", "timings"],
			{ deleteBeforeReplace: isDeletedFirst(args, named), ...opts },
			args,
		);
		const contentId =
			injected?.apply(({ contentId }) => contentId) ??
			source?.apply(({ sha256 }) => (sha256 === undefined ? undefined : `sha256:${sha256}`));
		rememberContent(this, contentId);
	}
}

/**
 * New content gets a new name, so the new volume can be there before its users let go of the old one. On another host it
 * can as well: whether it goes there the diff tells.
 */
function isDeletedFirst(args: VolumeArgs, named: object | undefined): boolean | undefined {
	if (named && args?.name === undefined) return false;
	return args?.movable === undefined ? true : undefined;
}

type PlainSource = pulumi.Unwrap<SourceArgs>;

/** What a name tells of the content. */
type Named = Pick<PlainSource, "cloudInit" | "archive"> & { tag: string };
type NamedContent = pulumi.Output<Named & { contentId: string | undefined }>;

/** Given by a component beside the arguments. */
interface InjectedArgs {
	injected?: pulumi.Input<InjectedInput> | undefined;
	replicaOf?: ReplicaOf | undefined;
	sizeOf?: { uri: pulumi.Input<string>; volume: pulumi.Input<string> } | undefined;
}

/** A volume on another host. */
interface ReplicaOf {
	uri: string;
	volume: pulumi.Input<string>;
	contentId: pulumi.Output<string | undefined>;
}

/** The content of a volume on another host. */
function replicated(args: VolumeArgs & InjectedArgs): NamedContent | undefined {
	if (args?.replicaOf === undefined) return undefined;
	return args.replicaOf.contentId.apply((contentId) => ({
		tag: createHash("sha256").update(`${contentId}`).digest("hex").slice(0, 8),
		contentId,
	}));
}

/** Eight hex digits that stand for a base and what is put into it, and the content that comes of both, where it is known. */
function injectedInto(
	args: VolumeArgs & InjectedArgs,
	baseContentId: pulumi.Input<string | undefined>,
): NamedContent | undefined {
	if (args?.injected === undefined) return undefined;
	const base = idOf(args.base) ?? idOf(args.baseDomain);
	// Hashes give nothing away.
	return pulumi.unsecret(
		pulumi.all([args.injected, base, baseContentId]).apply(([{ version }, reference, content]) => ({
			tag: createHash("sha256").update(`${version}\n${reference}\n${content}`).digest("hex").slice(0, 8),
			contentId: content === undefined ? undefined : injectedContentId(content, { version }),
		})),
	);
}

/** The source with a file's hash filled in, and eight hex digits that stand for the content. */
function withContentHash(name: string, source: pulumi.Input<SourceArgs>): pulumi.Output<PlainSource & { tag: string }> {
	return pulumi.output(source).apply(async (plain: PlainSource) => {
		const sha256 = plain.sha256 ?? (plain.file === undefined ? undefined : await hashOf(name, plain.file));
		const tag = (sha256 ?? createHash("sha256").update(JSON.stringify(plain)).digest("hex")).slice(0, 8);
		return { ...plain, ...(sha256 === undefined ? {} : { sha256 }), tag };
	});
}

/** The program ends with it: so it says which resource it is. */
async function hashOf(name: string, file: string): Promise<string> {
	return fileSha256(file).catch((error) => {
		throw new pulumi.RunError(`Volume ${name}: source.file: ${error.message}`);
	});
}

function nameOf(
	name: string,
	format: pulumi.Input<string>,
	named: pulumi.Output<Named> | undefined,
): pulumi.Input<string> {
	const owner = ownerIdOf(name);
	if (!named && typeof format === "string") return defaultName(name, owner, format);
	if (!named) return pulumi.output(format).apply((extension) => defaultName(name, owner, extension));
	// Eight digits of a hash give nothing away, and a secret name would make the path and the id secret, too.
	return pulumi.unsecret(
		pulumi.all([format, named]).apply(([f, { tag, cloudInit, archive }]) => {
			const extension = cloudInit ? "iso" : archive ? "tar" : f === "raw" ? "img" : f;
			return defaultName(name, owner, extension, tag);
		}),
	);
}
