import type * as pulumi from "@pulumi/pulumi";
import type { DomainArgs, HealthCheckArgs, WaitForArgs } from "../../provider/domain/resource";
import type { Reference } from "../../provider/dynamic";
import type { IdentityPool } from "../../provider/identity/pool/resource";
import type { BaseDomainArgs } from "../base";

/** A file to put into a clone. */
export interface CloneFileArgs {
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
	 * How the content is given: as it is, or in base64, for what is no text.
	 * @default "text"
	 */
	encoding?: pulumi.Input<"text" | "base64">;
}

/** What makes one clone different from the next. */
export interface CustomizeArgs {
	/**
	 * How it reaches the guest: a `cloud-init` seed image that the guest reads at its first boot, the `guest-agent` once
	 * the machine runs, or an archive that the firmware shows (`fw-cfg`), for an image that unpacks it at every boot
	 * (docs/identities.md). The image has to have what it takes.
	 * @default "cloud-init"
	 */
	channel?: "cloud-init" | "guest-agent" | "fw-cfg";
	/**
	 * Host name.
	 * @default that of its identity, else the instance's name
	 */
	hostname?: pulumi.Input<string>;
	/**
	 * Files to write.
	 * @default none
	 */
	files?: pulumi.Input<CloneFileArgs>[];
	/**
	 * cloud-init user data; needs the channel `cloud-init`.
	 * @default none
	 */
	userData?: pulumi.Input<string>;
	/**
	 * cloud-init network configuration; needs the channel `cloud-init`.
	 * @default none: DHCP
	 */
	networkConfig?: pulumi.Input<string>;
	/**
	 * A `<domain>` fragment merged into this machine's XML, in place of the one in `domain`; see docs/extra-xml.md.
	 * @default none
	 */
	extraXml?: pulumi.Input<string>;
}

/** A disk of its own for each clone, empty at first. */
export interface DataDiskArgs {
	/** Size in GiB. */
	sizeGiB: pulumi.Input<number>;
	/**
	 * Format.
	 * @default "qcow2"
	 */
	format?: pulumi.Input<"qcow2" | "raw">;
	/**
	 * Serial number that the guest sees (`/dev/disk/by-id/virtio-<serial>`).
	 * @default "data-0", "data-1", ...
	 */
	serial?: pulumi.Input<string>;
}

/** What one named instance has different from the pool. */
export interface InstanceArgs {
	/**
	 * Customisation, merged over the pool's.
	 * @default the pool's
	 */
	customize?: CustomizeArgs;
	/**
	 * MAC address of the first NIC.
	 * @default that of its identity, else a function of the stack and the instance's name: the same in every run
	 */
	mac?: pulumi.Input<string>;
	/**
	 * Memory in MiB.
	 * @default the pool's
	 */
	memoryMiB?: pulumi.Input<number>;
	/**
	 * Number of vCPUs.
	 * @default the pool's
	 */
	vcpus?: pulumi.Input<number>;
	/**
	 * Size of the cloned disk in GiB.
	 * @default the pool's
	 */
	diskSizeGiB?: pulumi.Input<number>;
	/**
	 * Whether the cloned disk stands alone.
	 * @default the pool's
	 */
	independent?: pulumi.Input<boolean>;
	/**
	 * Whether the machine runs.
	 * @default the pool's
	 */
	running?: pulumi.Input<boolean>;
}

/** What of the machines can be set through `domain`: all but what the pool sets itself. */
export type DomainOverrides = Omit<
	DomainArgs,
	| "uri"
	| "adopt"
	| "previousOwnerIds"
	| "name"
	| "uuid"
	| "smbios"
	| "cloneableBy"
	| "migration"
	| "disks"
	| "template"
	| "running"
	| "waitFor"
	| "healthCheck"
	| "guestSetup"
	| "lineage"
	| "fork"
>;

