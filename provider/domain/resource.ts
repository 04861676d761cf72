import * as pulumi from "@pulumi/pulumi";
import { type HostArgs, idOf, LibvirtResource, type Reference } from "../dynamic";
import type { ForkedFacts } from "../fork/forked";
import { isLater } from "../later";
import type { InstanceTypeName } from "../morph/instance-types";
import type { AgentPolicyArgs, HeadroomArgs, InstanceTypeArgs, MigrationArgs, MorphArgs } from "./morph-args";
import { readSteps } from "./morph-file";
import type { DomainFacts } from "./schema";
import { ofType } from "./typed";

export type {
	AgentPolicyArgs,
	HeadroomArgs,
	InstanceTypeArgs,
	MigrationArgs,
	MorphArgs,
	MorphPhasesArgs,
	MorphStepArgs,
	MorphToolArgs,
	MorphToolPackageArgs,
	MorphToolScriptArgs,
	MorphTransferArgs,
} from "./morph-args";

export interface DiskArgs {
	/** The volume: a resource, or its key or path. */
	volume: Reference;
	/**
	 * Format of the volume.
	 * @default looked up on the host
	 */
	format?: pulumi.Input<"qcow2" | "raw">;
	/** What the guest sees it as. @default "disk" */
	device?: pulumi.Input<"disk" | "cdrom">;
	/**
	 * Device name in the guest's order: vda, sdb, ...
	 * @default the next free one of the bus
	 */
	target?: pulumi.Input<string>;
	/** Bus that it is attached to. @default "virtio", for a cdrom "sata" */
	bus?: pulumi.Input<"virtio" | "scsi" | "sata">;
	/** Whether the guest cannot write to it. @default false; a cdrom is always read-only */
	readOnly?: pulumi.Input<boolean>;
	/**
	 * Serial number that the guest sees, 1 to 20 characters.
	 * @default none
	 */
	serial?: pulumi.Input<string>;
	/**
	 * Host cache mode.
	 * @default "default": the hypervisor's
	 */
	cache?: pulumi.Input<"default" | "none" | "writeback" | "writethrough" | "directsync" | "unsafe">;
	/**
	 * Place in the boot order, 1 is first.
	 * @default disks in the order given
	 */
	bootOrder?: pulumi.Input<number>;
}

/** A network interface: exactly one of `network`, `bridge` and `user`. */
export interface NicArgs {
	/** A libvirt network: a resource, or its UUID or name. */
	network?: Reference;
	/** A bridge device of the host. */
	bridge?: pulumi.Input<string>;
	/** User-mode networking: no privileges, no address reachable from the host. */
	user?: pulumi.Input<boolean>;
	/**
	 * MAC address.
	 * @default a function of the owner and the position: the same in every run
	 */
	mac?: pulumi.Input<string>;
	/** Model of the network card that the guest sees. @default "virtio" */
	model?: pulumi.Input<"virtio" | "e1000" | "e1000e" | "rtl8139">;
}

/** What the firmware tells the guest of the machine; what is not given stays as it is without. */
export interface SmbiosArgs {
	/** Serial number of the system, 1 to 255 printable ASCII characters. @default none */
	serial?: pulumi.Input<string>;
	/** OEM strings, of the same form. @default none */
	oemStrings?: pulumi.Input<pulumi.Input<string>[]>;
}

export interface CpuArgs {
	/** Which CPU the guest sees. @default "host-model" with KVM, QEMU's own default without */
	mode?: pulumi.Input<"host-passthrough" | "host-model" | "maximum" | "custom">;
	/** CPU model, for mode `custom`. @default none; required for mode `custom` */
	model?: pulumi.Input<string>;
	/**
	 * CPU features by name, beside what `model` has: `require` shows it to the guest, `disable` hides it.
	 * @default those of the model
	 * @example { avx2: "disable" }
	 */
	features?: pulumi.Input<Record<string, pulumi.Input<"require" | "disable">>>;
	/**
	 * Whether the machine is not started where the host gives another CPU than `model` and `features`: `full` takes exactly
	 * that one, `partial` one that has all of it as libvirt knows it, `none` any. Needs `model`.
	 * @default libvirt's: "partial" with KVM, "none" without
	 */
	check?: pulumi.Input<"none" | "partial" | "full">;
	/** Sockets x cores x threads must be the (maximum) number of vCPUs. @default one core per socket */
	sockets?: pulumi.Input<number>;
	/** Cores per socket. @default 1 */
	cores?: pulumi.Input<number>;
	/** Threads per core. @default 1 */
	threads?: pulumi.Input<number>;
}

