import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../cache";
import { withLock } from "../lock";
import { hashOfFiles, recipeFolder } from "./files";
import { unpackKernel } from "./kernel";
import { Packages } from "./packages";
import { run } from "./run";

/**
 * A fixed appliance for libguestfs, with the guests' kernel: libguestfs itself makes its appliance from the kernel that
 * the machine runs, which a container or a machine with a kernel of its own does not have in /boot. Found in the cache, or
 * built there, once.
 *
 * @returns a folder for `LIBGUESTFS_PATH`
 */
export async function ensureAppliance(log: (line: string) => void = () => {}): Promise<string> {
	const folder = await applianceFolder();
	if (await isThere(folder)) return folder;
	const onWait = () => log("appliance: somebody else builds it, waiting");
	return withLock(`${folder}.lock`, onWait, async () => {
		if (!(await isThere(folder))) await build(folder);
		return folder;
	});
}

/** Its name holds a hash over how it is made and over libguestfs' own list of what goes into it. */
async function applianceFolder(): Promise<string> {
	const lists = await listsFolder();
	const recipe = await hashOfFiles(recipeFolder(), ["appliance.ts", "kernel.ts"]);
	const own = await hashOfFiles(lists, (await readdir(lists)).sort());
	return join(cacheDirectory(), "images", `appliance-${recipe.slice(0, 8)}${own.slice(0, 8)}`);
}

/** What libguestfs gives to supermin, in a folder of the machine's libraries. */
async function listsFolder(): Promise<string> {
	const libraries = ["/usr/lib64", ...(await readdir("/usr/lib")).map((name) => join("/usr/lib", name))];
	for (const library of libraries) {
		const lists = join(library, "guestfs/supermin.d");
		if (await stat(lists).catch(() => undefined)) return lists;
	}
	throw new Error("libguestfs is not installed: run npm run setup");
}

/** Written last. */
const MARK = "README.fixed";

async function isThere(folder: string): Promise<boolean> {
	return (await stat(join(folder, MARK)).catch(() => undefined)) !== undefined;
}

async function build(folder: string): Promise<void> {
	const temporary = `${folder}.build-${randomBytes(4).toString("hex")}`;
	const scratch = join(temporary, "scratch");
	await mkdir(join(scratch, "packages"), { recursive: true });
	try {
		const kernel = await unpackKernel(await Packages.open(join(scratch, "packages")), join(scratch, "kernel"));
		const made = join(scratch, "made");
		// supermin takes the owner and mode of this folder from the machine, which has none without a kernel of its own.
		await mkdir("/lib/modules", { recursive: true });
		await run("supermin", ["--build", "--format", "ext2", "--copy-kernel", "-o", made, await listsFolder()], {
			env: {
				SUPERMIN_KERNEL: kernel.image,
				SUPERMIN_KERNEL_VERSION: kernel.version,
				SUPERMIN_MODULES: join(kernel.root, "lib/modules", kernel.version),
			},
		});
		for (const name of ["kernel", "initrd", "root"]) await rename(join(made, name), join(temporary, name));
		await rm(scratch, { recursive: true });
		await writeFile(join(temporary, MARK), "A fixed appliance: see libguestfs-make-fixed-appliance(1).\n");
		await rm(folder, { recursive: true, force: true });
		await rename(temporary, folder);
	} finally {
		await rm(temporary, { recursive: true, force: true });
	}
}
