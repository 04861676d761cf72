import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { chmod, cp, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * Folder of this tool's sources (scripts and guest files are read from there, also by the compiled code).
 *
 * @throws Error when the package was installed without its tools
 */
export function recipeFolder(): string {
	for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
		const sources = join(folder, "tools", "images");
		if (existsSync(join(folder, "package.json")) && existsSync(join(sources, "micro", "init"))) return sources;
	}
	throw new Error(
		`The guest images' files (tools/images) are not beside ${__dirname}: use a checkout of the repository.`,
	);
}

/** All files below a folder, as sorted relative paths. */
export async function filesBelow(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
		.sort();
}

/** Hash (hex) over names and contents of files. */
export async function hashOfFiles(folder: string, names: readonly string[]): Promise<string> {
	const hash = createHash("sha256");
	for (const name of names) {
		const content = await readFile(join(folder, name));
		hash.update(`${name}\0${content.length}\0`).update(content);
	}
	return hash.digest("hex");
}

/** sha256 (hex) of one file's content. */
export async function sha256OfFile(file: string): Promise<string> {
	const hash = createHash("sha256");
	await pipeline(createReadStream(file), hash);
	return hash.digest("hex");
}

/**
 * Copies a tree of guest files into a root file system. A file that begins with "#!" becomes executable, every other
 * one plain: modes do not survive every way in which sources travel.
 */
export async function installGuestFiles(from: string, root: string): Promise<void> {
	await cp(from, root, { recursive: true });
	for (const name of await filesBelow(from)) {
		const script = (await readFile(join(from, name))).subarray(0, 2).toString() === "#!";
		await chmod(join(root, name), script ? 0o755 : 0o644);
	}
}
