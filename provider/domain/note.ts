/** Notes in a machine's own metadata, for later runs. */
import type { ForkedFacts } from "../fork/forked";
import type { Host } from "../libvirt";
import { METADATA_NAMESPACE, METADATA_PREFIX } from "../owner";
import { parse, serialize } from "../xml/element";
import { bareRecordElement, type Recorded, recordedIn } from "../xml/metadata";
import { patiently } from "./patience";

/**
 * A create that finds the machine again after an interruption does not set it up twice.
 * @param forked what it is by its own account, where it was forked
 */
export async function markSetUp(host: Host, uuid: string, forked?: ForkedFacts): Promise<void> {
	const told = forked && { forked: JSON.stringify(forked) };
	await note(host, uuid, { setUp: true, ...told }, ["config", "live"]);
}

/** That it gives way, or finds no room. In the definition alone: what runs is about to end. */
export async function markPreempted(host: Host, uuid: string): Promise<void> {
	await note(host, uuid, { preempted: true }, ["config"]);
}

/** That it runs again. */
export async function unmarkPreempted(host: Host, uuid: string): Promise<void> {
	await note(host, uuid, { preempted: false }, ["config"]);
}

/** Changes what is recorded in a machine of ours. */
export async function note(
	host: Host,
	uuid: string,
	change: Partial<Recorded>,
	targets: ReadonlyArray<"config" | "live">,
): Promise<void> {
	const recorded = recordedIn(parse(await host.domains.xml(uuid, { inactive: true }), "the definition"));
	if (!recorded) return;
	const xml = serialize(bareRecordElement({ ...recorded, ...change }));
	for (const target of targets) {
		await patiently(() => host.domains.setMetadata(uuid, METADATA_NAMESPACE, METADATA_PREFIX, xml, target));
	}
}
