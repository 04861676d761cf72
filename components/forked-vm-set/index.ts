import * as pulumi from "@pulumi/pulumi";
import type { Batch } from "../../provider/batch";
import { Domain } from "../../provider/domain/resource";
import { defaultUri } from "../../provider/dynamic";
import { Identity } from "../../provider/identity/lease/resource";
import { requireRoom } from "../../provider/identity/pool/declared";
import { Volume } from "../../provider/volume/resource";
import { checkArgs, refuseLater } from "../args";
import { commonOf } from "../children";
import { dataDisksOf } from "../data-disks";
import { Rollout } from "../rollout";
import type { ForkedChildArgs, ForkedVMSetArgs } from "./args";
import { type Child, forkOf, onParentChangeOf, powerOf, warmOf } from "./child";
import { configuredFor } from "./configuration";
import { describe, type ForkedChild } from "./described";
import { refuseName } from "./point";
import { forkedVMSetRules, forkedVMSetSchema } from "./schema";
import { askUsage, type ForkedChildUsage } from "./usage";

export type { ForkedChild } from "./described";

/**
 * Machines that go on at a running parent's next instruction: they share its memory and disk until they write, and each
 * becomes somebody before it has a network. Each child is one `Volume` and one `Domain`.
 *
 * @example
 * const parent = new ForkPoint("warm", { base: gold, domain: { memoryMiB: 512 }, startBeforeFork: ["nginx"] });
 * const workers = new ForkedVMSet("web", { parent, count: 16, identityPool, network });
 * export const children = workers.children;
 */
export class ForkedVMSet extends pulumi.ComponentResource {
	/** The children, in the order of their names' declaration. */
	readonly children: pulumi.Output<ForkedChild[]>;
	/** The domains by name. */
	readonly domains: ReadonlyMap<string, Domain>;
	private readonly disks: ReadonlyMap<string, Volume>;
	private readonly uri: pulumi.Input<string> | undefined;
	/** URIs of the children that went to another host. */
	private readonly elsewhere: ReadonlyMap<string, pulumi.Input<string>>;

	constructor(name: string, given: ForkedVMSetArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:ForkedVMSet", name, {}, opts);
		checkArgs(`ForkedVMSet ${name}`, forkedVMSetSchema, given, forkedVMSetRules);
		refuseName(`ForkedVMSet ${name}`, given.parent);
		refuseLater(`ForkedVMSet ${name}`, given, ["count", "children", "namePrefix", "onParentChange", "maxParallel"]);

		const { args, children } = configuredFor(name, given);
		requireRoom(`ForkedVMSet ${name}`, "identityPool", args.identityPool, children.length);
		const warm = warmOf(args, children);
		const domains = new Map<string, Domain>();
		const names = children.map((child) => child.name);
		const rollout = args.onParentChange === "rolling" ? new Rollout(args, names) : undefined;
		const made = children.map((child, index) => {
			const identity = this.takeIdentity(args, child);
			const disk = this.deltaDisk(name, args, child, rollout?.batchOf(index), rollout?.after(index, domains));
			const domain = this.fork(name, args, child, disk, identity, warm[index]!);
			domains.set(child.name, domain);
			return { name: child.name, power: powerOf(args, child), disk, domain, identity };
		});
		this.uri = args.uri;
		this.elsewhere = new Map(children.flatMap(({ name, own }) => (own.host ? [[name, own.host.uri] as const] : [])));
		this.domains = domains;
		this.disks = new Map(made.map((child) => [child.name, child.disk]));
		this.children = pulumi.all(made.map(describe));
		this.registerOutputs({ children: this.children });
	}

	/**
	 * What each child has for itself right now, and what it shares with its parent: asked from the host while the program
	 * runs, never stored in the state. Memory is told of a host that is this machine. Unknown in a preview of children that
	 * do not exist yet.
	 */
	usage(): pulumi.Output<ForkedChildUsage[]> {
		const asked = [...this.domains].map(([name, { uuid }]) => ({
			name,
			uuid,
			path: this.disks.get(name)!.path,
			uri: this.elsewhere.get(name),
		}));
		return askUsage(this.uri, asked);
	}

	private takeIdentity({ identityPool }: ForkedVMSetArgs, { name }: Child): Identity | undefined {
		return identityPool === undefined ? undefined : new Identity(name, { pool: identityPool }, { parent: this });
	}

	/** What the child writes; the rest is its parent's. */
	private deltaDisk(
		set: string,
		args: ForkedVMSetArgs,
		{ name, own }: Child,
		batch: Batch | undefined,
		after: pulumi.Input<Domain[]> | undefined,
	): Volume {
		const there = diskElsewhere(args, own);
		return new Volume(
			name,
			{
				...commonOf(set, args),
				...(there ?? {
					pool: args.pool ?? args.parent.pool,
					base: args.parent.disk,
					onBaseChange: onParentChangeOf(args),
				}),
				...(batch === undefined ? {} : { batch }),
			},
			{ parent: this, ...(after === undefined ? {} : { dependsOn: after }) },
		);
	}

	private fork(
		set: string,
		args: ForkedVMSetArgs,
		child: Child,
		disk: Volume,
		identity: Identity | undefined,
		warm: pulumi.Output<boolean>,
	): Domain {
		const { name, own } = child;
		const mac = own.mac ?? identity?.mac;
		const storage = {
			...commonOf(set, args),
			pool: args.pool ?? args.parent.pool,
			...(own.host && { uri: own.host.uri, pool: own.host.pool, movable: true }),
		};
		const inputs = {
			...commonOf(set, args),
			name,
			template: args.parent.uuid,
			disks: [{ volume: disk, format: "qcow2" as const }, ...dataDisksOf(this, name, args.dataDisks, storage)],
			...(own.host && { uri: own.host.uri, migration: own.host.migration }),
			nics:
				args.network === undefined
					? []
					: [
							pulumi
								.all([own.host?.network ?? args.network, mac])
								.apply(([network, address]) => nicOf(network, address)),
						],
			running: powerOf(args, child).apply((power) => power === "on"),
			memoryMiB: own.memoryMiB ?? args.memoryMiB,
			vcpus: own.vcpus ?? args.vcpus,
			healthCheck: args.healthCheck,
			fork: { ...forkOf(args, child, identity), warm },
		};
		return new Domain(name, inputs, { parent: this });
	}
}

/** The disk of a child that goes on on another host: all of it, as its parent's is not there. */
function diskElsewhere({ uri = defaultUri(), parent }: ForkedVMSetArgs, { host }: ForkedChildArgs) {
	if (host === undefined) return undefined;
	return { uri: host.uri, pool: host.pool, movable: true, sizeOf: { uri, volume: parent.disk } };
}

/** A reference that is a resource has become its properties by now. */
function nicOf(network: unknown, mac: string | undefined) {
	const id = typeof network === "object" && network !== null && "id" in network ? network.id : network;
	return { network: id as string, ...(mac === undefined ? {} : { mac }) };
}
