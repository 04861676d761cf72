/** What somebody else's pool has already. */
import type { Host } from "../libvirt/api";
import { InputError } from "../lifecycle";
import { stackTag } from "../owner";
import { madeBy } from "./own";
import type { PoolInputs } from "./schema";
import { describePool } from "./xml";

/**
 * libvirt has one pool for a directory. One of this stack may be about to go; any other stays.
 * @throws InputError that names it
 */
export async function refuseSharedDirectory(host: Host, inputs: PoolInputs): Promise<void> {
	for (const { uuid, name } of await host.pools.list()) {
		if (name === inputs.name || uuid.startsWith(stackTag(inputs.ownerId)) || madeBy(inputs).includes(uuid)) continue;
		if (describePool(await host.pools.xml(uuid)).path !== inputs.path) continue;
		throw new InputError(
			"path",
			`got "${inputs.path}", which the storage pool "${name}" on ${host.uri} has already; allowed is a directory that is no ` +
				`pool's: choose another, use that pool by its name, or set name: "${name}" and adopt: true`,
		);
	}
}