/** How `onBaseChange: "rolling"` goes from the old base to the new one. */
export interface RollingArgs {
	/**
	 * How many machines are replaced at a time.
	 * @default 1
	 */
	batchSize?: number;
	/**
	 * A command that has to succeed in every machine of a batch, beyond what `waitFor` asks for, before the next batch is
	 * touched. It is run whenever a machine is made.
	 * @default nothing
	 */
	healthCheck?: pulumi.Input<HealthCheckArgs>;
	/**
	 * Seconds between a batch that was replaced and the next, to see how it does.
	 * @default 0
	 */
	pauseSeconds?: number;
}

export interface ThinClonePoolArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	uri?: pulumi.Input<string>;
	/**
	 * The gold image: a volume (a resource, or its key or path), or a template domain. It is protected for as long as
	 * clones of it exist.
	 */
	base: Reference | BaseDomainArgs;
	/**
	 * Storage pool that the clones' volumes are made in.
	 * @default the base's pool, where the base is a volume resource; required otherwise
	 */
	pool?: Reference;
	/**
	 * Number of clones, named `<namePrefix>-0`, `<namePrefix>-1`, ... Growing and shrinking touch only the difference.
	 * @default 0, with `instances`
	 */
	count?: number;
	/**
	 * Named clones, instead of or beside `count`: a list of names, or names with what each has different. The names follow
	 * the prefix.
	 * @default none
	 */
	instances?: string[] | Record<string, InstanceArgs>;
	/**
	 * Start of the machines' names on the host.
	 * @default the component's name
	 */
	namePrefix?: string;
	/**
	 * How to clone: `overlay` (linked clone, any pool), `reflink` (shared extents; needs a file system that supports it),
	 * or `auto`: overlay. No data block is copied in either.
	 * @default "auto"
	 */
	cloning?: "auto" | "overlay" | "reflink";
	/**
	 * Hardware of the machines.
	 * @default see the fields; with a template domain, the template's
	 */
	domain?: DomainOverrides;
	/**
	 * Network of the machines' NIC; for other or more NICs see `domain.nics`.
	 * @default none, or `domain.nics`
	 */
	network?: Reference;
	/**
	 * What makes each clone different; a function is called for each, with its `index` among the
	 * counted, or among the named ones.
	 * @default nothing: no seed image, and the image's own host name
	 */
	customize?: CustomizeArgs | ((instance: { index: number; name: string }) => CustomizeArgs);
	/**
	 * A pool of identities, of which each clone takes one: it gets the identity's host name, MAC address, host keys and
	 * account, and returns it when it is destroyed. Or the `access` of a pool, for instance of another stack.
	 * @default none
	 */
	identityPool?: IdentityPool | pulumi.Input<string>;
	/**
	 * Size of the cloned disk in GiB; at least the base's.
	 * @default the base's
	 */
	diskSizeGiB?: pulumi.Input<number>;
	/**
	 * Further disks of each machine.
	 * @default none
	 */
	dataDisks?: DataDiskArgs[];
	/**
	 * Whether the machines run.
	 * @default true
	 */
	running?: pulumi.Input<boolean>;
	/**
	 * What a clone's create waits for.
	 * @default nothing
	 */
	waitFor?: pulumi.Input<WaitForArgs>;
	/**
	 * What a new base means for clones that exist: `keep` them on the old one, `replace` them at once, `rolling`: batch by
	 * batch, stopping at the first that fails, or `rebase`: their content stays, and they depend on the new base; the
	 * machines have to be off. A replaced machine's disk is lost.
	 * @default "keep"
	 */
	onBaseChange?: "keep" | "replace" | "rolling" | "rebase";
	/**
	 * Batches and health check of `rolling`.
	 * @default one machine at a time, made when `waitFor` says so
	 */
	rolling?: RollingArgs;
	/**
	 * Whether the clones stand alone: the base's blocks are copied into them, live where a machine runs, and nothing
	 * depends on the base any more. It is not undone.
	 * @default false
	 */
	independent?: pulumi.Input<boolean>;
	/**
	 * How many of the pool's disks and machines are made, changed or removed at the same time. What is removed goes by the
	 * number that was recorded with its last create or update.
	 * @default the engine's parallelism
	 */
	maxParallel?: number;
}
