/** Folders and files for the time of some work. A process that is killed leaves its own: who comes next removes them. */
import { access, lstat, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasEnded, processTag } from "./process-ids";

const FOLDER = /^clones-[a-z-]+-([0-9a-f]{8}-\d+-\d+)-\w{6}$/;
/** Without a write for so long one is left behind, where its maker cannot be looked for: of another boot or container. */
const LEFT_BEHIND_MS = 24 * 3600_000;

/**
 * A folder of this user alone, until the work is done.
 * @param kind lowercase letters and hyphens
 */
export async function withTemporaryFolder<T>(kind: string, work: (folder: string) => Promise<T>): Promise<T> {
	const parent = tmpdir();
	await sweepTemporaries(parent);
	const folder = await mkdtemp(join(parent, `clones-${kind}-${processTag()}-`));
	try {
		return await work(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/**
 * An empty file for what must not be left on a disk: it has no name, and is gone with this process however that ends. Where
 * the system has no such files it has a name until the work is done.
 * @param work by a path that is good in processes of the same user
 */
export async function withNamelessFile<T>(kind: string, work: (path: string) => Promise<T>): Promise<T> {
	return withTemporaryFolder(kind, async (folder) => {
		const named = join(folder, "content");
		const file = await open(named, "wx+", 0o600);
		try {
			const nameless = `/proc/${process.pid}/fd/${file.fd}`;
			const isReachable = await access(nameless).then(
				() => true,
				() => false,
			);
			if (isReachable) await rm(folder, { recursive: true });
			return await work(isReachable ? nameless : named);
		} finally {
			await file.close();
		}
	});
}

/** Removes what killed processes of this user left in a folder. Never rejects: nothing depends on it. */
export async function sweepTemporaries(parent: string): Promise<void> {
	try {
		for (const name of await readdir(parent)) {
			const [, maker] = FOLDER.exec(name) ?? [];
			if (maker !== undefined) await removeLeft(join(parent, name), maker).catch(() => {});
		}
	} catch {
		// It is tried again by who comes next.
	}
}

async function removeLeft(folder: string, maker: string): Promise<void> {
	const found = await lstat(folder);
	// Everybody can make names in a temporary folder.
	if (!found.isDirectory() || found.uid !== process.getuid?.()) return;
	const ended = hasEnded(maker);
	if (ended ?? (await isOld(folder))) await rm(folder, { recursive: true, force: true });
}

async function isOld(folder: string): Promise<boolean> {
	const paths = [folder, ...(await readdir(folder)).map((name) => join(folder, name))];
	const times = await Promise.all(paths.map(async (path) => (await lstat(path)).mtimeMs));
	return Date.now() - Math.max(...times) > LEFT_BEHIND_MS;
}
