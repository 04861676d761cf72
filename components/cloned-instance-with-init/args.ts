import type * as pulumi from "@pulumi/pulumi";
import type { DomainArgs, WaitForArgs } from "../../provider/domain/resource";
import type { Reference } from "../../provider/dynamic";
import type { BaseDomainArgs, ForkBaseArgs } from "../base";

/**
 * What of a machine's virtual hardware tells a clone which one it is: `mac` (of the first NIC; `mac 1` of the second),
 * `uuid` and `serial` (SMBIOS), `oem PREFIX` (the SMBIOS OEM string that starts so), `disk-serial` (of the first disk), or
 * `tpm` (its endorsement key).
 */
export type IdentifierText = string;

/** Numbers in a row. */
export interface ParameterRangeArgs {
	/** The first. */
	from: number;
	/** The last. */
	to: number;
	/** What the parameter is for them; may have expressions in braces. */
	value: string;
}

/** A parameter that is looked up: exactly one of `table`, `list` and `ranges`. docs/init-parameters.md has all of it. */
export interface ParameterMappingArgs {
	/**
	 * Values by instance (`"0"`) or by id (`"52:54:00:10:00:01"`, of which only the hash is in the image).
	 * @default none
	 */
	table?: Record<string, string>;
	/** Values that are dealt out. @default none */
	list?: string[];
	/** Values by range, of which no two may overlap. @default none */
	ranges?: ParameterRangeArgs[];
	/** With a list: which one, an expression. @default "instance" modulo the length of the list */
	at?: string;
	/** With a table or ranges: of what number, an expression. @default "instance"; a table also goes by the id */
	of?: string;
	/** For what is nowhere in it. @default an error */
	default?: string;
}

/** A setting of a library's script that is a mapping, or one of the component's parameters. */
export interface ScriptSettingArgs extends ParameterMappingArgs {
	/** Name of a parameter, instead of a mapping. @default none */
	parameter?: string;
}

/** Numbers of clones. */
export interface InstanceIdsArgs {
	/** The first, from 0 to 65535. */
	from: number;
	/** The last. @default 65535 */
	to?: number;
}

/** A UDP datagram; to a guest that has busybox alone (no systemd, socat or perl) the first data of a TCP connection. */
export interface DatagramArgs {
	/** Port that it comes to, from 1 to 65535. */
	port: number;
	/** Text that it has to hold, of 1 to 200 printable ASCII characters. @default anything */
	text?: string;
}

/** When a script runs. Exactly one of its properties, or none: at the first boot. */
export interface ScheduleArgs {
	/** At every boot. @default false */
	everyBoot?: boolean;
	/** So many seconds after the first boot. @default not by time */
	afterSeconds?: number;
	/** Every day at this time, `HH:MM` by the guest's clock. @default not by time */
	dailyAt?: string;
	/** When somebody logs in for the first time. @default false */
	firstLogin?: boolean;
	/**
	 * Just before a program starts for the first time: its absolute path, or the name of a systemd service.
	 * @default none
	 */
	program?: string;
	/** When a UDP datagram arrives. @default none */
	datagram?: DatagramArgs;
}

/** On which machines a script runs; on others it counts as skipped. */
export interface OnlyOnArgs {
	/** Clones by their numbers: `{ from: 0, to: 0 }` is a server's, `{ from: 1 }` its clients'. @default any */
	instanceIds?: InstanceIdsArgs;
	/**
	 * Operating system by its id in /etc/os-release, such as "debian", or "linux" or "windows". Where all scripts are for
	 * Windows, the image has to be one of Windows (docs/init-windows.md).
	 * @default any
	 */
	os?: string;
	/** Architecture as `uname -m` tells it. @default any */
	arch?: string;
	/** Hypervisor, such as "kvm", "qemu" or "vmware". @default any */
	hypervisor?: string;
	/** Firmware. @default any */
	firmware?: "bios" | "uefi";
}

/** One script: from the library that comes with this package, or a text of your own. */
export interface InitScriptArgs {
	/** Name, by which results are told and others refer to it. @default that of the library's script */
	name?: string;
	/** Name of a script of the library (docs/init-library.md). Exactly one of `library`, `content` and `file`. @default none */
	library?: string;
	/**
	 * Settings of the library's script: values, texts with expressions in braces and mappings as those of `parameters`, or
	 * one of these by its name.
	 * @default none
	 * @example { name: { parameter: "hostname" } }
	 */
	with?: Record<string, pulumi.Input<string | number | boolean | string[] | ScriptSettingArgs>>;
	/**
	 * Text in any interpreter, which its first line names: `#!/bin/sh`; for Windows `#ps1` or `rem cmd`. At most 256 KiB.
	 * @default none
	 */
	content?: pulumi.Input<string>;
	/** Path of a file with that text, on the machine that runs Pulumi. @default none */
	file?: string;
	/** Parameters that it gets as arguments, by name; it has all of them in its environment. @default none */
	arguments?: string[];
	/**
	 * Part of the boot in which it runs: before the network, once there is one, or at the end.
	 * @default the library's, else "late"
	 */
	stage?: "early" | "network" | "late";
	/** When it runs. @default at the first boot */
	when?: ScheduleArgs;
	/** Machines it is for. @default all */
	onlyOn?: OnlyOnArgs;
	/** Seconds after which it is ended and counts as failed. @default 300 */
	timeoutSeconds?: number;
	/** For `customize`: runs straight after this init script, before the next one. @default after all init scripts */
	after?: string;
	/** Ids that this script's parameters are computed from. @default those of the component */
	identifier?: IdentifierText | IdentifierText[];
}

