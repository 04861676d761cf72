import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { cpioArchive } from "./cpio";
import { type DownloadedPackage, type Packages, unpack } from "./packages";
import { run } from "./run";

/** The kernel for virtual machines; this metapackage depends on the current one. */
export const KERNEL_METAPACKAGE = "linux-image-cloud-amd64";

/** An unpacked kernel. */
export interface Kernel {
	/** Folder that has lib/modules/VERSION, with modules.dep made. */
	root: string;
	/** As `uname -r` shows it. */
	version: string;
	/** Path of the bzImage. */
	image: string;
	package: DownloadedPackage;
}

/** Downloads and unpacks (does not install) the kernel. @param root folder to unpack into */
export async function unpackKernel(packages: Packages, root: string): Promise<Kernel> {
	const name = (await packages.dependencies(KERNEL_METAPACKAGE)).find((each) => each.startsWith("linux-image-"));
	const [found] = name ? await packages.download([name]) : [];
	if (!found) {
		throw new Error(`${KERNEL_METAPACKAGE} names no kernel package: use a machine with Debian's package sources.`);
	}
	await unpack([found], root);
	const [version] = await readdir(join(root, "lib/modules"));
	if (!version) throw new Error(`${found.file} holds no modules in lib/modules.`);
	await run("depmod", ["--basedir", root, version]);
	return { root, version, image: join(root, "boot", `vmlinuz-${version}`), package: found };
}

/**
 * Files of these modules and of what they need, in the order in which they have to be loaded.
 * Modules built into the kernel give no file.
 */
export async function moduleFiles(kernel: Kernel, modules: readonly string[]): Promise<string[]> {
	const files = new Set<string>();
	for (const name of modules) {
		const args = ["--dirname", kernel.root, "--set-version", kernel.version, "--show-depends", name];
		const text = await run("modprobe", args);
		for (const match of text.matchAll(/^insmod (\S+)/gm)) files.add(match[1] ?? "");
	}
	return [...files];
}

/** Copies modules (with what they need) into a root file system, and makes the files with which modprobe finds them. */
export async function installModules(kernel: Kernel, modules: readonly string[], root: string): Promise<void> {
	const folder = join(root, "lib/modules", kernel.version);
	await mkdir(folder, { recursive: true });
	for (const file of await moduleFiles(kernel, modules)) {
		const target = join(root, file.slice(kernel.root.length));
		await mkdir(dirname(target), { recursive: true });
		await copyFile(file, target);
	}
	for (const list of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
		await copyFile(join(kernel.root, "lib/modules", kernel.version, list), join(folder, list));
	}
	await run("depmod", ["--basedir", root, kernel.version]);
}

/** Makes a gzipped initramfs: busybox, these modules in loading order, and the script as /init. */
export async function writeInitramfs(
	kernel: Kernel,
	modules: readonly string[],
	parts: { busybox: string; init: string },
	output: string,
): Promise<void> {
	const files = [
		{ path: "bin/busybox", mode: 0o755, content: await readFile(parts.busybox) },
		{ path: "init", mode: 0o755, content: await readFile(parts.init) },
	];
	for (const [index, file] of (await moduleFiles(kernel, modules)).entries()) {
		// Numbered, so that the shell's `for file in /modules/*` loads them in order.
		const path = `modules/${String(index).padStart(2, "0")}-${basename(file)}`;
		files.push({ path, mode: 0o644, content: await readFile(file) });
	}
	const directories = ["bin", "modules", "proc", "sys", "dev", "root"];
	await writeFile(output, gzipSync(cpioArchive(directories, files), { level: 6 }));
}
