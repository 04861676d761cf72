/** Starting a machine that is off: from its boot loader, or from where its fork point stood still. */

import { startForked } from "../fork/child";
import type { ForkedFacts } from "../fork/forked";
import { freshDisk } from "../fork/fresh-disk";
import type { Context } from "../lifecycle";
import { markSetUp } from "./finish";
import { patiently } from "./patience";
import type { DomainInputs } from "./schema";

/**
 * @param isSetUp whether it has been through its first start
 * @returns what a forked machine is by its own account; undefined for one that boots
 * @throws Error when a forked machine is not who it was to be; it may run then, without a network
 */
export async function startMachine(
	context: Context,
	uuid: string,
	{ fork, disks }: Pick<DomainInputs, "fork" | "disks">,
	isSetUp: boolean,
): Promise<ForkedFacts | undefined> {
	const { host } = context;
	if (!fork || (isSetUp && fork.powerOn === "boot")) {
		await patiently(() => host.domains.start(uuid));
		return undefined;
	}
	await freshDisk(context, disks[0]!.volume, fork.point);
	const forked = await startForked(host, uuid, fork);
	await markSetUp(host, uuid);
	return forked;
}
