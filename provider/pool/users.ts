/** Who needs a pool to be active. */
import type { Host } from "../libvirt/api";
import { disksIn } from "../volume/domain-disks";
import { directoryOf } from "../volume/pools";

/**
 * Domains that name the pool in a disk (libvirt cannot start them without it), and running domains with a disk in its
 * directory.
 */
export async function domainsOnPool(
	host: Host,
	pool: { name: string; path: string | undefined },
): Promise<Array<{ name: string; running: boolean }>> {
	const domains = await host.domains.listWithXml();
	const users = await Promise.all(
		domains.map(async ({ name, uuid, state, xml }) => {
			const running = !["shutoff", "crashed"].includes(state);
			const live = running ? await host.domains.xml(uuid).catch(() => undefined) : undefined;
			const disks = [...disksIn(xml), ...(live === undefined ? [] : disksIn(live))];
			const names = disks.some((disk) => disk.pool === pool.name);
			const inside = running && disks.some(({ path }) => path !== undefined && directoryOf(path) === pool.path);
			return names || inside ? { name, running } : undefined;
		}),
	);
	return users.filter((user) => user !== undefined);
}
