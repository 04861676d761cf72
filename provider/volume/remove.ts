/** Removes a volume. */
import type { Host } from "../libvirt/api";
import { fileExists, isLocal, isNotForUs, removeFile } from "./local";
import { directoryOf, findVolume, type Pool } from "./pools";
import { refreshPool, refreshPoolLater } from "./refresh";

/** Succeeds when it is gone already. Whether somebody needs it is the caller's question. */
export async function remove(host: Host, pool: Pool, path: string): Promise<void> {
	if (directoryOf(path) === pool.directory && (await isLocal(host, pool, path))) {
		if (!(await fileExists(path))) return;
		try {
			await removeFile(path);
			refreshPoolLater(host, pool.uuid);
			return;
		} catch (error) {
			if (!isNotForUs(error)) throw error;
		}
	}
	const found = await findVolume(host, path);
	if (!found) return;
	try {
		await host.volumes.delete(found.key);
	} catch (error) {
		// Gone behind libvirt's back: a refresh lets it see that.
		await refreshPool(host, pool.uuid, { now: true });
		if (await host.volumes.find(found.key)) throw error;
	}
}
