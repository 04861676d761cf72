/** Starting a machine that is off: from its boot loader, or from where its fork point stood still. */

import { startForked } from "../fork/child";
import type { ForkedFacts } from "../fork/forked";
import { orQuarantine } from "../fork/quarantine";
import { isForkedNext, letWait } from "../fork/waiting";
import type { Context } from "../lifecycle";
import { markSetUp } from "./note";
import { patiently } from "./patience";
import { powerOff } from "./power";
import type { DomainFacts, DomainInputs } from "./schema";

type Forkable = Pick<DomainInputs, "fork" | "disks">;

/**
 * @param isSetUp whether it has been through its first start
 * @returns what a forked machine is by its own account; undefined for one that boots
 * @throws Error when a forked machine is not who it was to be; it may run then, without a network
 */
export async function startMachine(
	context: Context,
	uuid: string,
	{ fork, disks }: Forkable,
	isSetUp: boolean,
): Promise<ForkedFacts | undefined> {
	const { host } = context;
	if (!isForkedNext(fork, isSetUp)) {
		await patiently(() => host.domains.start(uuid));
		return undefined;
	}
	try {
		const forked = await orQuarantine(fork, context.log, () => startForked(context, uuid, fork, disks[0]!.volume));
		await markSetUp(host, uuid, forked);
		return forked;
	} catch (error) {
		// Who is not who it was to be does not run.
		await powerOff(host, uuid).catch(() => {});
		throw error;
	}
}

/** Has a QEMU wait for a machine that is off, where that is wanted and its next power-on goes on from a fork point. */
export async function waitWhileOff(context: Context, uuid: string, inputs: Forkable, isSetUp: boolean): Promise<void> {
	if (nextStart({ ...inputs, running: false }, isSetUp) !== "waiting") return;
	await letWait(context, uuid, inputs.fork!, inputs.disks[0]!.volume);
}

/** What turning a machine on comes to that is as its inputs say. */
export function nextStart(
	{ fork, running }: Pick<DomainInputs, "fork" | "running">,
	isSetUp: boolean,
): DomainFacts["nextStart"] {
	if (!fork) return undefined;
	if (!isForkedNext(fork, isSetUp)) return "boot";
	return fork.warm && !running ? "waiting" : "fork";
}
