import * as pulumi from "@pulumi/pulumi";
import type { Batch } from "../../provider/batch";
import { Domain } from "../../provider/domain/resource";
import type { DomainFacts } from "../../provider/domain/schema";
import { Identity, type IdentityLeaseArgs } from "../../provider/identity/lease/resource";
import { Volume } from "../../provider/volume/resource";
import type { Lineage } from "../../provider/volume/schema";
import { checkArgs, refuseLater } from "../args";
import { isDomainBase, poolOf } from "../base";
import { commonOf, lineageOf, mebibytesOf, nicsOf, withMac } from "../children";
import { dataDisksOf } from "../data-disks";
import { Rollout } from "../rollout";
import type { ThinClonePoolArgs } from "./args";
import { filesWith, TOLD } from "./identity";
import { checkIdentityPool } from "./identity-rules";
import { type Planned, planInstances } from "./planned";
import { thinClonePoolRules } from "./rules";
import { thinClonePoolSchema } from "./schema";
import { archiveOf, cloudInitOf, type DiskSource, needsSeed, type Seed, seedDisks, withSeed } from "./seed";
import { type Usage, usageOf } from "./usage";

/** One machine of a pool: facts of its creation. What changes by itself is asked for by `usage()`. */
export interface CloneInstance {
	/** Name on the host. */
	name: string;
	/** UUID of the domain. */
	uuid: string;
	/** MAC address of each NIC. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
	/** Path of the cloned disk on the host. */
	volumePath: string;
	/** What the disk was cloned from. */
	lineage: Lineage | undefined;
	/** Name of its identity; absent without an `identityPool`. */
	identity?: string;
	/** Milliseconds of each step, from the disk to the first thing that the guest was seen to do. */
	timings: DomainFacts["timings"] & { volumeMs?: number };
}

/**
 * N machines that share the blocks of one gold image. Each clone is one `Volume`, an overlay or reflink that holds no
 * data of its own at first, and one `Domain`; so the preview shows every machine.
 *
 * @example
 * const web = new ThinClonePool("web", { base: gold, network, count: 3, domain: { memoryMiB: 512 } });
 * export const machines = web.instances;
 */
export class ThinClonePool extends pulumi.ComponentResource {
	/** The machines, in the order of their names' declaration. */
	readonly instances: pulumi.Output<CloneInstance[]>;
	/** The domains by instance name. */
	readonly domains: ReadonlyMap<string, Domain>;
	/** The cloned disks by instance name. */
	readonly volumes: ReadonlyMap<string, Volume>;

	private readonly uri: pulumi.Input<string> | undefined;

	constructor(name: string, args: ThinClonePoolArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:ThinClonePool", name, {}, opts);
		checkArgs(`ThinClonePool ${name}`, thinClonePoolSchema, args, thinClonePoolRules);
		refuseLater(`ThinClonePool ${name}`, args, ["count", "instances", "namePrefix", "onBaseChange", "maxParallel"]);
		const planned = planInstances(name, args);
		checkIdentityPool(name, args, planned);
		warnOfLargeState(planned.length, this);

		this.uri = args.uri;
		const volumes = new Map<string, Volume>();
		const domains = new Map<string, Domain>();
		const identities = new Map<string, Identity>();
		const names = planned.map((instance) => instance.name);
		const rollout = args.onBaseChange === "rolling" ? new Rollout(args, names) : undefined;
		for (const [index, instance] of planned.entries()) {
			const batch = rollout?.batchOf(index);
			const identity = this.takeIdentity(args, instance);
			const volume = this.cloneDisk(name, args, instance, batch, rollout?.after(index, domains));
			const root: DiskSource = { volume, format: CLONE_FORMAT };
			const seed = this.seed(name, args, instance, identity);
			const storage = { ...commonOf(name, args), pool: args.pool ?? poolOf(args.base) };
			const data = dataDisksOf(this, instance.name, args.dataDisks, storage);
			const disks = [root, ...data, ...seedDisks(seed)];
			volumes.set(instance.name, volume);
			domains.set(instance.name, this.machine(name, args, instance, disks, identity, seed));
			if (identity) identities.set(instance.name, identity);
		}
		this.volumes = volumes;
		this.domains = domains;
		this.instances = pulumi.all(
			planned.map(({ name }) => describe(name, volumes.get(name)!, domains.get(name)!, identities.get(name))),
		);
		this.registerOutputs({ instances: this.instances });
	}

	/**
	 * What the clones use right now: asked from the host while the program runs, never stored in the state.
	 * Unknown in a preview of machines that do not exist yet.
	 */
	usage(): pulumi.Output<Usage[]> {
		const paths = [...this.volumes].map(([name, volume]) => ({
			name,
			path: volume.path,
			uuid: this.domains.get(name)!.uuid,
		}));
		return usageOf(this.uri, paths);
	}

