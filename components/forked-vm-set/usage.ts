import type * as pulumi from "@pulumi/pulumi";
import { type ChildUsage, usageOf } from "../../provider/fork/usage";
import { type Asked, askEach } from "../usage";

/** What a child has for itself at the time of asking, and what it shares with its parent. */
export interface ForkedChildUsage extends ChildUsage {
	/** Name of the child. */
	name: string;
	/** State of the domain: "running", "shutoff", "paused" (it may wait), ...; "missing" when it is gone. */
	state: string;
}

/** Asks the host; rejects when it cannot be reached. */
export function askUsage(uri: pulumi.Input<string> | undefined, asked: Asked[]): pulumi.Output<ForkedChildUsage[]> {
	return askEach(uri, asked, (host, { uuid, path }) => usageOf(host, uuid, path));
}
