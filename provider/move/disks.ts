/** The disks of a machine that moves: which volume each is on the new host, and what of it has to be sent. */
import { basename, dirname } from "node:path";
import { matchDisks } from "../domain/disks";
import type { Seen } from "../domain/look";
import type { DiskInputs } from "../domain/schema";
import { resolveDisks } from "../domain/source";
import type { Host } from "../libvirt";
import { type Context, InputError } from "../lifecycle";
import { isShared } from "../volume/holders";
import { make } from "../volume/make";
import { findPool } from "../volume/pools";
import { isUntouched } from "../volume/qcow2";
import { refreshPool } from "../volume/refresh";
import { remove } from "../volume/remove";
import { growTo } from "../volume/resize";
import { volumeSchema } from "../volume/schema";
import { usesOf } from "../volume/uses";
import { MIB, wantedOf } from "../volume/wanted";
import type { VolumeDescription } from "../volume/xml";
import type { DiskFormat, DiskSource, FoundDisk } from "../xml/devices";
import { describedAt, isSameContent } from "./same-content";

export interface MovedDisk {
	/** Its name in the machine: "vda". */
	target: string;
	/** Where it is on the new host. */
	source: DiskSource;
	format: DiskFormat;
	/** Of one that is written to: the volumes on both sides. */
	volumes?: { from: VolumeDescription; to: VolumeDescription } | undefined;
	/** The volumes are the same file, on storage that both hosts share: nothing is sent. */
	shared: boolean;
	/** Host cache mode. */
	cache: string | undefined;
}

/**
 * Looks at both hosts; changes nothing.
 * @param mayHold paths there of volumes that an earlier attempt may have written to
 * @throws InputError for a volume that the disk cannot go to
 */
export async function movedDisks(
	{ host: here }: Context,
	there: Host,
	seen: Seen,
	before: ReadonlyArray<DiskInputs>,
	after: ReadonlyArray<DiskInputs>,
	mayHold: ReadonlyArray<string>,
): Promise<MovedDisk[]> {
	if (after.length < before.length) {
		throw new InputError(
			"disks",
			`got ${after.length} for a machine that moves with ${before.length}: allowed are its disks, in their order, and ` +
				"others after them; take disks out before or after it moves",
		);
	}
	const found = (seen.live ?? seen.config).disks;
	const matched = matchDisks(
		before.map(({ volume, device }) => ({ key: volume, device })),
		found,
		false,
	);
	const foreign = found.find((disk) => !matched.includes(disk) && disk.chain.length > 0);
	if (foreign) {
		throw new Error(
			`${seen.name} has a disk ${foreign.target} (${foreign.chain[0]}) that is not recorded: it cannot move with it. ` +
				"Run pulumi refresh and look at the preview, or take the disk out",
		);
	}
	const resolved = await resolveDisks(here, after.slice(0, before.length));
	return Promise.all(
		resolved.map(async ({ source, format }, index): Promise<MovedDisk> => {
			const property = `disks[${index}]`;
			const disk = matched[index];
			refuseKind(property, seen.name, before[index]!, disk, source);
			const [from, to] = await Promise.all([
				describedAt(there, disk!.chain[0]!),
				describedAt(here, (source as { path: string }).path),
			]);
			const moved = { target: disk!.target!, source, format, shared: false, cache: disk!.cache };
			if (disk!.readOnly) {
				if (await isSameContent(there, from.path, here, to.path)) return moved;
				throw new InputError(
					property,
					`got ${to.path}, which does not hold what ${from.path} on ${there.uri} does: the machine only reads it, so it ` +
						"is not sent; allowed is a volume of the same content",
				);
			}
			if (await isShared(there, from.path, here, to.path)) {
				await refuseOtherBase(here, there, property, from, to);
				return { ...moved, volumes: { from, to }, shared: true };
			}
			await refuseUsed(here, property, to, mayHold);
			return { ...moved, volumes: { from, to } };
		}),
	);
}

