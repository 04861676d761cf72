/**
 * Work on the files of a pool without libvirt, where this code runs on the storage host itself: two orders of magnitude
 * faster. That it does is proved, not guessed from the URI: a file of the same path, length and times of change (in
 * nanoseconds) as libvirt says is there is the same file.
 */
import { link, lstat, open, stat, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Host } from "../libvirt/api";
import { partialName, sweepPartialsOnce } from "./partials";
import { directoryOf, type Pool } from "./pools";
import type { SparseFile } from "./qcow2";
import { describeVolume, type VolumeDescription } from "./xml";

/** How long "not the same machine" is believed; "the same" holds for the process. */
const DENIED_MS = 30_000;
/** As libvirt makes volumes; QEMU's user gets the file when a domain starts. */
const MODE = 0o600;

interface Proof {
	local: Promise<boolean>;
	at: number;
}

const proofs = new WeakMap<Host, Map<string, Proof>>();

/** Whether this path is the very file that libvirt describes. */
async function isSameFile(volume: VolumeDescription): Promise<boolean> {
	if (volume.type !== "file" || !volume.stamp || !volume.path.startsWith("/")) return false;
	const found = await stat(volume.path, { bigint: true }).catch(() => undefined);
	return (
		found?.isFile() === true &&
		found.mtimeNs === volume.stamp.modifiedNs &&
		found.ctimeNs === volume.stamp.changedNs &&
		found.size === BigInt(volume.fileBytes ?? volume.capacityBytes)
	);
}

/**
 * Whether the pool's directory is a directory of this machine. A pool without volumes proves nothing: false. Never
 * rejects, as everything can be done through libvirt as well.
 *
 * @param hint path of a volume that is likely to be there: saves listing all of them
 */
export function isLocal(host: Host, pool: Pool, hint?: string): Promise<boolean> {
	const { directory } = pool;
	if (!directory) return Promise.resolve(false);
	const ofHost = proofs.get(host) ?? new Map<string, Proof>();
	proofs.set(host, ofHost);
	const known = ofHost.get(directory);
	if (known && Date.now() - known.at < DENIED_MS) return known.local;
	const forget = () => ofHost.delete(directory);
	const local = prove(host, pool, directory, hint).catch(() => undefined);
	const proof = { local: local.then((proved) => proved === true), at: Date.now() };
	ofHost.set(directory, proof);
	local.then((proved) => {
		if (proved === undefined) forget();
		if (proved) proof.at = Number.POSITIVE_INFINITY;
	});
	return proof.local;
}

/** Undefined when there is nothing to tell by. */
async function prove(
	host: Host,
	pool: Pool,
	directory: string,
	hint: string | undefined,
): Promise<boolean | undefined> {
	if (!(await stat(directory).catch(() => undefined))?.isDirectory()) return false;
	if (hint !== undefined && directoryOf(hint) === directory) {
		const xml = await host.volumes.xml(hint).catch(() => undefined);
		if (xml !== undefined && (await isSameFile(describeVolume(xml)))) return true;
	}
	const volumes = (await host.pools.listVolumes(pool.uuid)).map(({ xml }) => describeVolume(xml));
	// A listed file may be gone or be written to; one that is the same is enough.
	for (const volume of volumes.slice(-20)) if (await isSameFile(volume)) return true;
	return volumes.some(({ type }) => type === "file") ? false : undefined;
}

/**
 * Makes a file under its final name in one step: it is filled under another name first, so that a kill leaves nothing
 * half done, and an existing file is never replaced. Its content is on the disk before it has its name: a power failure
 * leaves a whole file or none. (A name that is lost with the directory costs nothing that a guest has synced.)
 *
 * @param fill makes and fills the file at the path that it is given
 * @throws an error with code EEXIST when there is a file of that name
 */
export async function makeFile(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
	await sweepPartialsOnce(directoryOf(path));
	const temporary = join(directoryOf(path), partialName(basename(path)));
	try {
		await fill(temporary);
		await syncPath(temporary);
		await link(temporary, path);
	} finally {
		await removeFile(temporary);
	}
}

async function syncPath(path: string): Promise<void> {
	const opened = await open(path, "r");
	try {
		await opened.sync();
	} finally {
		await opened.close();
	}
}

/** Makes a file with holes. */
export async function writeSparse(path: string, content: SparseFile): Promise<void> {
	const file = await open(path, "wx", MODE);
	try {
		await file.truncate(content.lengthBytes);
		for (const { offset, bytes } of content.pieces) await file.write(bytes, 0, bytes.length, offset);
	} finally {
		await file.close();
	}
}

/** Makes a file of these bytes. */
export async function writeBytes(path: string, bytes: Buffer): Promise<void> {
	await writeSparse(path, { lengthBytes: bytes.length, pieces: [{ offset: 0, bytes }] });
}

export async function fileExists(path: string): Promise<boolean> {
	return (await lstat(path).catch(orUndefined("ENOENT", "ENOTDIR"))) !== undefined;
}

/** Removes a file; one that is gone is no error. */
export async function removeFile(path: string): Promise<void> {
	await unlink(path).catch(orUndefined("ENOENT"));
}

/** For `catch`: turns errors with these codes into undefined, throws the others. */
function orUndefined(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
	return (error) => {
		if (!codes.includes(error.code ?? "")) throw error;
		return undefined;
	};
}

/** Whether the way round libvirt is closed here, by permissions or by the file system, and libvirt itself has to do it. */
export function isNotForUs(error: unknown): boolean {
	return ["EACCES", "EPERM", "EROFS", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(
		(error as NodeJS.ErrnoException)?.code ?? "",
	);
}
