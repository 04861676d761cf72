/** Others stop and remove their pools while we look through all of a host: what is gone by then holds nothing of ours. */
import type { Host } from "../libvirt";

/**
 * What `look` finds in a pool that was active a moment ago; undefined where it is stopped or gone by now.
 *
 * @throws what `look` threw, while the pool is active
 */
export async function unlessStopped<T>(host: Host, poolUuid: string, look: () => Promise<T>): Promise<T | undefined> {
	try {
		return await look();
	} catch (error) {
		const pools = await host.pools.list();
		if (pools.some(({ uuid, active }) => uuid === poolUuid && active)) throw error;
		return undefined;
	}
}
