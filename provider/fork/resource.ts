import * as pulumi from "@pulumi/pulumi";
import type { DomainArgs, GuestFileArgs, HealthCheckArgs } from "../domain/resource";
import { type HostArgs, idOf, LibvirtResource, type Reference } from "../dynamic";
import { Volume } from "../volume/resource";
import type { ForkPointFacts } from "./schema";

/** Hardware of the parent; children have the same. `maxMemoryMiB` and `maxVcpus` are how far they can grow. */
export interface ForkDomainArgs
	extends Pick<
		DomainArgs,
		| "type"
		| "machine"
		| "firmware"
		| "memoryMiB"
		| "maxMemoryMiB"
		| "vcpus"
		| "maxVcpus"
		| "cpu"
		| "boot"
		| "consoleLog"
		| "graphics"
	> {
	/**
	 * PCI Express root ports that are free at the fork, at least: each NIC and data disk of a child takes one. At most 64; not
	 * with `machine: "pc"`, which has no such ports.
	 * @default 4, and one more with `network`
	 */
	spareRootPorts?: pulumi.Input<number>;
}

export interface ForkPointArgs extends HostArgs {
	/**
	 * Start of the parent's name on the host; eight digits of what it was made from follow.
	 * @default the resource's name
	 */
	name?: pulumi.Input<string>;
	/**
	 * The image that it boots: a volume (a resource, or its key or path). Its guest needs the QEMU guest agent.
	 * @default none: it goes on from `parent`, or from a copy of `source`
	 */
	base?: Reference;
	/**
	 * Another fork point that it goes on from, with its hardware: a resource, or its id.
	 * @default none: it boots `base`
	 */
	parent?: Reference;
	/**
	 * A machine that runs and that it goes on from as a copy: a resource, or its UUID or name. It stands still while its
	 * memory and its disk are copied, on this computer, and goes on as it was; it needs the QEMU guest agent, one disk
	 * (qcow2) and ordinary memory, and its own `cloneableBy` says who may. Its copy has its hardware.
	 * @default none
	 */
	source?: Reference;
	/** Another value takes the machine that `source` names anew. @default none */
	takeTrigger?: pulumi.Input<string>;
	/**
	 * What is known of the base's content; a change of it is a change of the base.
	 * @default the `contentId` of `base`, where that is a volume of this package
	 */
	baseContentId?: pulumi.Input<string>;
	/** Storage pool of files (dir, fs or netfs) for the parent's disk, memory and devices. */
	pool: Reference;
	/** Hardware of it and its children; not with a `parent` or `source`. @default see the fields */
	domain?: pulumi.Input<ForkDomainArgs>;
	/** Network of the parent while it is made ready; it is taken away before the fork. @default none */
	network?: Reference;
	/** Files that are written into the parent. @default none */
	files?: pulumi.Input<pulumi.Input<GuestFileArgs>[]>;
	/**
	 * Programs with arguments that the guest agent runs in the parent, one after the other, without a shell. Each has to
	 * end with 0.
	 * @default none
	 * @example [["apt-get", "install", "-y", "nginx"]]
	 */
	commands?: pulumi.Input<pulumi.Input<pulumi.Input<string>[]>[]>;
	/** Services that run in the parent and go on in the children: they need no identity. @default none */
	startBeforeFork?: pulumi.Input<pulumi.Input<string>[]>;
	/** Services that run in the parent and are restarted in each child once that has its identity. @default none */
	restartAfterFork?: pulumi.Input<pulumi.Input<string>[]>;
	/** A command that has to succeed in the parent before it is forked. @default nothing */
	ready?: pulumi.Input<HealthCheckArgs>;
	/**
	 * Who says when the parent is forked: the provider does so as soon as it is ready; with `guest`, a program in the
	 * parent says so later, by calling `/usr/local/lib/pulumi-libvirt-clones/fork-now`, which returns in the children only.
	 * @default "provider"
	 */
	trigger?: pulumi.Input<"provider" | "guest">;
	/**
	 * Which stacks may fork it: patterns of organization, project and stack, such as `acme/web/*`. Its own stack always may. Recorded
	 * in its metadata, and changed without making it anew; children that exist stay.
	 * @default whoever the host lets in
	 */
	forkableBy?: pulumi.Input<pulumi.Input<string>[]>;
	/** Seconds for each of: boot, a command, the services, and until the guest asks. @default 300 */
	timeoutSeconds?: pulumi.Input<number>;
}

/**
 * A machine that was booted, made ready and stopped for good: `ForkedVMSet` makes machines that go on at its next
 * instruction. Its id is the UUID of the machine, which stays on the host and is off.
 */
export class ForkPoint extends LibvirtResource {
	/** Name that it was given. */
	declare readonly name: pulumi.Output<string>;
	/** The pool that holds its files, as it was given. */
	declare readonly pool: pulumi.Output<string>;
	/** UUID of the machine that children take their hardware from; also the id. */
	declare readonly uuid: pulumi.Output<string>;
	/** Name of that machine on the host. */
	declare readonly domainName: pulumi.Output<string>;
	/** Path of its disk, which the children's disks are overlays of. */
	declare readonly disk: pulumi.Output<string>;
	/** Path of what its memory held. */
	declare readonly memory: pulumi.Output<string>;
	/** Path of what its devices held. */
	declare readonly devices: pulumi.Output<string>;
	/** Size of its memory. */
	declare readonly memoryMiB: pulumi.Output<number>;
	/** Eight hex digits of a hash of all that it was made from. */
	declare readonly contentId: pulumi.Output<string>;
	/** What its disk was made from. */
	declare readonly lineage: pulumi.Output<ForkPointFacts["lineage"]>;
	/** Services that children restart: its own, and those of a `ForkPoint` that it goes on from. */
	readonly restartAfterFork: pulumi.Output<string[]>;
	/** Milliseconds of each step of the create. */
	declare readonly timings: pulumi.Output<ForkPointFacts["timings"]>;

	constructor(name: string, args: ForkPointArgs, opts?: pulumi.CustomResourceOptions) {
		const { base } = args ?? {};
		super(
			"ForkPoint",
			name,
			{
				name,
				...args,
				base: idOf(base),
				parent: idOf(args?.parent),
				source: idOf(args?.source),
				baseContentId: args?.baseContentId ?? (base instanceof Volume ? base.contentId : undefined),
				pool: idOf(args?.pool),
				network: idOf(args?.network),
			},
			["uuid", "domainName", "disk", "memory", "devices", "memoryMiB", "contentId", "lineage", "timings"],
			// Its names hold what it was made from: the new one is there before the children let go of the old one.
			{ deleteBeforeReplace: false, ...opts },
			args,
		);
		const parents = args.parent instanceof ForkPoint ? args.parent.restartAfterFork : [];
		this.restartAfterFork = pulumi
			.all([parents, args.restartAfterFork ?? []])
			.apply(([theirs, own]) => [...new Set([...theirs, ...own])]);
	}
}
