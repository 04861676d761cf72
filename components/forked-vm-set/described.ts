import * as pulumi from "@pulumi/pulumi";
import type { Domain } from "../../provider/domain/resource";
import type { ForkedFacts } from "../../provider/fork/forked";
import type { Identity } from "../../provider/identity/lease/resource";
import type { Volume } from "../../provider/volume/resource";

/** One child: facts of its last fork. */
export interface ForkedChild {
	/** Name on the host. */
	name: string;
	/** UUID of the domain. */
	uuid: string;
	/** Whether it runs, is off, or is off and waits in QEMU to be turned on. */
	power: "on" | "off" | "warm";
	/** Whether it is off because it has given way to others, and goes on as soon as an `up` finds room. */
	preempted: boolean;
	/** MAC address of each NIC. */
	macs: string[];
	/** Path of its disk on the host. */
	volumePath: string;
	/** Name of its identity; absent without an `identityPool`. */
	identity?: string;
	/** What it is by its own account; absent for one that was never turned on. */
	verified?: ForkedFacts;
}

/** What the outputs of a set say of one of its children. */
export function describe(child: {
	name: string;
	power: pulumi.Output<"on" | "off">;
	disk: Volume;
	domain: Domain;
	identity: Identity | undefined;
}): pulumi.Output<ForkedChild> {
	const { name, power, disk, domain, identity } = child;
	return pulumi
		.all([
			domain.uuid,
			domain.macs,
			disk.path,
			identity?.name,
			domain.forked,
			power,
			domain.nextStart,
			domain.preempted,
		])
		.apply(([uuid, macs, volumePath, own, verified, wanted, nextStart, preempted]) => ({
			name,
			uuid,
			power: preempted ? "off" : nextStart === "waiting" ? "warm" : wanted,
			preempted: preempted === true,
			macs,
			volumePath,
			...(own !== undefined && { identity: own }),
			...(verified !== undefined && { verified }),
		})) as pulumi.Output<ForkedChild>;
}
