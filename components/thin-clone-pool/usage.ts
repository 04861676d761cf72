import type * as pulumi from "@pulumi/pulumi";
import { type Asked, askEach } from "../usage";

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

/** Asks the host; rejects when it cannot be reached. */
export function usageOf(uri: pulumi.Input<string> | undefined, asked: Asked[]): pulumi.Output<Usage[]> {
	return askEach(uri, asked, async (host, { path }) => {
		const { capacityBytes, allocationBytes } = await host.volumes.size(path);
		return { capacityBytes, allocationBytes };
	});
}
