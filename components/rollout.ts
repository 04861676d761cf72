/** A change that goes from batch to batch of a component's machines: which go together, and what each batch waits for. */
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Batch } from "../provider/batch";
import type { Domain } from "../provider/domain/resource";
import { defaultUri } from "../provider/dynamic";
import { connect } from "../provider/libvirt";
import type { RollingArgs } from "./thin-clone-pool/args";

/**
 * The waiting is done by the program, before it says what the next batch is to be: so the engine has not touched a
 * machine of it (a replacement begins with a delete), and none of its parallel slots is held.
 */
export class Rollout {
	private readonly size: number;
	private readonly pauseSeconds: number;
	private readonly before: pulumi.Output<ReadonlyMap<string, string> | undefined>;

	/**
	 * @param args.hosts URIs of all hosts on which machines may be, where that is not `uri` alone
	 * @param names of all machines, in their order
	 */
	constructor(
		args: { uri?: pulumi.Input<string>; hosts?: pulumi.Input<string>[]; rolling?: Sizes },
		private readonly names: ReadonlyArray<string>,
	) {
		this.size = args.rolling?.batchSize ?? 1;
		this.pauseSeconds = args.rolling?.pauseSeconds ?? 0;
		const needed = names.length > this.size && !pulumi.runtime.isDryRun();
		const hosts = args.hosts ?? [args.uri ?? defaultUri()];
		this.before = needed ? pulumi.all(hosts).apply(machinesAt) : pulumi.output(undefined);
	}

	/** What the preview says of a machine. */
	batchOf(index: number): Batch {
		const number = this.numberOf(index);
		const former = this.batch(number - 1);
		return {
			number,
			of: Math.ceil(this.names.length / this.size),
			...(former.length === 0 ? {} : { after: `${listed(former)} ${former.length === 1 ? "is" : "are"} healthy` }),
		};
	}

	/**
	 * What a machine waits for: the batch before its own. Where none of its own batch exists there is nothing to spare,
	 * and it waits for nobody.
	 * @param domains made so far, by name
	 */
	after(index: number, domains: ReadonlyMap<string, Domain>): pulumi.Input<Domain[]> {
		const number = this.numberOf(index);
		const former = this.batch(number - 1).map((name) => domains.get(name)!);
		if (former.length === 0 || pulumi.runtime.isDryRun()) return former;
		return this.before.apply((before) => {
			if (before && !this.batch(number).some((name) => before.has(name))) return [];
			if (this.pauseSeconds === 0 || !before) return former;
			return pulumi.all(former.map(({ uuid }) => uuid)).apply(async (uuids) => {
				const known = new Set(before.values());
				if (uuids.some((uuid) => !known.has(uuid))) await sleep(this.pauseSeconds * 1000);
				return former;
			});
		}) as pulumi.Output<Domain[]>;
	}

	private numberOf(index: number): number {
		return Math.floor(index / this.size) + 1;
	}

	/** The first is 1. */
	private batch(number: number): ReadonlyArray<string> {
		return this.names.slice(Math.max(0, (number - 1) * this.size), Math.max(0, number * this.size));
	}
}

/** UUIDs by name of the machines that were there when the run began; undefined when a host does not tell. */
async function machinesAt(uris: ReadonlyArray<string>): Promise<ReadonlyMap<string, string> | undefined> {
	try {
		const lists = await Promise.all(uris.map((uri) => connect(uri).domains.list()));
		return new Map(lists.flat().map(({ name, uuid }) => [name, uuid]));
	} catch {
		// Whatever is wrong the resources will say; until then every batch waits.
		return undefined;
	}
}

type Sizes = Pick<RollingArgs, "batchSize" | "pauseSeconds">;

function listed(names: ReadonlyArray<string>): string {
	if (names.length <= 2) return names.join(" and ");
	return `${names[0]} to ${names.at(-1)} (${names.length})`;
}
