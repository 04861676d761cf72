/** How a machine changes its shape and place: the arguments of `Domain` for that. */
import type * as pulumi from "@pulumi/pulumi";
import type { MorphTemplate } from "../morph-template/resource";
import type { CpuArgs, NicArgs } from "./resource";

/** How one host reaches another, and how a machine goes there. */
export interface MigrationArgs {
	/**
	 * `live`: it goes while it runs. `paused`: it stands still while its memory is sent, after what its disks hold.
	 * `saveRestore`: its memory is saved into a file beside its first disk, brought there through the machine that runs
	 * Pulumi, and it goes on there at its next instruction; it stands still for as long as that takes. `reboot`: it is shut
	 * down and started there; needs `allowReboot`. `auto`: `live`; where it runs without KVM by a QEMU that loses what
	 * its guest writes meanwhile, `paused`; where its new host lacks what it runs with, `reboot` if that is
	 * allowed.
	 * @default "auto"
	 */
	mode?: pulumi.Input<"auto" | "live" | "paused" | "saveRestore" | "reboot">;
	/** Whether it may be shut down and started anew for a move. @default false */
	allowReboot?: pulumi.Input<boolean>;
	/**
	 * What becomes of devices that its new host does not offer, as far as libvirt there lists it. `refuse`: it does not go, or
	 * by a restart without them. `adapt`: an rng gets another backend there, which its guest does not see; devices of
	 * `extraXml` with an alias of their own (`ua-...`) that are unplugged while it runs are, before it leaves, and come back
	 * at its next start on a host that has them. The preview names each. Not with `mode: "saveRestore"`.
	 * @default "refuse"
	 */
	whenLacking?: pulumi.Input<"refuse" | "adapt">;
	/**
	 * libvirt URI of the new host, as the libvirt daemon of the present one takes it: that makes the connection.
	 * @default `uri`, where that has a host name
	 * @example "qemu+tls://hypervisor-2/system"
	 */
	peerUri?: pulumi.Input<string>;
	/** Name or address of the new host to which memory and disks are sent, by TCP. @default the host name in `peerUri` */
	address?: pulumi.Input<string>;
	/**
	 * Folder of Unix sockets by which memory and disks are sent, in place of TCP: on the new host QEMU listens there, at
	 * `NAME.sock` and `NAME.disks.sock`; on the present one a tunnel of yours listens at the same paths and leads to them.
	 * QEMU's user may write there on both. Up to 91 bytes. Without `address` and `tls`. @default none: by TCP
	 * @example "/run/to-hypervisor-2"
	 */
	socketFolder?: pulumi.Input<string>;
	/**
	 * Whether memory and disks are sent encrypted (TLS), by the certificates that QEMU has on both hosts
	 * (`default_tls_x509_cert_dir` in `qemu.conf`): that of the new host has to name `address`. @default false
	 */
	tls?: pulumi.Input<boolean>;
	/**
	 * Milliseconds that the guest may stand still for the last of its memory: QEMU's downtime limit. A quarter and half of
	 * it are tried first. The hand-over to the new host comes on top. @default 300
	 */
	maxPauseMs?: pulumi.Input<number>;
	/**
	 * What becomes of a guest that changes its memory faster than it is sent. `throttle`: it is slowed down, more and more;
	 * it stays where it is when even that is not enough. `suspend`: it stands still until the rest is sent, however long
	 * that takes. `abort`: it stays where it is. The last two after `timeoutSeconds`.
	 * @default "throttle"
	 */
	onNoConvergence?: pulumi.Input<"throttle" | "suspend" | "abort">;
	/** Seconds from when all memory has been sent once until it is given up or suspended. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
	/** MiB that are sent in a second at most, of memory and of each disk. @default as much as goes */
	bandwidthMiBps?: pulumi.Input<number>;
}

/** A NIC that machines of a type have: exactly one of `network`, `bridge` and `user`. */
export interface NicOfTypeArgs extends Omit<NicArgs, "mac"> {}

/** Which CPU machines of a type have. */
export interface CpuOfTypeArgs extends Pick<CpuArgs, "mode" | "model" | "features" | "check"> {}

/** A size of a machine. */
export interface InstanceTypeArgs {
	/** Number of vCPUs, 1 to 1024. */
	vcpus: pulumi.Input<number>;
	/** Memory in MiB, a multiple of 4: the unit in which a running guest takes and gives memory. */
	memoryMiB: pulumi.Input<number>;
	/** Which CPU their guests see; what a machine's own `cpu` says goes before it. @default as without a type */
	cpu?: pulumi.Input<CpuOfTypeArgs>;
	/** NICs that machines of this type have after their own. @default none */
	nics?: pulumi.Input<NicOfTypeArgs>[];
	/**
	 * Other devices that they have: elements as they are in `<devices>` of a definition, each with an `<alias>` whose name
	 * begins with `ua-`, by which it is told from others. Plugged in and out where the template (`morph`) has a step for
	 * devices, else by a restart.
	 * @default none
	 */
	devices?: pulumi.Input<string>[];
	/**
	 * Disks that they have after their own: empty at first, and gone with what is on them when a machine gets a type without
	 * them. Of machines of a `MorphMigration`, which makes their volumes; the type is no output then.
	 * @default none
	 */
	disks?: DiskOfTypeArgs[];
}

