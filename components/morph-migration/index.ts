import * as pulumi from "@pulumi/pulumi";
import { readSteps } from "../../provider/domain/morph-file";
import { Domain, type DomainArgs, type InstanceTypeArgs } from "../../provider/domain/resource";
import { rules as domainRules } from "../../provider/domain/rules";
import { domainSchema } from "../../provider/domain/schema";
import { ownerIdOf } from "../../provider/dynamic";
import type { InstanceTypeName } from "../../provider/morph/instance-types";
import { Volume } from "../../provider/volume/resource";
import { checkArgs, naming, refuseLater } from "../args";
import { lineageOf, mebibytesOf, nicsOf, withMac } from "../children";
import { dataDisksOf } from "../data-disks";
import { Rollout } from "../rollout";
import type { MorphMigrationArgs } from "./args";
import { type Planned, placesOf, planMembers } from "./planned";
import { morphMigrationRules } from "./rules";
import { morphMigrationSchema } from "./schema";

/** One machine of a set. */
export interface MorphMachine {
	/** Name on its host. */
	name: string;
	/** Name of its host, one of `hosts`. */
	host: string;
	/** libvirt URI of its host. */
	uri: string;
	/** UUID of the domain, which it keeps wherever it is. */
	uuid: string;
	/** How large it is. */
	instanceType: InstanceTypeName | pulumi.Unwrap<InstanceTypeArgs>;
	/** MAC address of each NIC. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
	/** Path of its system disk on its host. */
	volumePath: string;
}

/**
 * Machines whose shape and place are declared once: another `instanceType` and another `host` are taken while they run,
 * one after the other, by the steps of a template. Each is one `Domain` and one `Volume` that goes with it.
 *
 * @example
 * const web = new MorphMigration("web", {
 * 	hosts: { a: { uri: "qemu+ssh://root@a/system", base: goldAtA }, b: { uri: "qemu+ssh://root@b/system", base: goldAtB } },
 * 	host: config.require("host"),
 * 	count: 3,
 * 	instanceType: "small",
 * 	morph: { file: "drain.yaml" },
 * });
 * export const machines = web.machines;
 */
export class MorphMigration extends pulumi.ComponentResource {
	/** The machines, in the order of their names' declaration. */
	readonly machines: pulumi.Output<MorphMachine[]>;
	/** The domains by name. */
	readonly domains: ReadonlyMap<string, Domain>;
	/** The system disks by name. */
	readonly volumes: ReadonlyMap<string, Volume>;

	constructor(name: string, args: MorphMigrationArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:MorphMigration", name, {}, opts);
		const what = `MorphMigration ${name}`;
		checkArgs(what, morphMigrationSchema, args, morphMigrationRules);
		refuseLater(what, args, ["hosts", "host", "count", "members", "namePrefix", "maxParallel"]);
		const planned = planMembers(what, name, args);
		const machines = planned.map((member) => naming(what, () => machineOf(args, member)));
		// All of them before the first one is touched.
		for (const machine of machines) checkMachine(what, machine);

		const hosts = [...placesOf(args).values()].map(({ uri }) => uri);
		const names = planned.map((member) => member.name);
		const rollout = new Rollout({ hosts, rolling: { batchSize: args.maxParallel } }, names);
		const volumes = new Map<string, Volume>();
		const domains = new Map<string, Domain>();
		for (const [index, member] of planned.entries()) {
			const disks = this.disksOf(args, member, rollout.after(index, domains));
			const [{ volume }] = disks;
			const batch = rollout.batchOf(index);
			const turn = { among: hosts, ...(batch.of > 1 && { batch }) };
			const machine = { ...machines[index]!, ...turn, disks, lineage: lineageOf(volume) };
			volumes.set(member.name, volume);
			domains.set(member.name, new Domain(member.name, machine, { parent: this }));
		}
		this.volumes = volumes;
		this.domains = domains;
		this.machines = pulumi.all(
			planned.map((member) => describe(args, member, volumes.get(member.name)!, domains.get(member.name)!)),
		);
		this.registerOutputs({ machines: this.machines });
	}

	/**
	 * A disk on the new host is made, and one on the former host goes, when the machine's turn is.
	 * @param after what has to be done before
	 */
	private disksOf(
		args: MorphMigrationArgs,
		{ name, place, typeDisks }: Planned,
		after: pulumi.Input<Domain[]>,
	): [{ volume: Volume }, ...{ volume: Volume }[]] {
		const { uri, pool, base } = place;
		const { diskSizeGiB: size } = args;
		const root = {
			uri,
			pool,
			base,
			movable: true,
			onBaseChange: "keep" as const,
			sizeMiB: size === undefined ? undefined : mebibytesOf(size),
		};
		const turn = { dependsOn: after };
		const empty = { uri, pool, movable: true };
		const data = dataDisksOf(this, name, args.dataDisks, empty, turn);
		const ofType = dataDisksOf(this, name, typeDisks, empty, turn, "type");
		return [{ volume: new Volume(name, root, { parent: this, ...turn }) }, ...data, ...ofType];
	}
}

/** What a machine is to be, but for its disks. */
function machineOf(args: MorphMigrationArgs, { name, own, place, size }: Planned): DomainArgs & { name: string } {
	const nics = nicsOf({ ...args, ...(place.network === undefined ? {} : { network: place.network }) });
	return {
		...args.domain,
		name,
		uri: place.uri,
		instanceType: size,
		headroom: args.headroom,
		morph: readSteps(own.morph ?? args.morph, name),
		nics: withMac(nics, own.mac),
		migration: place.migration,
		onRestartRequired: args.onRestartRequired,
		running: own.running ?? args.running,
		waitFor: args.waitFor,
		...{ memberCheck: args.healthCheck },
	};
}

function checkMachine(what: string, machine: DomainArgs & { name: string }): void {
	const inputs = { ...machine, ownerId: ownerIdOf(machine.name) };
	checkArgs(`${what}: machine ${machine.name}`, domainSchema, inputs, domainRules);
}

function describe(
	args: MorphMigrationArgs,
	{ name, own, place }: Planned,
	volume: Volume,
	{ uuid, macs, addresses }: Domain,
): pulumi.Output<MorphMachine> {
	const instanceType = own.instanceType ?? args.instanceType!;
	const facts = { uri: place.uri, uuid, instanceType, macs, addresses, volumePath: volume.path };
	return pulumi.output(facts).apply((known) => ({ name, host: place.name, ...known })) as pulumi.Output<MorphMachine>;
}
