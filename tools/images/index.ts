import * as cache from "./cache";
import { debian, member, openrc, servers, sysvinit } from "./debian";
import { micro } from "./micro";

export type { GuestImage, ImageKind, Log } from "./cache";
export { imagesFolder } from "./cache";

/** All recipes by name. */
export const recipes: Record<string, cache.Recipe> = { micro, debian, member, sysvinit, openrc, servers };

/**
 * A guest image for tests, demos and benchmarks: found in the cache within milliseconds, or built there (which needs
 * the network for packages, once).
 *
 * - `micro`: busybox and the real QEMU guest agent on a Debian cloud kernel, 64 MiB, runs in 128 MiB (UEFI: 256 MiB)
 * - `debian`: systemd, guest agent, cloud-init and OpenSSH; building it needs root
 * - `member`: the same with Kerberos' and Samba's tools, and what examples/domain-joined puts into an image
 * - `sysvinit`, `openrc`: without systemd as init
 * - `servers`: with PostgreSQL and NFS
 *
 * The files belong to the user who built them and must be readable by QEMU's user for a direct use: upload or copy
 * them into a storage pool otherwise.
 *
 * @param options.log called with one line for every long step, with its time
 * @param options.rebuild build anew, for newer packages; copies of the old image are not touched
 * @throws Error that names the command that failed and its last lines
 */
export function ensureImage(
	kind: cache.ImageKind,
	options: { log?: cache.Log; rebuild?: boolean } = {},
): Promise<cache.GuestImage> {
	const recipe = recipes[kind];
	if (!recipe) throw new Error(`There is no guest image "${kind}". There are: ${Object.keys(recipes).join(", ")}.`);
	return cache.ensureImage(recipe, options);
}
