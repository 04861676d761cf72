/**
 * Puts a payload into a disk's own file. It is written into an overlay, which takes the disk's name once it is whole; then
 * what is in the overlay is copied into the disk's file, below it, and that file gets its name back. Under its name the
 * disk is at every moment as it was before or as it is to be, and a machine can be started from it: whoever comes after an
 * interruption goes on where it ended.
 *
 *     NAME                          the disk
 *     NAME, .NAME.source            two names of the disk; the overlay is being filled
 *     NAME -> .NAME.source          NAME is the overlay, whole; the disk below is being written to
 *     NAME                          the disk
 */
import { execFile } from "node:child_process";
import { chmod, chown, link, lstat, open, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Context } from "../../lifecycle";
import { forgetBase } from "../../volume/bases";
import { fileExists, isLocal, removeFile, writeSparse } from "../../volume/local";
import { isAtWork, partialName, sweepPartials } from "../../volume/partials";
import { directoryOf, findPool, findVolume } from "../../volume/pools";
import { overlayFile, QCOW2_PROBE_BYTES, readQcow2Header } from "../../volume/qcow2";
import { refreshPool } from "../../volume/refresh";
import { refuseWhileUsed } from "../../volume/uses";
import { describeVolume } from "../../volume/xml";
import type { Payload } from "../payload-type";
import { type Injected, inject } from "./guestfs";

const run = promisify(execFile);

const instead = "let the scripts go into an image of their own, which is an overlay on it and leaves it as it is";

/**
 * @param path of a qcow2 file on this machine, in an active pool of the host
 * @throws InUseError while a machine runs on it, or other volumes depend on it
 * @throws Error where the disk is not fit for it; it is as it was then
 */
export async function injectIntoSource(context: Context, path: string, payload: Payload): Promise<Injected> {
	const { host, log, signal } = context;
	const poolUuid = await refuseUnfit(context, path);
	await finish(path, log);
	await sweepPartials(dirname(path));
	const kvm = await host.kvmUsable();
	const overlay = join(dirname(path), partialName(basename(path)));
	const source = sourceOf(path);
	try {
		await writeSparse(overlay, { lengthBytes: 0, pieces: [] });
		await linkSource(path, overlay);
		const { capacityBytes } = await headerOf(source);
		await removeFile(overlay);
		await writeSparse(overlay, overlayFile({ capacityBytes, backingFile: source, backingFormat: "qcow2" }));
		const injected = await inject({ path: overlay, format: "qcow2" }, payload, { kvm, log, signal, what: path });
		if (injected.changed) {
			await likeSource(overlay, source);
			await syncedRename(overlay, path);
		}
		if (injected.changed) await finish(path, log);
		return injected;
	} finally {
		await removeFile(overlay);
		await removeUnusedSource(path);
		forgetBase(host, path);
		await refreshPool(host, poolUuid, { now: true });
	}
}

/** The second name of the disk's file. */
function sourceOf(path: string): string {
	return join(dirname(path), `.${basename(path)}.source`);
}

/** @returns the UUID of its pool */
async function refuseUnfit({ host }: Context, path: string): Promise<string> {
	const found = await findVolume(host, path);
	const pool = found && (await host.pools.findByVolume(found.key));
	if (!found || !pool) {
		throw new Error(
			`there is no volume ${path} in any active storage pool on ${host.uri}: define and start a pool for it`,
		);
	}
	const known = await findPool(host, pool.uuid);
	if (!known || known.directory !== directoryOf(path) || !(await isLocal(host, known, path))) {
		throw new Error(
			`scripts cannot be put into ${path} on ${host.uri}, whose files are not files of this machine: run the program on the ` +
				"storage host, or put them into the running machine through its guest agent",
		);
	}
	if (!(await lstat(path)).isFile()) {
		throw new Error(
			`scripts cannot be put into ${path} itself: it is no file but leads to one; name that, or ${instead}`,
		);
	}
	const { format } = describeVolume(await host.volumes.xml(found.key));
	if (format !== "qcow2") {
		throw new Error(
			`scripts cannot be put into ${path} itself: it is ${format}; allowed is qcow2, of which a part can be replaced in one ` +
				`step. Convert it (qemu-img convert -O qcow2), or ${instead}`,
		);
	}
	await refuseInUse(host, path);
	return pool.uuid;
}

/** @throws InUseError while a machine runs on it, or other volumes depend on it */
export function refuseInUse(host: Context["host"], path: string): Promise<void> {
	const by = { overlays: true, domains: ({ running }: { running: boolean }) => running };
	const advice = `Shut the machine down, and remove what depends on it; or ${instead}.`;
	return refuseWhileUsed(host, path, "given scripts", by, advice);
}

/** @throws Error while another run is at work on the disk */
async function linkSource(path: string, own: string): Promise<void> {
	const source = sourceOf(path);
	const busy = await isAtWork(dirname(path), basename(path), basename(own));
	if (busy) throw new Error(`another run puts scripts into ${path}: wait for its end`);
	// Left by one that was killed before the overlay was whole.
	await removeUnusedSource(path);
	await link(path, source).catch((error: NodeJS.ErrnoException) => {
		if (error.code !== "EEXIST") throw error;
		throw new Error(
			`${source} is in the way: it is neither ${path} nor does that stand on it. Look what it is, and remove or rename it`,
		);
	});
}

/** The second name, as long as it is nothing but that. */
async function removeUnusedSource(path: string): Promise<void> {
	const [disk, source] = await Promise.all([path, sourceOf(path)].map((file) => stat(file).catch(() => undefined)));
	if (disk && source && disk.ino === source.ino && disk.dev === source.dev) await removeFile(sourceOf(path));
}

/** Goes on where an overlay has the disk's name. It may have been interrupted in the middle: the same is written again. */
async function finish(path: string, log: (message: string) => void): Promise<void> {
	const source = sourceOf(path);
	if (!(await fileExists(source)) || (await headerOf(path)).backingFile !== source) return;
	log(`writing what is in the overlay into ${path} itself`);
	// Without emptying the overlay, which has the disk's name until all is written.
	await run("qemu-img", ["commit", "-q", "-d", "-f", "qcow2", path]).catch((error) => {
		const reason = error.code === "ENOENT" ? "qemu-img is not installed here" : String(error.stderr || error.message);
		throw new Error(
			`the scripts are in ${path}, but it stands on ${source} still: ${reason.trim()}. Both are needed, and machines can be ` +
				"started from it; the next `pulumi up` goes on",
		);
	});
	await syncedRename(source, path);
}

async function headerOf(path: string) {
	const file = await open(path, "r");
	try {
		const start = Buffer.alloc(QCOW2_PROBE_BYTES);
		const { bytesRead } = await file.read(start, 0, start.length, 0);
		const header = readQcow2Header(start.subarray(0, bytesRead));
		if (!header) throw new Error(`${path} is no qcow2 image`);
		return header;
	} finally {
		await file.close();
	}
}

/** QEMU's user may have become its owner. */
async function likeSource(overlay: string, source: string): Promise<void> {
	const { uid, gid, mode } = await stat(source);
	await chown(overlay, uid, gid);
	await chmod(overlay, mode & 0o7777);
}

/** A power failure leaves the one or the other under the name, whole. */
async function syncedRename(from: string, to: string): Promise<void> {
	await synced(from);
	await rename(from, to);
	await synced(dirname(to));
}

async function synced(path: string): Promise<void> {
	const file = await open(path, "r");
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}
