import * as pulumi from "@pulumi/pulumi";
import { defaultUri } from "../../provider/dynamic";
import { connect } from "../../provider/libvirt";

/** What a clone uses at the time of asking. */
export interface Usage {
	/** Name of the instance. */
	name: string;
	/** State of the domain: "running", "shutoff", ...; "missing" when it is gone. */
	state: string;
	/** Virtual size of the disk in bytes. */
	capacityBytes: number;
	/** Bytes that the disk takes on the storage by itself. */
	allocationBytes: number;
}

interface Asked {
	name: string;
	path: pulumi.Output<string>;
	uuid: pulumi.Output<string>;
}

/** Asks the host; rejects when it cannot be reached. */
export function usageOf(uri: pulumi.Input<string> | undefined, asked: Asked[]): pulumi.Output<Usage[]> {
	const known = asked.map(({ name, path, uuid }) =>
		pulumi.all([path, uuid]).apply(([p, u]) => ({ name, path: p, uuid: u })),
	);
	return pulumi.all([uri ?? defaultUri(), pulumi.all(known)]).apply(([at, machines]) => {
		const host = connect(at);
		return Promise.all(
			machines.map(async ({ name, path, uuid }) => {
				const domain = await host.domains.find(uuid);
				const { capacityBytes, allocationBytes } = await host.volumes.size(path);
				return { name, state: domain?.state ?? "missing", capacityBytes, allocationBytes };
			}),
		);
	});
}
