/** Clones that stand beside their base: shared extents, or all bytes copied. */
import { chmod, constants, copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../lifecycle";
import type { Undo } from "../undo";
import { isLocal, makeFile, removeFile } from "./local";
import { directoryOf } from "./pools";
import { refreshPool, refreshPoolLater } from "./refresh";
import { noteMade } from "./uses";
import { lineageOf, type Made, type Wanted } from "./wanted";
import { describeVolume, volumeXml } from "./xml";

/** A copy takes as long as its bytes take. */
const COPY_DEADLINE_SECONDS = 24 * 3600;
const NO_REFLINK = ["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOTTY", "EINVAL", "EXDEV"];

export async function makeReflink(context: Context, wanted: Wanted, undo: Undo): Promise<Made> {
	const { host } = context;
	const { inputs, pool, base, capacityBytes } = wanted;
	if (base!.format !== inputs.format) {
		throw impossible(wanted, `the base is ${base!.format} and the clone would have to be ${inputs.format}`);
	}
	let found: { key: string; path: string };
	if (await isHere(context, wanted)) {
		const path = join(pool.directory!, inputs.name);
		await makeFile(path, async (temporary) => {
			await copyFile(base!.path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE).catch(
				(error) => {
					throw NO_REFLINK.includes(error.code ?? "") ? impossible(wanted, reasonOf(error)) : error;
				},
			);
			await chmod(temporary, 0o600);
		});
		undo.add(`remove ${path}`, () => removeFile(path));
		found = { key: path, path };
		await refreshWhereNeeded(context, wanted);
	} else {
		if (inputs.format !== "raw") {
			throw impossible(
				wanted,
				"libvirt, through which this host's files are reached, makes reflinks of raw volumes only",
			);
		}
		const xml = volumeXml({ name: inputs.name, format: "raw", capacityBytes: base!.capacityBytes });
		found = await host.volumes
			.createFrom(pool.uuid, xml, base!.key, { reflink: true, deadlineSeconds: COPY_DEADLINE_SECONDS })
			.catch((error) => {
				throw /reflink|clone|not supported|Operation not permitted/i.test(error.message)
					? impossible(
							wanted,
							`the host's file system refuses it (XFS made with reflink=1 and btrfs do it): ${error.message}`,
						)
					: error;
			});
		undo.add(`delete the volume ${found.path}`, () => host.volumes.delete(found.key));
	}
	noteMade(host, found.path, base!.backing[0]);
	if (capacityBytes! > base!.capacityBytes) await host.volumes.resize(found.key, capacityBytes!);
	return { ...found, capacityBytes: capacityBytes!, made: "reflink", lineage: lineageOf(wanted) };
}

/** Both files are files of this machine. */
async function isHere({ host }: Context, { pool, base }: Wanted): Promise<boolean> {
	const hint = directoryOf(base!.path) === pool.directory ? base!.path : undefined;
	if (!(await isLocal(host, pool, hint))) return false;
	if (hint !== undefined) return true;
	const basePool = await host.pools.findByVolume(base!.key);
	return (
		basePool !== undefined &&
		isLocal(host, { ...basePool, type: "dir", directory: directoryOf(base!.path) }, base!.path)
	);
}

/** libvirt has to know the file before it can grow it. */
async function refreshWhereNeeded({ host }: Context, { pool, base, capacityBytes }: Wanted): Promise<void> {
	if (capacityBytes! > base!.capacityBytes) await refreshPool(host, pool.uuid);
	else refreshPoolLater(host, pool.uuid);
}

function reasonOf(error: NodeJS.ErrnoException): string {
	if (error.code === "EXDEV") return "the base and the pool are on different file systems";
	return `the file system does not support it (${error.code}; XFS made with reflink=1 and btrfs do)`;
}

function impossible({ inputs, base, pool }: Wanted, reason: string): Error {
	const overlay =
		inputs.format === "qcow2" ? 'cloning: "overlay"' : 'format: "qcow2" with cloning: "overlay" (a linked clone)';
	return new Error(
		`a reflink of ${base!.path} in the pool "${pool.name}" is not possible: ${reason}. ` +
			`Use ${overlay}, or cloning: "copy", which copies all ${Math.ceil(base!.capacityBytes / 2 ** 20)} MiB.`,
	);
}

/** All bytes are copied, by libvirt on the host. The copy needs no backing store. */
export async function makeCopy({ host, log }: Context, wanted: Wanted, undo: Undo): Promise<Made> {
	const { inputs, pool, base, capacityBytes } = wanted;
	const started = performance.now();
	log(`copying ${base!.path} (${Math.ceil(base!.capacityBytes / 2 ** 20)} MiB)`);
	const xml = volumeXml({ name: inputs.name, format: inputs.format, capacityBytes: base!.capacityBytes });
	const options = { deadlineSeconds: COPY_DEADLINE_SECONDS };
	const found = await host.volumes.createFrom(pool.uuid, xml, base!.key, options);
	undo.add(`delete the volume ${found.path}`, () => host.volumes.delete(found.key));
	log(`copied in ${((performance.now() - started) / 1000).toFixed(1)} s`);
	if (capacityBytes! > base!.capacityBytes) await host.volumes.resize(found.key, capacityBytes!);
	const { capacityBytes: reached } = describeVolume(await host.volumes.xml(found.key));
	return { key: found.key, path: found.path, capacityBytes: reached, made: "copy", lineage: lineageOf(wanted) };
}