/** What one named clone has different from the others. */
export interface InitInstanceArgs {
	/** Its number, which the parameters are computed from. @default the next one of `instanceIds` */
	instanceId?: number;
	/** Memory in MiB. @default that of `domain` */
	memoryMiB?: pulumi.Input<number>;
	/** Number of vCPUs. @default that of `domain` */
	vcpus?: pulumi.Input<number>;
	/** Whether it runs. @default that of the component */
	running?: pulumi.Input<boolean>;
}

/** What is done about a source that is not fit to be cloned from: one that runs. */
export interface WhenSourceBusyArgs {
	/**
	 * `fail`; `wait` until it is off; `shutdown`: have its guest shut down; or `copy`: it goes on, and the clones are made of a
	 * copy of its disk's own file, for which it stands still. `powerOn`, with `injectInto: "source"`: one that is off is started
	 * for its guest agent to put the scripts in, and is off again afterwards; one that runs is refused. A plain value, as it says
	 * which resources there are.
	 * @default "fail"
	 */
	action?: "fail" | "wait" | "shutdown" | "copy" | "powerOn";
	/** Seconds until that is given up. @default 300 */
	timeoutSeconds?: pulumi.Input<number>;
}

/** A host that clones are made on. */
export interface CloneHostArgs {
	/** libvirt URI of the host, a plain text. Each host once; that of the source is spelled as `uri` is. */
	uri: string;
	/** Storage pool there, of the image and the clones' disks. @default `pool`, on the source's host also the source's */
	pool?: Reference;
	/** Network of the first NIC there. @default `network` */
	network?: Reference;
	/**
	 * Volume there that holds what `source` holds, both of them Volume resources of the same content. The image is then thin
	 * on it, and only what the scripts add to the source is copied. Not for the source's own host.
	 * @default none: the image is copied with all that is below it
	 */
	source?: Reference;
}

/** Other access to the host of the source domain. At least one of the two. */
export interface ElevatedCredentialsArgs {
	/** libvirt URI by which the same host is reached. @default `uri` */
	uri?: pulumi.Input<string>;
	/** Content of an authentication file of libvirt's (https://libvirt.org/auth.html), for SASL. @default none */
	authFile?: pulumi.Input<string>;
}

/** One clone serves the others. */
export interface RelationsArgs {
	/** Name of the server after the prefix, as in `count` or `instances`. @default "0" */
	server?: string;
	/** Clients are started once the server's scripts have ended; otherwise all start together. @default true */
	clientsWait?: boolean;
}

/** Hardware of the clones; what the component sets itself cannot be set here. */
export type InitDomainArgs = Omit<
	DomainArgs,
	| "uri"
	| "adopt"
	| "previousOwnerIds"
	| "name"
	| "uuid"
	| "disks"
	| "template"
	| "running"
	| "waitFor"
	| "healthCheck"
	| "guestSetup"
	| "migration"
	| "lineage"
	| "fork"
>;

export interface ClonedInstanceWithInitArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	uri?: pulumi.Input<string>;
	/**
	 * What is cloned: a volume (a resource, or its key or path); a domain, whose hardware the clones have as well; or, with
	 * `withState`, a fork point. It is protected for as long as clones of it exist.
	 */
	source: Reference | BaseDomainArgs | ForkBaseArgs;
	/**
	 * The clones do not boot: they go on in the memory of a machine that was booted from the volume once, or of the fork
	 * point, and run their scripts then: those of the stage `early` before they have a NIC, the others once they are connected.
	 * @default false
	 */
	withState?: boolean;
	/**
	 * Storage pool of the image and the clones' disks.
	 * @default the source's pool, where the source is a volume resource; required otherwise
	 */
	pool?: Reference;
	/**
	 * Hosts that the clones are made on, in turn unless `placement` says otherwise. The image is made on the host of the
	 * source (`uri`), and reaches each other host once: not at all where both hosts see the same file.
	 * @default the source's host alone
	 */
	hosts?: CloneHostArgs[];
	/**
	 * URIs of `hosts` by the names of clones after the prefix: where these are made. A clone that exists does not move.
	 * @default each list of clones goes through the hosts in turn
	 * @example { "0": "qemu+ssh://root@hypervisor-2/system" }
	 */
	placement?: Record<string, string>;
	/** Number of clones, named `<namePrefix>-0`, `<namePrefix>-1`, ... @default 0, with `instances` */
	count?: number;
	/** Named clones, instead of or beside `count`; the names follow the prefix. @default none */
	instances?: string[] | Record<string, InitInstanceArgs>;
	/** Start of the machines' names on the host. @default the component's name */
	namePrefix?: string;
	/**
	 * Numbers that the clones get, first to last: what they compute their parameters from.
	 * @default from 0 on
	 */
	instanceIds?: InstanceIdsArgs;
	/**
	 * What of its virtual hardware tells a clone who it is. Several together are one id.
	 * @default the MAC address of the first NIC where there is one, else the UUID
	 */
	identifier?: IdentifierText | IdentifierText[];
	/**
	 * What differs from clone to clone, by name: computed in the guest from its id, and here for previews and outputs.
	 * @default none
	 * @example { hostname: "web-{instance + 1:02}", address: "10.0.{byte(-2)}.{byte(-1)}/16" }
	 */
	parameters?: Record<string, pulumi.Input<string | ParameterMappingArgs>>;
	/** Scripts that define and apply parameters, in this order. @default none */
	init?: InitScriptArgs[];
	/** Scripts that do the rest: packages, keys, relations between servers and clients; after `init`. @default none */
	customize?: InitScriptArgs[];
	/** Scripts that clean up at the end, also after one that failed. @default none */
	cleanup?: InitScriptArgs[];
	/**
	 * What becomes of scripts and data in the clone when the boot's scripts have ended well: they stay for later boots, do
	 * not run any more, or are overwritten and removed. With later schedules they have to stay.
	 * @default "keep"
	 */
	afterwards?: "keep" | "disable" | "remove";
	/** What a clone does at its next boots: nothing, all over again, or its init scripts only. @default "keep" */
	onReboot?: "keep" | "rerun" | "parametersOnly";
	/** What a clone of a clone does. @default "rerun" */
	onReclone?: "keep" | "rerun" | "parametersOnly";
	/**
	 * What changed scripts or data mean for clones that exist: they `keep` what they were made with; get the new ones by
	 * their guest agent and run those that changed (`rerun`), or of these the init scripts only (`parametersOnly`); or
	 * `replace`: they are made anew.
	 * @default "keep"
	 */
	onScriptChange?: "keep" | "rerun" | "parametersOnly" | "replace";
	/**
	 * Where the scripts are put: into an `image` of their own, over the source; or into the `source` itself, of which the
	 * clones are made then: by the guest agent where it is a machine that runs, else into its disk's file. The source carries
	 * them wherever it is copied, and cannot get others while clones stand on it. They are taken out with the component,
	 * unless `afterClone` stops it. Or onto a `seed`: a further disk of all clones, from which cloud-init takes them at the
	 * first boot; for images that libguestfs cannot write into.
	 * @default "image"
	 */
	injectInto?: "image" | "source" | "seed";
	/** Seconds that an `up` waits for a clone's scripts of the boot; with 0 it does not wait. @default 600 */
	timeoutSeconds?: pulumi.Input<number>;
	/** Hardware of the clones. @default see the fields; with a source domain, the domain's */
	domain?: InitDomainArgs;
	/** Network of the first NIC. @default none, or `domain.nics` */
	network?: Reference;
	/** Whether the clones run. @default true */
	running?: pulumi.Input<boolean>;
	/** What a clone's create waits for beside its scripts. @default nothing */
	waitFor?: pulumi.Input<WaitForArgs>;
	/** Which clone is the server of the others. @default none is */
	relations?: RelationsArgs;
	/** What is done about a source domain that runs. @default it fails */
	whenSourceBusy?: WhenSourceBusyArgs;
	/**
	 * What becomes of a source domain once all clones are up: it is left alone, or shut down for good (`stopSource`), so that
	 * the clones take its place. It is never started again from here.
	 * @default "keep"
	 */
	afterClone?: "keep" | "stopSource";
	/**
	 * Used for looking at a source domain, for shutting it down, and for putting scripts into it (`injectInto: "source"`),
	 * where that is denied to `uri`'s own access. A secret, whether it is given as one or not.
	 * @default none: what is denied is an error
	 */
	elevatedCredentials?: ElevatedCredentialsArgs;
	/** How many of the clones are made, changed or removed at the same time. @default the engine's parallelism */
	maxParallel?: number;
}