/** Boot a kernel from the host's file system instead of the disk's boot loader. */
export interface BootArgs {
	/** Absolute path on the host. */
	kernel: pulumi.Input<string>;
	/** Absolute path on the host. @default none */
	initrd?: pulumi.Input<string>;
	/** Kernel command line. @default none */
	cmdline?: pulumi.Input<string>;
}

export interface GuestFileArgs {
	/** Absolute path in the guest. */
	path: pulumi.Input<string>;
	/** Text of the file. */
	content: pulumi.Input<string>;
	/** Octal permissions. @default "0644" */
	mode?: pulumi.Input<string>;
	/** How the content is given: as it is, or in base64, for what is no text. @default "text" */
	encoding?: pulumi.Input<"text" | "base64">;
}

/** What the guest agent does once, right after the first start. */
export interface GuestSetupArgs {
	/** Host name to set. @default none */
	hostname?: pulumi.Input<string>;
	/** Files to write. @default none */
	files?: pulumi.Input<pulumi.Input<GuestFileArgs>[]>;
	/**
	 * Addresses that the first NIC is to have from then on, for a network without DHCP; in the way of netplan,
	 * NetworkManager, systemd-networkd or ifupdown, whichever the image has.
	 * @default what the image does by itself
	 */
	network?: pulumi.Input<GuestNetworkArgs | undefined>;
}

