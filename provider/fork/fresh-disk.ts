/** The disk of a child as it has to be at the fork: an overlay on its parent's, to which nothing was written. */
import { type Context, InputError } from "../lifecycle";
import { make } from "../volume/make";
import { findPool, findVolume } from "../volume/pools";
import { freshQcow2Length } from "../volume/qcow2";
import { refreshPool } from "../volume/refresh";
import { remove } from "../volume/remove";
import { volumeSchema } from "../volume/schema";
import { MIB, wantedOf } from "../volume/wanted";
import { describeVolume } from "../volume/xml";
import type { Point } from "./point";

/**
 * Memory and disk of a guest belong together: with what an earlier life wrote, the file system would be destroyed. So
 * what is there of that goes.
 * @throws InputError when the disk is no overlay on the fork point's
 */
export async function freshDisk(context: Context, volume: string, point: Point): Promise<void> {
	const { host, log } = context;
	// A guest waits for it: it may have been made a moment ago, beside libvirt.
	const found = await findVolume(host, volume, { now: true });
	if (!found) throw new InputError("disks[0].volume", `there is no volume ${volume} on ${host.uri}`);
	const pool = (await findPool(host, (await host.pools.findByVolume(found.key))!.uuid))!;
	const look = async () => describeVolume(await host.volumes.xml(found.key));
	let seen = await look();
	if (seen.backing?.path !== point.disk) {
		// What libvirt knows may be the file that was there before, under the same name.
		await refreshPool(host, pool.uuid, { now: true });
		seen = await look();
	}
	const { path, backing, capacityBytes, fileBytes } = seen;
	if (backing?.path !== point.disk) {
		throw new InputError(
			"disks[0].volume",
			`got ${path}, an overlay on ${backing?.path ?? "nothing"}; allowed is a clone of the disk of its fork point, ${point.disk}`,
		);
	}
	if (fileBytes === freshQcow2Length(capacityBytes)) return;
	log(`${path} starts afresh: what an earlier life wrote to it is gone`);
	await remove(host, pool, path);
	const sizeMiB = Math.ceil(capacityBytes / MIB);
	const { uri } = host;
	const inputs = volumeSchema.parse({
		uri,
		ownerId: "-",
		pool: pool.uuid,
		name: found.name,
		base: point.disk,
		sizeMiB,
	});
	await make(context, await wantedOf(host, pool, inputs));
}
