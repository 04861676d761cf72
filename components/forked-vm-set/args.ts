import type * as pulumi from "@pulumi/pulumi";
import type { GuestFileArgs, HealthCheckArgs, MigrationArgs } from "../../provider/domain/resource";
import type { Reference } from "../../provider/dynamic";
import type { IdentityPool } from "../../provider/identity/pool/resource";
import type { DataDiskArgs, RollingArgs } from "../thin-clone-pool/args";
import type { InfoArgs } from "./info";

/** A `ForkPoint`, or outputs of one of another stack. */
export interface ForkPointReference {
	/** Its `uuid`. */
	uuid: pulumi.Input<string>;
	/** Its `disk`. */
	disk: pulumi.Input<string>;
	/** Its `pool`. */
	pool: pulumi.Input<string>;
	/** Its `restartAfterFork`. @default none */
	restartAfterFork?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Another host that a child goes on on. */
export interface ForkedHostArgs {
	/** libvirt URI of the host. */
	uri: pulumi.Input<string>;
	/** Storage pool there that its disks are sent into. */
	pool: Reference;
	/** Network there of its NIC. @default the set's `network`, by its name */
	network?: Reference;
	/** How the parent's host reaches it. @default by `uri`, where that has a host name */
	migration?: pulumi.Input<MigrationArgs>;
}

/** What one named child has different from the set. */
export interface ForkedChildArgs {
	/** Host name. @default that of its identity, else its name */
	hostname?: pulumi.Input<string>;
	/** MAC address of the first NIC. @default that of its identity, else a function of the stack and its name */
	mac?: pulumi.Input<string>;
	/** Address with its prefix for the first NIC. @default what DHCP gives */
	address?: pulumi.Input<string>;
	/** Default gateway, with `address`. @default none */
	gateway?: pulumi.Input<string>;
	/** Files to write, besides those of the set. @default none */
	files?: pulumi.Input<pulumi.Input<GuestFileArgs>[]>;
	/** What `info-get NAME` says in it, besides what the set has. @default none */
	info?: InfoArgs;
	/** Size of its memory. @default the set's */
	memoryMiB?: pulumi.Input<number>;
	/** Number of virtual CPUs. @default the set's */
	vcpus?: pulumi.Input<number>;
	/** Another value resets it. @default the set's */
	resetTrigger?: pulumi.Input<string>;
	/** Whether it runs. @default the set's */
	power?: pulumi.Input<"on" | "off">;
	/** Whether it gives way when the host runs short. @default the set's */
	preemptible?: pulumi.Input<boolean>;
	/**
	 * Another host, to which the child moves as it runs: with all of its memory and its whole disk, independent of the parent
	 * from then on, and as who it is. It is forked on the parent's host first, and does not come back.
	 * @default the parent's host
	 */
	host?: ForkedHostArgs;
}

/** How `onParentChange: "rolling"` goes from one parent to the next. */
export type ForkedRollingArgs = Pick<RollingArgs, "batchSize" | "pauseSeconds">;

/** How the licence of a machine is renewed. */
export interface LicenceArgs {
	/** Program and arguments, without a shell; finds the licence id of its machine in the variable LICENCE_ID. */
	command: pulumi.Input<pulumi.Input<string>[]>;
	/** Seconds after which it is ended, and the child with it. @default 30 */
	timeoutSeconds?: pulumi.Input<number>;
}

export interface ForkedVMSetArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	uri?: pulumi.Input<string>;
	/** What the children go on from. It is protected for as long as they exist. */
	parent: ForkPointReference;
	/** Storage pool that the children's disks are made in. @default the parent's pool */
	pool?: Reference;
	/** Number of children, named `<namePrefix>-0`, `<namePrefix>-1`, ... @default 0, with `children` */
	count?: number;
	/** Named children, instead of or beside `count`: a list of names, or names with what each has different. @default none */
	children?: string[] | Record<string, ForkedChildArgs>;
	/** Start of the children's names on the host. @default the component's name */
	namePrefix?: string;
	/**
	 * A pool of identities, of which each child takes one before it has a network: host name, machine-id, MAC address, host
	 * keys and account. Or the `access` of a pool of another stack.
	 * @default none: a child has its own name and a machine-id made of it
	 */
	identityPool?: IdentityPool | pulumi.Input<string>;
	/** Network of the children's NIC, which is plugged in last. @default none */
	network?: Reference;
	/**
	 * Size of each child's memory: at most its parent's `maxMemoryMiB`. It is brought to that when it is connected, by its
	 * balloon.
	 * @default the parent's
	 */
	memoryMiB?: pulumi.Input<number>;
	/** Number of virtual CPUs: the parent's, to its `maxVcpus`. More are plugged in when it is connected. @default the parent's */
	vcpus?: pulumi.Input<number>;
	/** Files to write into each child before it has a network. @default none */
	files?: pulumi.Input<pulumi.Input<GuestFileArgs>[]>;
	/**
	 * Programs with arguments that run in each child, one after the other, without a shell, once it has its identity and its
	 * network, and before its services are restarted. Each has to end with 0 for the child to be made.
	 * @default none
	 */
	commands?: pulumi.Input<pulumi.Input<pulumi.Input<string>[]>[]>;
	/**
	 * What `info-get NAME` says in each child, to root: licence keys, endpoints, settings. Its host name, machine-id,
	 * addresses and gateway the guest knows by itself.
	 * @default none
	 * @example { licence: "A-117" }
	 */
	info?: InfoArgs;
	/** Further disks of each child, plugged in with the NIC. @default none */
	dataDisks?: DataDiskArgs[];
	/** Whether the children run. One that is off is defined, and is forked when it is turned on. @default "on" */
	power?: pulumi.Input<"on" | "off">;
	/**
	 * Whether the children give way to machines that are not preemptible, when the host has too little memory for these to
	 * start: the last started first. The next `up` that finds room turns them on again.
	 * @default false
	 */
	preemptible?: pulumi.Input<boolean>;
	/**
	 * How many children that are off wait in QEMU, on the parent's memory, so that turning one on takes only the load of
	 * its devices: the first ones of those that are off. Each takes some 40 MiB of the host's memory. One that boots from
	 * its own disk when it is turned on does not wait.
	 * @default 0
	 */
	warm?: pulumi.Input<number>;
	/**
	 * What is left of a child when it is off: its disk, which it boots from, or, with `nonPersistent`, nothing: each
	 * power-on goes on from the parent again.
	 * @default "persistent"
	 */
	disk?: pulumi.Input<"persistent" | "nonPersistent">;
	/**
	 * What renews the licence of each child: a program in the guest, run once the child has its network and before the
	 * services that are restarted. Needs an `identityPool` with licence ids.
	 * @default none
	 * @example { command: ["/opt/cad/bin/activate", "--server", "licences.example.com"] }
	 */
	licence?: pulumi.Input<LicenceArgs>;
	/** Any text; another one resets the children, which stay who they are. Taking it away does nothing. @default none */
	resetTrigger?: pulumi.Input<string>;
	/**
	 * What a reset comes to: a boot from its own disk, or another fork from its parent, where what it wrote is lost.
	 * @default "boot"; "refork" for disks that are not persistent, which nothing else can come to
	 */
	onReset?: pulumi.Input<"boot" | "refork">;
	/** Services to restart in each child, besides those that its parent names. @default none */
	restartAfterFork?: pulumi.Input<pulumi.Input<string>[]>;
	/** What has to succeed in a child for it to be made. @default nothing */
	healthCheck?: pulumi.Input<HealthCheckArgs>;
	/** Seconds from the fork of a child until it is connected. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
	/**
	 * What another parent (of another image, or made ready in another way) means for children that exist: `keep` them,
	 * `replace` them at once, or `rolling`: batch by batch. What they wrote to their system disk is lost then; data disks
	 * stay.
	 * @default "keep"
	 */
	onParentChange?: "keep" | "replace" | "rolling";
	/** Batches of `rolling`. A batch is done when its children are forked, healthy and connected. @default one at a time */
	rolling?: ForkedRollingArgs;
	/** How many children are made, changed or removed at the same time. @default the engine's parallelism */
	maxParallel?: number;
}