/** Addresses of a NIC, and who its neighbours are. */
export interface GuestNetworkArgs {
	/** Each with its prefix, such as `10.0.0.10/24`. */
	addresses: pulumi.Input<pulumi.Input<string>[]>;
	/** Routers, at most one of each family. @default none */
	gateways?: pulumi.Input<pulumi.Input<string>[]>;
	/** Name servers. @default as it is */
	nameservers?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What the create waits for. Waiting holds one of the engine's parallel slots. */
export interface WaitForArgs {
	/** The guest agent answers. @default false */
	agent?: pulumi.Input<boolean>;
	/**
	 * The machine has an address: seen by the guest `agent`, as a DHCP `lease` of the network, in the host's `arp` table,
	 * or by whichever tells first (`auto`). A lease from before the start does not count until the guest asks for it again.
	 * @default "none"
	 */
	address?: pulumi.Input<"none" | "auto" | "lease" | "agent" | "arp">;
	/** Seconds until the wait is given up, which leaves the machine running and recorded. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
}

/** A command in the guest that says whether the machine does what it is for. Needs the guest agent. */
export interface HealthCheckArgs {
	/**
	 * Program and arguments, run by the guest agent, without a shell. Exit code 0 is healthy. A secret among them is not
	 * shown, but the guest's process list has it.
	 * @example ["curl", "--fail", "--silent", "http://localhost/health"]
	 */
	exec: pulumi.Input<pulumi.Input<string>[]>;
	/** Seconds until the check is given up, which leaves the machine running and recorded. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
	/** Seconds between two attempts. @default 5 */
	intervalSeconds?: pulumi.Input<number>;
}

/** What a machine's disk was cloned from. */
export interface DomainLineageArgs {
	/** Path of the volume. */
	base: pulumi.Input<string>;
	/** `sha256:...` of its content where known, else `stat:...`: its size and time of change. */
	baseContentId: pulumi.Input<string>;
}

export interface DomainArgs extends HostArgs {
	/**
	 * Name of the domain on the host.
	 * @default the resource's name
	 */
	name?: pulumi.Input<string>;
	/**
	 * UUID of the machine, which the guest sees as well (SMBIOS). Another one is another machine.
	 * @default random
	 */
	uuid?: pulumi.Input<string>;
	/** Free text in the domain's description. @default none */
	description?: pulumi.Input<string>;
	/**
	 * A domain whose hardware is copied: memory, vCPUs, machine, firmware, devices. What is given here overrides it; its
	 * first disk is replaced by the first of `disks`. It must be shut off.
	 * @default none: generated from these arguments
	 */
	template?: Reference;
	/**
	 * Accelerator: `kvm`, `qemu` (TCG, emulation), or whichever really runs guests on the host.
	 * @default "auto"
	 */
	type?: pulumi.Input<"auto" | "kvm" | "qemu">;
	/** Architecture of the guest. @default "x86_64" */
	arch?: pulumi.Input<"x86_64" | "aarch64">;
	/** Machine type. @default "q35", for aarch64 "virt" */
	machine?: pulumi.Input<string>;
	/** Firmware that the machine boots with. @default "bios", for aarch64 "uefi" */
	firmware?: pulumi.Input<"bios" | "uefi" | "uefi-secure">;
	/** Memory of the guest in MiB. @default 1024 */
	memoryMiB?: pulumi.Input<number>;
	/** Ceiling to which the memory can grow while the machine runs. @default memoryMiB */
	maxMemoryMiB?: pulumi.Input<number>;
	/** Number of vCPUs. @default 1 */
	vcpus?: pulumi.Input<number>;
	/** Ceiling to which vCPUs can be added while the machine runs. @default vcpus */
	maxVcpus?: pulumi.Input<number>;
	/**
	 * How large the machine is: the name of a built-in type (nano, micro, small, medium, large, xlarge, 2xlarge), or
	 * `{ vcpus, memoryMiB, nics, devices }`, also from a catalogue of your own (`InstanceTypes`). In place of `vcpus` and
	 * `memoryMiB`; what else it has comes after the machine's own.
	 * Another type is taken while the machine runs, within its `headroom`; see docs/morphing.md.
	 * @default none: vcpus and memoryMiB
	 * @example "small"
	 */
	instanceType?: pulumi.Input<InstanceTypeName | InstanceTypeArgs>;
	/**
	 * What it can grow to while it runs.
	 * @default with an instanceType see the fields; without one none
	 */
	headroom?: pulumi.Input<HeadroomArgs>;
	/**
	 * Steps around and between the changes of vCPUs and memory of a machine that goes on running, and around its way to
	 * another host.
	 * @default the changes alone
	 */
	morph?: pulumi.Input<MorphArgs>;
	/** What changes of it may do in its guest while it runs. @default see the fields */
	agentPolicy?: pulumi.Input<AgentPolicyArgs>;
	/** CPU model and topology. @default see the fields */
	cpu?: pulumi.Input<CpuArgs>;
	/** What the firmware tells the guest of the machine (SMBIOS). @default libvirt's */
	smbios?: pulumi.Input<SmbiosArgs>;
	/** Disks; the guest boots from the first. @default none */
	disks?: pulumi.Input<DiskArgs>[];
	/** Network interfaces. @default none */
	nics?: pulumi.Input<NicArgs>[];
	/** Direct kernel boot. @default none: the firmware boots a disk */
	boot?: pulumi.Input<BootArgs>;
	/** Absolute path on the host of a file that receives the serial console. @default none */
	consoleLog?: pulumi.Input<string>;
	/** Channel for the QEMU guest agent. @default true */
	agent?: pulumi.Input<boolean>;
	/** virtio random number generator. @default true */
	rng?: pulumi.Input<boolean>;
	/** Display; `vnc` listens on the host's loopback address. @default "none" */
	graphics?: pulumi.Input<"none" | "vnc">;
	/** Whether the machine runs. Turning it off shuts the guest down. @default true */
	running?: pulumi.Input<boolean>;
	/** Start the machine together with the host. @default false */
	autostart?: pulumi.Input<boolean>;
	/** Seconds that a guest has to shut down by itself before it is powered off; 0 powers off at once. @default 60 */
	shutdownTimeoutSeconds?: pulumi.Input<number>;
	/**
	 * What a change does that a running machine cannot take: `restart` the machine now, or `defer` it to the next start.
	 * @default "restart"
	 */
	onRestartRequired?: pulumi.Input<"restart" | "defer">;
	/** What the guest agent does after the first start; needs an image with the agent. @default nothing */
	guestSetup?: pulumi.Input<GuestSetupArgs>;
	/** What the create waits for. @default nothing */
	waitFor?: pulumi.Input<WaitForArgs>;
	/**
	 * What the guest has to show beyond that for a create to be done; not looked at again by later updates.
	 * @default nothing
	 */
	healthCheck?: pulumi.Input<HealthCheckArgs>;
	/**
	 * Which stacks may clone it with scripts (`ClonedInstanceWithInit`): patterns of organization, project and stack, such as
	 * `acme/web/*`. Its own stack always may. Recorded in the domain's metadata.
	 * @default whoever the host lets in
	 */
	cloneableBy?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * How the machine's host reaches another one, when `uri` becomes that of another host: the machine moves there, while it
	 * runs or as it is off. Its volumes have to be `movable`, with the same `uri`.
	 * @default by `uri`, where that has a host name
	 */
	migration?: pulumi.Input<MigrationArgs>;
	/** Recorded in the domain's metadata: what its disk was cloned from. @default none */
	lineage?: pulumi.Input<DomainLineageArgs>;
	/**
	 * A `<domain>` fragment merged into the generated XML; see docs/extra-xml.md.
	 * @default none
	 */
	extraXml?: pulumi.Input<string>;
}

/** A virtual machine. Its id is its UUID, which stays the same for as long as the machine exists. */
export class Domain extends LibvirtResource {
	/** Name on the host. */
	declare readonly name: pulumi.Output<string>;
	/** libvirt's UUID of the domain; also the id. */
	declare readonly uuid: pulumi.Output<string>;
	/** MAC address of each NIC. */
	declare readonly macs: pulumi.Output<string[]>;
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	declare readonly addresses: pulumi.Output<string[]>;
	/** "kvm" or "qemu" (TCG). */
	declare readonly accelerator: pulumi.Output<"kvm" | "qemu">;
	/** Of a forked machine: what it is by its own account. Undefined for others. */
	declare readonly forked: pulumi.Output<ForkedFacts> | undefined;
	/** Of a forked machine: what its next power-on does. Undefined for others. */
	declare readonly nextStart: pulumi.Output<DomainFacts["nextStart"]> | undefined;
	/** Of a forked machine: whether it is off because it has given way to others. Undefined for others. */
	declare readonly preempted: pulumi.Output<boolean> | undefined;
	/** Of a clone with init scripts: what has become of them. Undefined for others. */
	declare readonly scripts: pulumi.Output<DomainFacts["scripts"]> | undefined;
	/**
	 * With `agentPolicy`: what has become of the tools that its last change needed in the guest, by their names. Undefined
	 * before there was one, and for other machines.
	 */
	declare readonly morphTools: pulumi.Output<DomainFacts["morphTools"]> | undefined;
	/** Milliseconds of each step of the create. */
	declare readonly timings: pulumi.Output<DomainFacts["timings"]>;

	constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
		const disks = each(args?.disks, (disk: DiskArgs) => ({ ...disk, volume: idOf(disk.volume) }));
		const reached = (nic: NicArgs) => ({ ...nic, network: idOf(nic.network) });
		const { instanceType, cpu, extraXml } = args ?? {};
		const typed = ofType({ instanceType, cpu, extraXml, nics: each(args?.nics, reached) }, plainly(reached));
		const morph = readSteps(args?.morph, name);
		super(
			"Domain",
			name,
			{ name, ...args, ...typed, template: idOf(args?.template), morph, disks },
			[
				"uuid",
				"macs",
				"addresses",
				"accelerator",
				"timings",
				...("fork" in (args ?? {}) ? ["forked", "nextStart", "preempted"] : []),
				...("agentPolicy" in (args ?? {}) ? ["morphTools"] : []),
				...("init" in (args ?? {}) ? ["scripts"] : []),
			],
			opts,
			// Steps from a stored template may have secrets of its own, and what is read from a file as well.
			morph === undefined ? args : { ...args, morph },
		);
	}
}

/** What is no list, or no group, goes as it is to the check, which refuses it by its name. */
function each<T extends object>(list: ReadonlyArray<pulumi.Input<T>> | undefined, change: (item: T) => object) {
	if (!Array.isArray(list)) return list as undefined;
	return list.map(plainly(change));
}

function plainly<T extends object>(change: (item: T) => object): (item: pulumi.Input<T>) => unknown {
	const changed = (item: T) => (typeof item === "object" && item !== null ? change(item) : item);
	return (item) => (isLater(item) ? pulumi.output(item).apply((plain) => changed(plain as T)) : changed(item as T));
}
