import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../cache";
import { withLock } from "../lock";
import { filesBelow, hashOfFiles, recipeFolder, sha256OfFile } from "./files";

/** Name of an image. */
export type ImageKind = "micro" | "debian" | "member" | "sysvinit" | "openrc" | "servers";

/** A guest image in the cache. Its files are never changed: copy them, or put overlays on them. */
export interface GuestImage {
	kind: ImageKind;
	/** Path of the qcow2 disk. It starts by itself with BIOS and UEFI firmware. */
	disk: string;
	/** Path of the kernel, for a direct start. */
	kernel: string;
	/** Path of the initramfs, for a direct start. */
	initrd: string;
	/** Kernel arguments, for a direct start with the disk on any virtio bus. */
	cmdline: string;
	/** sha256 (hex) of the disk file. */
	sha256: string;
	/** Size of the disk file. */
	sizeBytes: number;
	/** Packages inside, as "name version". */
	packages: string[];
}

/** Runs one long step of a build and reports its time when it ends. */
export type BuildStep = <T>(name: string, action: () => Promise<T>) => Promise<T>;

/** What a recipe tells about what it has built. */
export interface Built {
	packages: string[];
}

/** How an image is made. */
export interface Recipe {
	kind: ImageKind;
	/** Files (and folders, with a slash) of this tool that decide what the image holds: the image's hash covers them. */
	sources: readonly string[];
	cmdline: string;
	/**
	 * Puts disk.qcow2, vmlinuz and initrd into `folder`.
	 *
	 * @param scratch for everything else, removed afterwards
	 * @param log for steps that time themselves
	 */
	build(folder: string, scratch: string, step: BuildStep, log: Log): Promise<Built>;
}

/** Called with one line for every long step of a build, when it ends. */
export type Log = (line: string) => void;

/** Folder of all images. */
export function imagesFolder(): string {
	return join(cacheDirectory(), "images");
}

/**
 * Folder of the image that this recipe makes now. Its name holds a hash over the recipe, the distribution's release
 * and the architecture; so a changed recipe makes a new image, and finding a present one asks nobody. New versions of
 * the packages alone do not: the versions inside are recorded in the image, and a rebuild is asked for explicitly.
 */
export async function imageFolder(recipe: Recipe): Promise<string> {
	const sources = recipeFolder();
	const names: string[] = [];
	for (const name of recipe.sources) {
		if (name.endsWith("/")) names.push(...(await filesBelow(join(sources, name))).map((file) => join(name, file)));
		else names.push(name);
	}
	const release = await readFile("/etc/os-release", "utf8").catch(() => "");
	const machine = `${process.arch} ${/^VERSION_CODENAME=.*$/m.exec(release)?.[0] ?? ""}`;
	const hash = createHash("sha256")
		.update(await hashOfFiles(sources, names))
		.update(machine)
		.digest("hex");
	return join(imagesFolder(), `${recipe.kind}-${hash.slice(0, 16)}`);
}

/** The image if it is in the cache; looks at nothing but the cache. */
export async function findImage(recipe: Recipe): Promise<GuestImage | undefined> {
	return readImage(await imageFolder(recipe));
}

/**
 * The image from the cache, built first if it is not there. Two callers at once, also in different processes, build
 * once: the second waits. An interrupted build leaves nothing that is taken for an image.
 *
 * @param options.rebuild build even if there is one, for newer packages
 */
export async function ensureImage(recipe: Recipe, options: { log?: Log; rebuild?: boolean } = {}): Promise<GuestImage> {
	const log = options.log ?? (() => {});
	const folder = await imageFolder(recipe);
	const present = options.rebuild ? undefined : await readImage(folder);
	if (present) return present;
	const started = Date.now();
	const onWait = () => log(`${recipe.kind}: somebody else builds it, waiting`);
	return withLock(`${folder}.lock`, onWait, async () => {
		const meanwhile = await readImage(folder);
		if (meanwhile && !(options.rebuild && (await olderThan(folder, started)))) return meanwhile;
		return build(recipe, folder, log);
	});
}

async function build(recipe: Recipe, folder: string, log: Log): Promise<GuestImage> {
	const started = Date.now();
	await removeLeftovers(folder);
	const temporary = `${folder}.build-${randomBytes(4).toString("hex")}`;
	const scratch = join(temporary, "scratch");
	await mkdir(scratch, { recursive: true });
	const step: BuildStep = async (name, action) => {
		const from = Date.now();
		const result = await action();
		log(`${recipe.kind}: ${name} (${seconds(from)} s)`);
		return result;
	};
	try {
		const built = await recipe.build(temporary, scratch, step, (line) => log(`${recipe.kind}: ${line}`));
		await rm(scratch, { recursive: true });
		const disk = join(temporary, "disk.qcow2");
		const facts = { sha256: await sha256OfFile(disk), sizeBytes: (await stat(disk)).size, ...built };
		await writeFile(join(temporary, MANIFEST), JSON.stringify({ cmdline: recipe.cmdline, ...facts }, null, "\t"));
		if (await readImage(folder)) await rename(folder, `${folder}.build-old`);
		await rename(temporary, folder);
	} finally {
		await removeLeftovers(folder);
	}
	log(`${recipe.kind}: built in ${seconds(started)} s`);
	const image = await readImage(folder);
	if (!image) throw new Error(`The image that was just built into ${folder} cannot be read.`);
	return image;
}

/** Removes what builds of this image that were killed left behind. Only with the lock held. */
async function removeLeftovers(folder: string): Promise<void> {
	for (const name of await readdir(imagesFolder())) {
		const path = join(imagesFolder(), name);
		if (path.startsWith(`${folder}.build-`)) await rm(path, { recursive: true, force: true });
	}
}

const MANIFEST = "image.json";

async function readImage(folder: string): Promise<GuestImage | undefined> {
	const text = await readFile(join(folder, MANIFEST), "utf8").catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return undefined;
		throw error;
	});
	if (text === undefined) return undefined;
	const facts = JSON.parse(text) as Pick<GuestImage, "cmdline" | "sha256" | "sizeBytes" | "packages">;
	const kind = folder.slice(imagesFolder().length + 1).replace(/-[0-9a-f]+$/, "") as ImageKind;
	const path = (name: string) => join(folder, name);
	return { kind, disk: path("disk.qcow2"), kernel: path("vmlinuz"), initrd: path("initrd"), ...facts };
}

async function olderThan(folder: string, time: number): Promise<boolean> {
	return (await stat(join(folder, MANIFEST))).mtimeMs < time;
}

function seconds(from: number): string {
	return ((Date.now() - from) / 1000).toFixed(1);
}
