import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Domain, type GuestFileArgs } from "../../provider/domain/resource";
import { ownerIdOf } from "../../provider/dynamic";
import type { ForkedArgs, ForkedFacts } from "../../provider/fork/forked";
import { Identity } from "../../provider/identity/lease/resource";
import type { Profile } from "../../provider/identity/lease/schema";
import { requireRoom } from "../../provider/identity/pool/declared";
import { InputError } from "../../provider/lifecycle";
import { Volume } from "../../provider/volume/resource";
import { checkArgs, refuseLater } from "../args";
import { type Instance, instancesOf } from "../instances";
import { identityFiles } from "../thin-clone-pool/identity";
import type { ForkedChildArgs, ForkedVMSetArgs } from "./args";
import { forkedVMSetRules, forkedVMSetSchema } from "./schema";

/** One child: facts of its last fork. */
export interface ForkedChild {
	/** Name on the host. */
	name: string;
	/** UUID of the domain. */
	uuid: string;
	/** Whether it runs, is off, or is off and waits in QEMU to be turned on. */
	power: "on" | "off" | "warm";
	/** MAC address of each NIC. */
	macs: string[];
	/** Path of its disk on the host. */
	volumePath: string;
	/** Name of its identity; absent without an `identityPool`. */
	identity?: string;
	/** What it is by its own account; absent for one that was never turned on. */
	verified?: ForkedFacts;
}

type Child = Instance<ForkedChildArgs>;

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

	constructor(name: string, args: ForkedVMSetArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:ForkedVMSet", name, {}, opts);
		checkArgs(`ForkedVMSet ${name}`, forkedVMSetSchema, args, forkedVMSetRules);
		refuseName(`ForkedVMSet ${name}`, args.parent);
		refuseLater(`ForkedVMSet ${name}`, args, ["count", "children", "namePrefix", "onParentChange", "maxParallel"]);

		const children = instancesOf<ForkedChildArgs>(args.namePrefix ?? name, args.count, args.children);
		requireRoom(`ForkedVMSet ${name}`, "identityPool", args.identityPool, children.length);
		const warm = warmOf(args, children);
		const made = children.map((child, index) => {
			const identity = this.takeIdentity(args, child);
			const disk = this.deltaDisk(name, args, child);
			const domain = this.fork(name, args, child, disk, identity, warm[index]!);
			return { name: child.name, power: powerOf(args, child), disk, domain, identity };
		});
		this.domains = new Map(made.map((child) => [child.name, child.domain]));
		this.children = pulumi.all(made.map(describe));
		this.registerOutputs({ children: this.children });
	}

	private takeIdentity({ identityPool }: ForkedVMSetArgs, { name }: Child): Identity | undefined {
		return identityPool === undefined ? undefined : new Identity(name, { pool: identityPool }, { parent: this });
	}

	/** What the child writes; the rest is its parent's. */
	private deltaDisk(set: string, args: ForkedVMSetArgs, { name }: Child): Volume {
		return new Volume(
			name,
			{
				...common(set, args),
				pool: args.pool ?? args.parent.pool,
				base: args.parent.disk,
				onBaseChange: args.onParentChange ?? "keep",
			},
			{ parent: this },
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
		const inputs = {
			...common(set, args),
			name,
			template: args.parent.uuid,
			disks: [{ volume: disk, format: "qcow2" as const }, ...this.dataDisks(set, args, child)],
			nics:
				args.network === undefined
					? []
					: [pulumi.all([args.network, mac]).apply(([network, address]) => nicOf(network, address))],
			running: powerOf(args, child).apply((power) => power === "on"),
			healthCheck: args.healthCheck,
			fork: { ...forkOf(args, child, identity), warm },
		};
		return new Domain(name, inputs, { parent: this });
	}

	private dataDisks(set: string, args: ForkedVMSetArgs, { name }: Child) {
		return (args.dataDisks ?? []).map(({ sizeGiB, format = "qcow2", serial }, index) => ({
			volume: new Volume(
				`${name}-data-${index}`,
				{
					...common(set, args),
					pool: args.pool ?? args.parent.pool,
					format,
					sizeMiB: pulumi.output(sizeGiB).apply((gib) => Math.round(gib * 1024)),
				},
				{ parent: this },
			),
			format,
			serial: serial ?? `data-${index}`,
		}));
	}
}