/** A disk that machines of a type have, empty at first. */
export interface DiskOfTypeArgs {
	/** Size in GiB. */
	sizeGiB: pulumi.Input<number>;
	/** Format. @default "qcow2" */
	format?: pulumi.Input<"qcow2" | "raw">;
	/** Serial number that the guest sees (`/dev/disk/by-id/virtio-<serial>`). @default "type-0", "type-1", ... */
	serial?: pulumi.Input<string>;
}

/** What a machine can grow to while it runs. Another headroom restarts it. */
export interface HeadroomArgs {
	/** Ceiling of vCPUs, 1 to 1024. @default 16 */
	maxVcpus?: pulumi.Input<number>;
	/** Ceiling of memory in MiB, a multiple of 4. @default 65536 */
	maxMemoryMiB?: pulumi.Input<number>;
	/**
	 * By what it is given memory: `virtioMem` in amounts of 4 MiB, which a guest gives back one by one; `dimm` in modules of
	 * multiples of 128 MiB, 16 at most, which a guest gives back whole, or refuses to.
	 * @default "virtioMem"
	 */
	memoryBy?: pulumi.Input<"virtioMem" | "dimm">;
}

/** One step of a running machine's change of size or host. */
export interface MorphStepArgs {
	/**
	 * `guestExec` runs a program in the guest, by its agent; `hostExec` one on a host, which is this machine or reached by
	 * ssh (`qemu+ssh://`), with the machine's UUID as `MACHINE_UUID`. `custom` runs one in either, unless `check` says that it
	 * has had its effect, and waits until it says so. `vcpus`, `memory`, `disk`, `nic` and `device` (of `extraXml`, with
	 * an alias of its own) put the machine's own change in this place among the others: in `hotUnplug` where it gets less, in `hotPlug` where it gets more. `growFilesystem`, in `hotPlug` and
	 * `postMigration`, has the file system on `mountPoint` take all of its disk, with the partition that it is on.
	 * @default "guestExec"
	 */
	kind?: pulumi.Input<
		"guestExec" | "hostExec" | "custom" | "growFilesystem" | "vcpus" | "memory" | "disk" | "nic" | "device"
	>;
	/**
	 * Of `guestExec`, `hostExec` and `custom`: program and arguments, run without a shell; required there. Exit code 0 is
	 * success. After a crash in the middle it is run once more, of `custom` unless `check` says that it has had its effect.
	 * @default none
	 */
	exec?: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * Of `hostExec`, where the machine moves: the host that it leaves, or the one that it goes to. Of `custom` also "guest",
	 * and "host": where the machine is then.
	 * @default of hostExec "host": in preMigration and hotUnplug "source", else "target"; of custom "guest"
	 */
	on?: pulumi.Input<"guest" | "host" | "source" | "target">;
	/**
	 * Of `custom`, required there: program and arguments whose exit code says whether the step has had its effect: 0 when it
	 * has, and then `exec` is not run; another one when it has not. It is asked before, and then until it says so, for
	 * `timeoutSeconds` at most. What it finds done before is not taken back either.
	 * @default none
	 */
	check?: pulumi.Input<pulumi.Input<string>[]>;
	/** Of `custom`: where `check` runs. @default `on` */
	checkOn?: pulumi.Input<"guest" | "host" | "source" | "target">;
	/**
	 * Of `memory`: by what it changes. `virtioMem` and `dimm` as the machine has room for (`headroom.memoryBy`); `balloon` is
	 * fast, and within what is plugged: what it takes can be had back, and nothing beyond that.
	 * @default what it has room for; below what it was started with the balloon
	 */
	by?: pulumi.Input<"virtioMem" | "dimm" | "balloon">;
	/** Of `growFilesystem`: where it is mounted in the guest; required there. @default none */
	mountPoint?: pulumi.Input<string>;
	/**
	 * Of `growFilesystem`: how large the guest is to see the disk at least, in MiB, such as the volume's `sizeMiB`. Another
	 * value has the steps run, whatever else changes.
	 * @default as large as it is, when something else has the steps run
	 */
	diskMiB?: pulumi.Input<number>;
	/** Of `guestExec`, `hostExec` and `custom`: what takes it back when a later step fails; also when it came only half way. @default nothing */
	undo?: pulumi.Input<pulumi.Input<string>[]>;
	/** Whether it runs at the same time as the step before. @default false */
	parallel?: pulumi.Input<boolean>;
	/** Seconds that the step may take, and as many to take it back. @default 60 */
	timeoutSeconds?: pulumi.Input<number>;
	/**
	 * What its failure does: `compensate` takes back what was done, `abort` leaves it, and the next `up` goes on there,
	 * `continue` (not of the machine's own changes) goes on without it. On the new host of a machine that moves `compensate` is
	 * `abort`: nothing is taken back there.
	 * @default "compensate"
	 */
	onFailure?: pulumi.Input<"compensate" | "abort" | "continue">;
}

