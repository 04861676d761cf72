import * as pulumi from "@pulumi/pulumi";
import { defaultUri } from "../../provider/dynamic";
import { type ChildUsage, usageOf } from "../../provider/fork/usage";
import { connect } from "../../provider/libvirt";

/** What a child has for itself at the time of asking, and what it shares with its parent. */
export interface ForkedChildUsage extends ChildUsage {
	/** Name of the child. */
	name: string;
	/** State of the domain: "running", "shutoff", "paused" (it may wait), ...; "missing" when it is gone. */
	state: string;
}

interface Asked {
	name: string;
	volumePath: pulumi.Output<string>;
	uuid: pulumi.Output<string>;
}

/** Asks the host; rejects when it cannot be reached. */
export function askUsage(uri: pulumi.Input<string> | undefined, asked: Asked[]): pulumi.Output<ForkedChildUsage[]> {
	return pulumi.all([uri ?? defaultUri(), pulumi.all(asked)]).apply(([at, children]) => {
		const host = connect(at);
		return Promise.all(
			children.map(async ({ name, volumePath, uuid }) => {
				const [domain, usage] = await Promise.all([host.domains.find(uuid), usageOf(host, uuid, volumePath)]);
				return { name, state: domain?.state ?? "missing", ...usage };
			}),
		);
	});
}
