/** What a component tells of a clone. */
import * as pulumi from "@pulumi/pulumi";
import type { Domain } from "../../provider/domain/resource";
import type { DomainFacts } from "../../provider/domain/schema";
import { defaultUri } from "../../provider/dynamic";
import type { ScriptFacts } from "../../provider/init/awaited";
import type { Volume } from "../../provider/volume/resource";
import type { Lineage } from "../../provider/volume/schema";
import type { ClonedInstanceWithInitArgs } from "./args";
import { parametersOf } from "./payload";
import type { Planned } from "./planned";

/** One clone: facts of its creation. */
export interface InitInstance {
	/** Name on the host. */
	name: string;
	/** libvirt URI of its host. */
	uri: string;
	/** UUID of the domain. */
	uuid: string;
	/** Its number among the clones. */
	instanceId: number;
	/** MAC address of each NIC. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
	/** Path of its disk on the host. */
	volumePath: string;
	/** What the disk was cloned from. */
	lineage: Lineage | undefined;
	/**
	 * What it computes from its hardware, by name; what has a TPM in it only the machine can tell, and is left out. Secret
	 * where the component's parameters are.
	 */
	parameters: Record<string, string>;
	/** What has become of its scripts at its first boot; empty for one that was not waited for. */
	scripts: ScriptFacts[];
	/** Milliseconds of each step, from the disk to the first thing that the guest was seen to do. */
	timings: DomainFacts["timings"] & { volumeMs?: number };
}

export function describe(
	component: string,
	args: ClonedInstanceWithInitArgs,
	{ name, instanceId, hardware, place }: Planned,
	{ disk, domain }: { disk: Volume; domain: Domain },
): pulumi.Output<InitInstance> {
	return pulumi
		.output({
			uri: place.uri ?? defaultUri(),
			uuid: domain.uuid,
			macs: domain.macs,
			addresses: domain.addresses,
			volumePath: disk.path,
			lineage: disk.lineage,
			timings: domain.timings,
			scripts: domain.scripts,
			disk: disk.timings,
			parameters: parametersOf(component, args, hardware),
		})
		.apply(({ disk: made, timings, scripts, ...facts }) => ({
			name,
			instanceId,
			...facts,
			scripts: scripts ?? [],
			// An update that is limited by --target leaves the outputs of what it does not make undefined.
			timings: { ...(made && { volumeMs: made.createMs }), ...timings },
		})) as pulumi.Output<InitInstance>;
}
