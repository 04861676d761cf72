import type * as pulumi from "@pulumi/pulumi";
import type {
	DomainArgs,
	HeadroomArgs,
	InstanceTypeArgs,
	MigrationArgs,
	MorphArgs,
	WaitForArgs,
} from "../../provider/domain/resource";
import type { Reference } from "../../provider/dynamic";
import type { InstanceTypeName } from "../../provider/morph/instance-types";
import type { DataDiskArgs, DomainOverrides } from "../thin-clone-pool/args";

/** A place for machines: a host, and what there is on it for them. */
export interface MorphHostArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	uri?: pulumi.Input<string>;
	/** The gold image there, which the machines' disks stand on: a volume (a resource, or its key or path). */
	base: Reference;
	/**
	 * Storage pool there that the machines' disks are made in.
	 * @default the base's pool, where the base is a volume resource; required otherwise
	 */
	pool?: Reference;
	/**
	 * Network there of the machines' first NIC.
	 * @default none, or `domain.nics`
	 */
	network?: Reference;
	/**
	 * How the other hosts reach it, when machines come from them.
	 * @default by `uri`, where that has a host name
	 */
	migration?: pulumi.Input<MigrationArgs>;
}

/** A TCP connection that has to come about, from the machine that runs Pulumi. */
export interface MorphConnectArgs {
	/** Port, 1 to 65535. */
	port: pulumi.Input<number>;
	/**
	 * Name or address.
	 * @default an address of the machine's, as its agent, the DHCP server or the host's ARP table tells it
	 */
	address?: pulumi.Input<string>;
}

/** What a machine has to show: exactly one of `exec`, `hostExec` and `connect`. It is tried until it succeeds. */
export interface MorphHealthCheckArgs {
	/** Program and arguments, run in the guest by its agent and without a shell. Exit code 0 is healthy. */
	exec?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * The same on the host, which is this machine or reached by ssh (`qemu+ssh://`), with the machine's UUID as
	 * `MACHINE_UUID`.
	 */
	hostExec?: pulumi.Input<pulumi.Input<string>[]>;
	/** A TCP connection to the machine. */
	connect?: pulumi.Input<MorphConnectArgs>;
	/** Seconds until it is given up, which leaves the machine as it is, and those after it as they were. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
	/** Seconds between two attempts. @default 5 */
	intervalSeconds?: pulumi.Input<number>;
}

/** What one machine has different from the others. */
export interface MorphMemberArgs {
	/**
	 * How large it is.
	 * @default the set's
	 */
	instanceType?: pulumi.Input<InstanceTypeName | InstanceTypeArgs>;
	/**
	 * Name of its host, one of `hosts`.
	 * @default the set's
	 */
	host?: string;
	/**
	 * Its steps, in place of the set's.
	 * @default the set's
	 */
	morph?: pulumi.Input<MorphArgs>;
	/**
	 * MAC address of its first NIC, which it takes to every host.
	 * @default a function of the stack and its name: the same in every run
	 */
	mac?: pulumi.Input<string>;
	/**
	 * Whether it runs.
	 * @default the set's
	 */
	running?: pulumi.Input<boolean>;
}

/** What of the machines can be set through `domain`: all but what the set says itself. */
export type MorphDomainArgs = Omit<
	DomainOverrides,
	"instanceType" | "headroom" | "morph" | "vcpus" | "maxVcpus" | "memoryMiB" | "maxMemoryMiB" | "onRestartRequired"
>;

export interface MorphMigrationArgs {
	/** The hosts on which machines can be, by a name each. One stays here until all machines have left it. */
	hosts: Record<string, MorphHostArgs>;
	/**
	 * Name of the host that the machines are on. Another one is a move: while they run, one after the other.
	 * @default the only one of `hosts`; required with several
	 */
	host?: string;
	/**
	 * Number of machines, named `<namePrefix>-0`, `<namePrefix>-1`, ...
	 * @default 0, with `members`
	 */
	count?: number;
	/**
	 * Named machines, instead of or beside `count`: a list of names, or names with what each has different. The names follow
	 * the prefix.
	 * @default none
	 */
	members?: string[] | Record<string, MorphMemberArgs>;
	/**
	 * Start of the machines' names on the host.
	 * @default the component's name
	 */
	namePrefix?: string;
	/**
	 * How large the machines are: the name of a built-in type (nano, micro, small, medium, large, xlarge, 2xlarge), or
	 * `{ vcpus, memoryMiB }`, also from a catalogue of your own (`InstanceTypes`), with the disks that machines of it have.
	 * Another one is taken while they run, one after the other.
	 * @default none: that of each member
	 */
	instanceType?: pulumi.Input<InstanceTypeName | InstanceTypeArgs>;
	/**
	 * What they can grow to while they run.
	 * @default see the fields
	 */
	headroom?: pulumi.Input<HeadroomArgs>;
	/**
	 * Steps around and between the changes of a machine, or a file that has them.
	 * @default the changes alone
	 * @example { file: "drain.yaml" }
	 */
	morph?: pulumi.Input<MorphArgs>;
	/**
	 * How many machines are changed at the same time. What cannot be done with one of them stops the others that have not
	 * begun: they stay as they were. Machines that are made for the first time are made all at once.
	 * @default 1
	 */
	maxParallel?: number;
	/**
	 * What a machine has to show whenever it was made or changed, before the next one's turn.
	 * @default nothing
	 */
	healthCheck?: pulumi.Input<MorphHealthCheckArgs>;
	/**
	 * What a change does that a running machine cannot take: `restart` it in its turn, or `defer` it to its next start.
	 * @default "restart"
	 */
	onRestartRequired?: DomainArgs["onRestartRequired"];
	/**
	 * Hardware of the machines beside their size.
	 * @default see the fields
	 */
	domain?: MorphDomainArgs;
	/**
	 * Size of the system disk in GiB; at least the base's.
	 * @default the base's
	 */
	diskSizeGiB?: pulumi.Input<number>;
	/**
	 * Further disks of each machine, which move with it.
	 * @default none
	 */
	dataDisks?: DataDiskArgs[];
	/**
	 * Whether the machines run.
	 * @default true
	 */
	running?: pulumi.Input<boolean>;
	/**
	 * What a machine's create waits for.
	 * @default nothing
	 */
	waitFor?: pulumi.Input<WaitForArgs>;
}