	private takeIdentity({ identityPool }: ThinClonePoolArgs, { name, customize }: Planned): Identity | undefined {
		if (identityPool === undefined) return undefined;
		const channel = TOLD[customize?.channel ?? "cloud-init"];
		return new Identity(name, { pool: identityPool, channel } as IdentityLeaseArgs, { parent: this });
	}

	private cloneDisk(
		pool: string,
		args: ThinClonePoolArgs,
		instance: Planned,
		batch: Batch | undefined,
		after: pulumi.Input<Domain[]> | undefined,
	): Volume {
		const size = instance.own.diskSizeGiB ?? args.diskSizeGiB;
		return new Volume(
			instance.name,
			{
				...commonOf(pool, args),
				pool: args.pool ?? poolOf(args.base),
				...(isDomainBase(args.base) ? { baseDomain: args.base.domain } : { base: args.base }),
				format: CLONE_FORMAT,
				...(args.cloning === undefined ? {} : { cloning: args.cloning }),
				sizeMiB: size === undefined ? undefined : mebibytesOf(size),
				onBaseChange: args.onBaseChange === "rolling" ? "replace" : (args.onBaseChange ?? "keep"),
				independent: instance.own.independent ?? args.independent,
				...(batch === undefined ? {} : { batch }),
			},
			{ parent: this, ...(after === undefined ? {} : { dependsOn: after }) },
		);
	}

	/** What a customised clone reads at its start; undefined where the guest agent tells it. */
	private seed(
		pool: string,
		args: ThinClonePoolArgs,
		{ name, customize }: Planned,
		identity: Identity | undefined,
	): Seed | undefined {
		const { channel = "cloud-init" } = customize ?? {};
		if (channel === "guest-agent" || (!identity && !needsSeed(customize))) return undefined;
		const source =
			channel === "fw-cfg"
				? { archive: archiveOf(name, customize, identity) }
				: { cloudInit: cloudInitOf(name, customize, identity) };
		const storage = { ...commonOf(pool, args), pool: args.pool ?? poolOf(args.base) };
		return { channel, volume: new Volume(`${name}-seed`, { ...storage, source }, { parent: this }) };
	}

	private machine(
		pool: string,
		args: ThinClonePoolArgs,
		instance: Planned,
		disks: DiskSource[],
		identity: Identity | undefined,
		seed: Seed | undefined,
	): Domain {
		const { name, own, customize } = instance;
		const [root] = disks as [DiskSource];
		const memoryMiB = own.memoryMiB ?? args.domain?.memoryMiB;
		const vcpus = own.vcpus ?? args.domain?.vcpus;
		return new Domain(
			name,
			{
				...args.domain,
				...(memoryMiB === undefined ? {} : { memoryMiB }),
				...(vcpus === undefined ? {} : { vcpus }),
				...commonOf(pool, args),
				name,
				template: isDomainBase(args.base) ? args.base.domain : undefined,
				disks,
				nics: withMac(nicsOf(args), own.mac ?? identity?.mac),
				running: own.running ?? args.running,
				waitFor: args.waitFor,
				healthCheck: args.rolling?.healthCheck,
				lineage: lineageOf(root.volume),
				guestSetup:
					customize?.channel === "guest-agent"
						? {
								hostname: customize.hostname ?? identity?.name ?? name,
								files: filesWith(identity, "guest-agent", customize.files) ?? [],
								...(identity && { network: identity.profile.apply((profile) => profile?.network) }),
							}
						: undefined,
				extraXml: withSeed(customize?.extraXml ?? args.domain?.extraXml, seed),
			},
			{ parent: this },
		);
	}
}

const CLONE_FORMAT = "qcow2";

function describe(
	name: string,
	volume: Volume,
	domain: Domain,
	identity: Identity | undefined,
): pulumi.Output<CloneInstance> {
	return pulumi
		.output({
			uuid: domain.uuid,
			macs: domain.macs,
			addresses: domain.addresses,
			volumePath: volume.path,
			lineage: volume.lineage,
			timings: domain.timings,
			disk: volume.timings,
			identity: identity?.name,
		})
		.apply(({ uuid, macs, addresses, volumePath, lineage, timings, disk, identity }) => ({
			name,
			uuid,
			macs,
			addresses,
			volumePath,
			lineage,
			...(identity !== undefined && { identity }),
			// An update that is limited by --target leaves the outputs of what it does not make undefined.
			timings: { ...(disk && { volumeMs: disk.createMs }), ...timings },
		}));
}

/** The engine saves the whole state after every step, which grows with the square of the number of machines. */
function warnOfLargeState(machines: number, resource: pulumi.Resource): void {
	if (machines < 300 || process.env.PULUMI_SKIP_CHECKPOINTS === "true") return;
	void pulumi.log.warn(
		`${machines} machines: the engine's checkpoints will take most of the time. Set PULUMI_EXPERIMENTAL=1 and ` +
			"PULUMI_SKIP_CHECKPOINTS=true; an interrupted run is then resumed all the same (docs/large-pools.md).",
		resource,
	);
}
