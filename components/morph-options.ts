import * as pulumi from "@pulumi/pulumi";
import { defaultUri } from "../provider/dynamic";
import { connect } from "../provider/libvirt";
import type { InstanceType, InstanceTypes } from "../provider/morph/instance-types";
import type { MorphOption } from "../provider/morph/options";
import { surveyOptions } from "../provider/morph/survey";

/** What `morphOptions` goes by. */
export interface MorphOptionsArgs {
	/** Names or UUIDs of machines on one host, whoever made them. */
	machines: pulumi.Input<pulumi.Input<string>[]>;
	/** Types to choose from. @default the built-in ones */
	types?: InstanceTypes<Record<string, InstanceType>>;
	/** libvirt URI of their host. @default the configured one */
	uri?: pulumi.Input<string>;
	/** libvirt URI of another host, to which they are to move. @default none: they stay where they are */
	to?: pulumi.Input<string>;
	/**
	 * MiB that are sent there in a second. A machine that changes its memory faster is told `save-restore` then.
	 * @default none: that is not asked about
	 */
	bandwidthMiBps?: pulumi.Input<number>;
}

/**
 * Which instance types machines can change to, here or on another host, and how: what all of them can, and which machine excludes the rest. Asks
 * the host when the program runs, in previews as well, and changes nothing; fails when it cannot be reached, and for a
 * machine that is not there.
 */
export function morphOptions({
	machines,
	types,
	uri,
	to,
	bandwidthMiBps,
}: MorphOptionsArgs): pulumi.Output<MorphOption[]> {
	return pulumi
		.all([uri ?? defaultUri(), machines, to, bandwidthMiBps])
		.apply(async ([at, names, target, bandwidth]) => {
			const context = { host: connect(at), log: (line: string) => void pulumi.log.warn(line) };
			const there = target === undefined ? undefined : connect(target);
			return (await surveyOptions(context, names, types?.all, there, bandwidth)).options;
		}) as pulumi.Output<MorphOption[]>;
}