function refuseKind(
	property: string,
	name: string,
	input: DiskInputs,
	disk: FoundDisk | undefined,
	source: DiskSource,
): void {
	if (!disk?.target) {
		throw new InputError(property, `${name} has no disk on ${input.volume}, which is recorded; run pulumi refresh`);
	}
	if (disk.source?.type === "network" || source.type === "network") {
		throw new InputError(
			property,
			`got ${disk.chain[0]}, on storage in the network: allowed for a machine that moves are files and block devices`,
		);
	}
	if (disk.chain[0] !== input.volume) {
		throw new InputError(
			property,
			`a snapshot lies on ${input.volume} (${disk.chain[0]}): allowed for a machine that moves are disks without one`,
		);
	}
}

/** What is in a volume that the disk goes to is lost. */
async function refuseUsed(here: Host, property: string, to: VolumeDescription, mayHold: ReadonlyArray<string>) {
	const { domains, overlays } = await usesOf(here, to.path);
	const [user] = [...domains.map(({ name }) => `domain ${name}`), ...overlays];
	if (user !== undefined) {
		throw new InputError(property, `got ${to.path} on ${here.uri}, which ${user} uses; allowed is a volume of its own`);
	}
	if (isUntouched(to) || mayHold.includes(to.path)) return;
	throw new InputError(
		property,
		`got ${to.path} on ${here.uri}, which holds something already (the same file, on storage that both hosts share, by no Volume?); ` +
			"allowed is a volume that nothing was written to: the machine's disk is sent into it",
	);
}

/** What lies below a file that both hosts share may be files of their own. */
async function refuseOtherBase(
	here: Host,
	there: Host,
	property: string,
	from: VolumeDescription,
	to: VolumeDescription,
): Promise<void> {
	if (!from.backing || !to.backing) return;
	const [before, now] = [from.backing.path, to.backing.path];
	const isBeside = dirname(before) === dirname(from.path) && dirname(now) === dirname(to.path);
	if (isBeside && basename(before) === basename(now)) return void (await describedAt(here, now));
	if (await isSameContent(there, before, here, now)) return;
	throw new InputError(
		property,
		`got ${to.path}, the same file on both hosts, on ${now}, which does not hold on ${here.uri} what it does on ` +
			`${there.uri}; allowed is a base of the same content on both`,
	);
}

/** Those whose content is sent. */
export function sentOf(disks: ReadonlyArray<MovedDisk>) {
	return disks.flatMap(({ volumes, shared, target }) => (volumes && !shared ? [{ volumes, target }] : []));
}

/** Whether what lies below all of the disks is on both hosts: then only what they have beside it is sent. */
export async function copyOf(here: Host, there: Host, disks: ReadonlyArray<MovedDisk>): Promise<"all" | "top"> {
	for (const { volumes } of sentOf(disks)) {
		const [from, to] = [volumes.from.backing, volumes.to.backing];
		if (!from && !to) continue;
		if (!from || !to || !(await isSameContent(there, from.path, here, to.path))) return "all";
	}
	return "top";
}

/** Makes the volumes on the new host ready to be written to: nothing in them, and of the same size. */
export async function prepare(context: Context, there: Host, disks: ReadonlyArray<MovedDisk>): Promise<void> {
	const { host: here } = context;
	for (const { volumes } of sentOf(disks)) {
		const { from, to } = volumes;
		if (!isUntouched(to)) await remake(context, to);
		await growTo(here, to, from.capacityBytes);
		await growTo(there, from, to.capacityBytes);
	}
}

/** What an attempt that was cut off has written to is no empty overlay any more. */
async function remake(context: Context, { name, path, key, format, capacityBytes, backing }: VolumeDescription) {
	const { host, log } = context;
	log(`${path} is made anew: an earlier attempt has written to it`);
	const pool = (await findPool(host, (await host.pools.findByVolume(key))!.uuid))!;
	await remove(host, pool, path);
	await refreshPool(host, pool.uuid, { now: true });
	const inputs = volumeSchema.parse({
		uri: host.uri,
		ownerId: "-",
		pool: pool.uuid,
		name,
		format,
		...(capacityBytes % MIB === 0 && { sizeMiB: capacityBytes / MIB }),
		...(backing && { base: backing.path, cloning: "overlay" }),
	});
	await make(context, await wantedOf(host, pool, inputs));
}