/** In the file of an environment a name stands for a resource; a program has the resource itself. */
function refuseName(what: string, parent: unknown): void {
	if (typeof parent !== "string") return;
	throw new InputError(
		"parent",
		`${what}: parent: got "${parent}"; allowed is a ForkPoint, or { uuid, disk, pool } of one of another stack`,
	);
}

/** A reference that is a resource has become its properties by now. */
function nicOf(network: unknown, mac: string | undefined) {
	const id = typeof network === "object" && network !== null && "id" in network ? network.id : network;
	return { network: id as string, ...(mac === undefined ? {} : { mac }) };
}

function common(set: string, { uri, maxParallel }: ForkedVMSetArgs) {
	return {
		...(uri === undefined ? {} : { uri }),
		...(maxParallel === undefined ? {} : { lane: { name: set, width: maxParallel } }),
	};
}

function powerOf({ power }: ForkedVMSetArgs, { own }: Child): pulumi.Output<"on" | "off"> {
	return pulumi.output(own.power ?? power ?? "on");
}

/** Which children wait: the first ones of those that are off. */
function warmOf(args: ForkedVMSetArgs, children: Child[]): pulumi.Output<boolean>[] {
	const powers = pulumi.all(children.map((child) => powerOf(args, child)));
	const warm = pulumi.output(args.warm ?? 0);
	return children.map((_, index) =>
		pulumi.all([powers, warm]).apply(([all, count]) => {
			const before = all.slice(0, index).filter((power) => power === "off").length;
			return all[index] === "off" && before < count;
		}),
	);
}

/** Who a child is to be. */
function forkOf(
	args: ForkedVMSetArgs,
	{ name, own }: Child,
	identity: Identity | undefined,
): { [Name in Exclude<keyof ForkedArgs, "warm">]: unknown } {
	const restart = pulumi
		.all([args.parent.restartAfterFork ?? [], args.restartAfterFork ?? []])
		.apply(([parents, ours]) => [...(parents ?? []), ...(ours ?? [])]);
	const files = [...(args.files ?? []), ...(own.files ?? [])];
	// Absent where addresses come from DHCP.
	const network = identity?.profile.apply((profile) => (profile as Profile | undefined)?.network);
	return {
		point: args.parent.uuid,
		hostname: own.hostname ?? identity?.name ?? name,
		machineId:
			identity?.profile.apply((profile) => (profile as Profile | undefined)?.machineId as string) ?? machineIdOf(name),
		hostKeys: identity?.secrets.apply((secrets) => secrets?.hostKeys ?? []),
		files: identity ? identityFiles(identity).apply((own) => [...own, ...(files as GuestFileArgs[])]) : files,
		address: own.address ?? network?.apply((found) => found?.addresses[0]),
		gateway: own.gateway ?? (own.address === undefined ? network?.apply((found) => found?.gateways[0]) : undefined),
		restart,
		powerOn: pulumi
			.output(args.disk ?? "persistent")
			.apply((disk) => (disk === "nonPersistent" ? ("refork" as const) : ("boot" as const))),
		onParentChange: args.onParentChange,
		timeoutSeconds: args.timeoutSeconds,
	};
}

/** The same in every run, and no other machine's. */
function machineIdOf(name: string): string {
	return createHash("sha256")
		.update(`machine-id ${ownerIdOf(name)}`)
		.digest("hex")
		.slice(0, 32);
}

function describe(child: {
	name: string;
	power: pulumi.Output<"on" | "off">;
	disk: Volume;
	domain: Domain;
	identity: Identity | undefined;
}): pulumi.Output<ForkedChild> {
	const { name, power, disk, domain, identity } = child;
	return pulumi
		.all([domain.uuid, domain.macs, disk.path, identity?.name, domain.forked, power, domain.nextStart])
		.apply(([uuid, macs, volumePath, own, verified, wanted, nextStart]) => ({
			name,
			uuid,
			power: nextStart === "waiting" ? "warm" : wanted,
			macs,
			volumePath,
			...(own !== undefined && { identity: own }),
			...(verified !== undefined && { verified }),
		})) as pulumi.Output<ForkedChild>;
}