/** A script that is put into the guest as it is: exactly one of `text` and `file`. */
export interface MorphToolScriptArgs {
	/** The script itself, at most 1 MiB. @default none */
	text?: pulumi.Input<string>;
	/**
	 * Path of a file that has it, from the folder of the Pulumi project; in the file of an environment from that file's.
	 * @default none
	 */
	file?: pulumi.Input<string>;
}

/** A file that a program of the guest installs. */
export interface MorphToolPackageArgs {
	/**
	 * Path of the file, from the folder of the Pulumi project; in the file of an environment from that file's. It keeps its
	 * name in the guest.
	 */
	file: pulumi.Input<string>;
	/**
	 * Program and arguments that install it, run in the guest without a shell; `{file}` stands for the file's path there.
	 * @example ["dpkg", "-i", "{file}"]
	 */
	install: pulumi.Input<pulumi.Input<string>[]>;
	/**
	 * The same for taking it away again.
	 * @example ["dpkg", "-r", "strace"]
	 */
	remove: pulumi.Input<pulumi.Input<string>[]>;
}

/** What steps need in the guest: exactly one of `script` and `package` says how it is added where the guest lacks it. */
export interface MorphToolArgs {
	/** 1 to 63 small letters, digits, dots, underscores and hyphens; no other tool of the template has it. */
	name: pulumi.Input<string>;
	/**
	 * What is looked for: a command, or an absolute path in the guest. Where it is there, nothing is added. Of a `script` the
	 * path at which it is put, in a folder that there is.
	 */
	provides: pulumi.Input<string>;
	/** A script that is put there as it is. @default none; required without package */
	script?: pulumi.Input<MorphToolScriptArgs>;
	/** A file that a program of the guest installs. @default none; required without script */
	package?: pulumi.Input<MorphToolPackageArgs>;
	/** SHA-256 of the content, 64 hex digits. The machine's `agentPolicy.mayAdd` has to have it. */
	sha256: pulumi.Input<string>;
	/**
	 * Of a `package`: environment variables for `install`, by name. They are secrets whatever they are given as, and reach the
	 * guest by standard input. `remove` does not get them.
	 * @default none
	 */
	credentials?: pulumi.Input<Record<string, pulumi.Input<string>>>;
	/** Whether the machine is left as it is when the guest neither has it nor gets it. @default true */
	required?: pulumi.Input<boolean>;
	/** Whether it stays in the guest, instead of being removed at the end. @default false */
	keep?: pulumi.Input<boolean>;
	/** Seconds that it may take to add it, and as many to remove it. @default 120 */
	timeoutSeconds?: pulumi.Input<number>;
}

/** What changes of a machine may do in its guest. */
export interface AgentPolicyArgs {
	/**
	 * Whether they may use the guest agent. Without it what needs it is a restart: fewer vCPUs under emulation, less memory, a
	 * disk that is taken out; and steps in the guest are refused.
	 * @default true
	 */
	use?: pulumi.Input<boolean>;
	/** SHA-256 of each script and package that may be added to the guest. @default none */
	mayAdd?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What belongs to the way to another host. */
export interface MorphTransferArgs {
	/**
	 * `hostExec` runs while the machine stands still on its new host and has not gone on there yet; `guestExec` first thing
	 * when it goes on.
	 * @default nothing
	 */
	duringMigration?: pulumi.Input<pulumi.Input<MorphStepArgs>[]>;
}

/** Steps of each phase, one after the other. Each phase may be left out. */
export interface MorphPhasesArgs {
	/**
	 * Path of a file of YAML or JSON that has the phases, from the folder of the Pulumi project; in the file of an
	 * environment from that file's. In place of all others.
	 * @default none
	 */
	file?: pulumi.Input<string>;
	/** What the steps need in the guest: looked for first, and added as far as `agentPolicy` allows it. @default nothing */
	tools?: pulumi.Input<pulumi.Input<MorphToolArgs>[]>;
	/** Before anything changes. @default nothing */
	preMigration?: pulumi.Input<pulumi.Input<MorphStepArgs>[]>;
	/** Where the machine gives back. @default vCPUs, then memory */
	hotUnplug?: pulumi.Input<pulumi.Input<MorphStepArgs>[]>;
	/** Where the machine goes to another host; left out where it stays. @default nothing */
	migration?: pulumi.Input<MorphTransferArgs>;
	/** Where the machine takes. @default memory, then vCPUs */
	hotPlug?: pulumi.Input<pulumi.Input<MorphStepArgs>[]>;
	/** After all changes. @default nothing */
	postMigration?: pulumi.Input<pulumi.Input<MorphStepArgs>[]>;
}

/** Steps around and between the changes of a machine. */
export interface MorphArgs extends MorphPhasesArgs {
	/** A stored template, in place of all others. @default none */
	template?: MorphTemplate;
}
