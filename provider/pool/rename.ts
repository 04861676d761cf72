/** A pool under another name. */
import type { Host, PoolInfo } from "../libvirt/api";
import { activate } from "./make";
import type { PoolInputs } from "./schema";
import { domainsOnPool } from "./users";
import { changedPoolXml } from "./xml";

/** libvirt cannot rename a pool, but takes its UUID under another name once the former definition is gone. */
export async function rename(host: Host, existing: PoolInfo, inputs: PoolInputs): Promise<void> {
	const { name, uuid } = existing;
	if (await host.pools.find(inputs.name)) {
		throw new Error(
			`the storage pool "${name}" cannot be renamed to "${inputs.name}": there is another pool of that name on ` +
				`${host.uri}. Choose another name, or remove that one.`,
		);
	}
	const users = (await domainsOnPool(host, { name, path: undefined })).map((user) => user.name);
	if (users.length > 0) {
		throw new Error(
			`the storage pool "${name}" cannot be renamed to "${inputs.name}": domains name it in their disks: ` +
				`${users.slice(0, 10).join(", ")}. Keep the name, or let these domains name their volumes by path.`,
		);
	}
	const former = await host.pools.xml(uuid, { inactive: true });
	if (existing.active) await host.pools.destroy(uuid);
	await host.pools.undefine(uuid);
	try {
		const { active } = await host.pools.define(changedPoolXml(former, inputs));
		await activate(host, { ...existing, active }, inputs);
	} catch (error) {
		await host.pools.define(former);
		if (existing.active) await host.pools.start(uuid);
		throw error;
	}
}
