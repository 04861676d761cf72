import { chmod, copyFile, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { BuildStep, Built, Recipe } from "./cache";
import { EMULATED, writeBootDisk } from "./disk";
import { installGuestFiles, recipeFolder } from "./files";
import { installModules, unpackKernel, writeInitramfs } from "./kernel";
import { Packages, unpack } from "./packages";
import { run } from "./run";

/** What the initramfs needs to reach the root disk. */
const DISK_MODULES = ["virtio_pci", "virtio_blk", "virtio_scsi", "ata_piix", "sd_mod"];

/**
 * Everything else that a guest on QEMU may be given, as far as the cloud kernel has it. It has no AHCI driver: a CD on
 * q35's SATA bus stays unseen, one on virtio-scsi (or on IDE with machine type pc) is found.
 */
const MODULES = [
	...DISK_MODULES,
	...["virtio_net", "virtio_console", "virtio_rng", "virtio_balloon", "virtio_mem", "vmw_vsock_virtio_transport"],
	...["vmxnet3", "sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8"],
	...["button", "evdev", "qemu_fw_cfg", "virtiofs"],
];

/**
 * swiotlb: a machine with room for more memory (maxMemory) makes the kernel reserve 64 MiB of bounce buffers, half of a
 * small guest's memory, in case that memory lies beyond what old devices reach; 1024 slots are 2 MiB.
 */
const CMDLINE = `swiotlb=1024 root=LABEL=micro console=ttyS0 quiet net.ifnames=0 ${EMULATED}`;

/** A guest of busybox and the real guest agent on a Debian cloud kernel, for tests that need a quick real machine. */
export const micro: Recipe = {
	kind: "micro",
	sources: ["micro.ts", "kernel.ts", "cpio.ts", "disk.ts", "fat.ts", "packages.ts", "micro/"],
	cmdline: CMDLINE,
	async build(folder: string, scratch: string, step: BuildStep): Promise<Built> {
		const downloads = join(scratch, "packages");
		await mkdir(downloads);
		const packages = await Packages.open(downloads);
		const sources = join(recipeFolder(), "micro");
		const root = join(scratch, "root");

		const kernel = await step("download the kernel", () => unpackKernel(packages, join(scratch, "kernel")));
		const userland = await step("download busybox and the guest agent", async () => {
			const found = await packages.downloadWithDependencies(["qemu-guest-agent", "busybox-static"]);
			// Of the dependencies only libraries matter here: maintainer scripts, for which the others are, never run.
			return found.filter(({ name }) => /^(lib|qemu-guest-agent$|busybox-static$)/.test(name) && !/perl/.test(name));
		});
		const unpacked = join(scratch, "userland");
		await step("make the root file system", async () => {
			await unpack(userland, unpacked);
			await makeSkeleton(root, join(unpacked, "bin/busybox"));
			await copyWithLibraries(unpacked, "usr/sbin/qemu-ga", root);
			await installModules(kernel, MODULES, root);
			await installGuestFiles(join(sources, "rootfs"), root);
		});
		const parts = { busybox: join(unpacked, "bin/busybox"), init: join(sources, "init") };
		await writeInitramfs(kernel, DISK_MODULES, parts, join(folder, "initrd"));
		await copyFile(kernel.image, join(folder, "vmlinuz"));
		for (const name of ["vmlinuz", "initrd"]) await copyFile(join(folder, name), join(root, "boot", name));
		await step("make the disk", () =>
			writeBootDisk(
				{
					root,
					label: "micro",
					sizeMiB: 64,
					kernel: "/boot/vmlinuz",
					initrd: "/boot/initrd",
					cmdline: CMDLINE,
					compress: false,
				},
				packages,
				scratch,
				join(folder, "disk.qcow2"),
			),
		);
		return { packages: [kernel.package, ...userland].map(({ name, version }) => `${name} ${version}`) };
	},
};

async function makeSkeleton(root: string, busybox: string): Promise<void> {
	const folders = "bin sbin usr/sbin usr/bin etc dev proc sys run tmp root boot mnt var/lib var/log lib64 lib";
	for (const name of folders.split(" ")) await mkdir(join(root, name), { recursive: true });
	await chmod(join(root, "tmp"), 0o1777);
	await symlink("/run", join(root, "var/run"));
	await symlink("/run/resolv.conf", join(root, "etc/resolv.conf"));
	await symlink("/proc/mounts", join(root, "etc/mtab"));
	await copyFile(busybox, join(root, "bin/busybox"));
	// Links made here, not by `busybox --install` at every start, which takes a good part of a second when emulated.
	for (const path of (await run(busybox, ["--list-full"])).split("\n").filter((line) => line !== "")) {
		await mkdir(join(root, path, ".."), { recursive: true });
		await symlink("/bin/busybox", join(root, path)).catch(ignoreExisting);
	}
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
	if (error.code !== "EEXIST") throw error;
}

/** Copies a program with the libraries that its own dynamic loader names. */
async function copyWithLibraries(from: string, program: string, root: string): Promise<void> {
	const [loader] = (await readdir(join(from, "lib64"))).filter((name) => name.startsWith("ld-linux"));
	if (!loader) throw new Error(`No dynamic loader in ${from}/lib64.`);
	const search = ["lib", "usr/lib"].map((folder) => join(from, folder, "x86_64-linux-gnu"));
	const list = ["--library-path", search.join(":"), "--list", join(from, program)];
	const text = await run(join(from, "lib64", loader), list);
	const library = join(root, "lib/x86_64-linux-gnu");
	await mkdir(library, { recursive: true });
	for (const match of text.matchAll(/=> (\/\S+)/g)) {
		const file = match[1] ?? "";
		// A library of the build machine could be newer than the loader in the image: all must come from the packages.
		if (file.startsWith(from)) await copyFile(file, join(library, file.slice(file.lastIndexOf("/") + 1)));
		else if (!file.endsWith(loader)) throw new Error(`${program} needs ${file}, which is in none of the packages.`);
	}
	if (text.includes("not found")) throw new Error(`${program} lacks libraries:\n${text}`);
	await copyFile(join(from, "lib64", loader), join(root, "lib64", loader));
	await copyFile(join(from, program), join(root, program));
}
