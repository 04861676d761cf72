/** Removing a pool, and what keeps it. */
import type { Host, PoolInfo } from "../libvirt/api";
import { type Context, InUseError } from "../lifecycle";
import { stackTag } from "../owner";
import { tagIn } from "../volume/name";
import { definitionOf, refuseForeign } from "./own";
import type { PoolInputs } from "./schema";
import { domainsOnPool } from "./users";

/**
 * Stops and undefines the pool. What is in its directory stays, whoever made it: volumes that are left are files
 * again. Refused while a domain depends on the pool being active: any domain that names it in a disk, and running
 * ones with a disk in its directory, as what was done to those disks would no longer be seen by libvirt. With
 * `deleteDirectory` the directory is removed as well; refused, before anything is done, unless it is empty. While
 * volumes of its own stack are left it waits for the guard, which finds them through the pool.
 */
export async function removePool(existing: PoolInfo, state: PoolInputs, { host, afterSweep }: Context): Promise<void> {
	const { name, uuid } = existing;
	const described = await definitionOf(host, existing);
	refuseForeign(existing, described, [state], "was not deleted");
	const { path } = described;
	const users = await domainsOnPool(host, { name, path });
	if (users.length > 0) {
		const named = users.slice(0, 10).map((user) => `${user.name} (${user.running ? "running" : "shut off"})`);
		const shown = named.join(", ") + (users.length > 10 ? ` and ${users.length - 10} more` : "");
		throw new InUseError(
			`the storage pool "${name}" cannot be deleted: domains use it: ${shown}. Remove these first.`,
			{ domains: users.map((user) => user.name), volumes: [] },
		);
	}
	if (!afterSweep) await refuseBeforeSweep(host, existing, state.ownerId);
	if (state.deleteDirectory) await refuseUnlessEmpty(host, existing, path);
	if (existing.active) await host.pools.destroy(uuid);
	if (state.deleteDirectory) {
		await host.pools.delete(uuid).catch(async (error) => {
			if (existing.active) await host.pools.start(uuid);
			throw error;
		});
	}
	if (existing.persistent) await host.pools.undefine(uuid);
}

async function refuseBeforeSweep(host: Host, { uuid, name, active }: PoolInfo, ownerId: string): Promise<void> {
	// A pool whose directory is gone (it was removed, or is not mounted) has nothing that could be swept.
	const refreshed = active && (await host.pools.refresh(uuid).then(() => true, isDirectoryGone));
	if (!refreshed) return;
	const ours = (await host.pools.listVolumes(uuid)).filter((volume) => tagIn(volume.name) === stackTag(ownerId));
	if (ours.length === 0) return;
	throw new InUseError(`the storage pool "${name}" holds ${ours.length} volume(s) of its stack.`, {
		domains: [],
		volumes: ours.map(({ path }) => path),
	});
}

/** For a refresh's `catch`: false when the pool's directory is gone; throws any other error. */
function isDirectoryGone(error: Error): false {
	if (/cannot open directory .*No such file or directory/.test(error.message)) return false;
	throw error;
}

async function refuseUnlessEmpty(
	host: Host,
	{ uuid, name, active }: PoolInfo,
	path: string | undefined,
): Promise<void> {
	if (!active) return;
	await host.pools.refresh(uuid);
	const volumes = await host.pools.listVolumes(uuid);
	if (volumes.length === 0) return;
	const names = volumes.slice(0, 5).map((volume) => volume.name);
	throw new Error(
		`the directory ${path} of the storage pool "${name}" cannot be removed: ${volumes.length} file(s) are in it: ` +
			`${names.join(", ")}${volumes.length > 5 ? ", ..." : ""}. Remove these first, or set deleteDirectory: false.`,
	);
}
