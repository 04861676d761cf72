import { open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fat12Volume } from "./fat";
import { type Packages, unpack } from "./packages";
import { run } from "./run";

const MIB = 1_048_576;
const SECTOR = 512;
/** GRUB's core image lies between the partition table and the first partition, at 1 MiB. */
const ESP = { startBytes: MIB, sizeBytes: MIB };
const ROOT_START = ESP.startBytes + ESP.sizeBytes;

/**
 * Argument of every guest's kernel: without KVM it counts timer ticks when it starts, and gives up when a busy host has not
 * let it run in time.
 */
export const EMULATED = "no_timer_check";

/** What becomes a disk. */
export interface DiskPlan {
	/** Folder with the whole root file system; it has the kernel and the initramfs at the two paths below. */
	root: string;
	/** Label of the root file system, at most 16 characters. */
	label: string;
	/** Virtual size of the whole disk. */
	sizeMiB: number;
	/** Path of the kernel inside the root file system. */
	kernel: string;
	/** Path of the initramfs inside the root file system. */
	initrd: string;
	/** Kernel arguments for a start from the disk. */
	cmdline: string;
	/** Compress the image's clusters: smaller, slower to read. */
	compress: boolean;
}

/** Packages that have GRUB's tools and modules; only unpacked, never installed. */
const GRUB_PACKAGES = ["grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "libdevmapper1.02.1"];

/**
 * Makes a qcow2 disk that starts by itself with BIOS and with UEFI firmware, and whose root file system a directly
 * booted kernel finds by its label: a master boot record with GRUB, a 1 MiB EFI system partition with the same GRUB as
 * EFI program, and one ext4 partition, last so that it can be grown with the disk. No mount and no loop device is
 * used: mke2fs fills the file system, and the boot loader is put together here.
 *
 * @param scratch folder for intermediate files, left with them
 * @param output path of the qcow2 file
 */
export async function writeBootDisk(
	plan: DiskPlan,
	packages: Packages,
	scratch: string,
	output: string,
): Promise<void> {
	const grub = await buildGrub(plan, packages, scratch);
	const raw = join(scratch, "disk.raw");
	await writeFile(raw, "");
	await truncate(raw, plan.sizeMiB * MIB);
	await makeRootFileSystem(plan, raw);
	const esp = fat12Volume("EFI", ESP.sizeBytes, [{ path: "EFI/BOOT/BOOTX64.EFI", content: grub.efi }]);
	const disk = await open(raw, "r+");
	try {
		await disk.write(masterBootRecord(grub.boot, plan.sizeMiB * MIB), 0, SECTOR, 0);
		await disk.write(grub.core, 0, grub.core.length, SECTOR);
		await disk.write(esp, 0, esp.length, ESP.startBytes);
	} finally {
		await disk.close();
	}
	const compression = plan.compress ? ["-c", "-o", "compression_type=zstd"] : [];
	await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", ...compression, raw, output]);
	await rm(raw);
}

async function makeRootFileSystem(plan: DiskPlan, raw: string): Promise<void> {
	const blocks = (plan.sizeMiB * MIB - ROOT_START) / 4096;
	// Features named one by one: newer defaults (orphan_file, metadata_csum_seed) are unknown to GRUB 2.06 and to older
	// kernels, and the image must not depend on the build machine's mke2fs.conf. resize_inode leaves room to grow live.
	const features =
		"none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";
	const args = ["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-O", features, "-L", plan.label, "-m", "1"];
	const extended = `root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,offset=${ROOT_START},resize=${4 * 1024 * 1024}`;
	await run("mke2fs", [...args, "-E", extended, "-d", plan.root, raw, String(blocks)]);
}

interface Grub {
	/** First sector, run by a BIOS. */
	boot: Buffer;
	/** What the first sector loads, from the next sector on. */
	core: Buffer;
	/** The EFI program. */
	efi: Buffer;
}

async function buildGrub(plan: DiskPlan, packages: Packages, scratch: string): Promise<Grub> {
	const root = join(scratch, "grub");
	await unpack(await packages.download(GRUB_PACKAGES), root);
	const library = join(root, "lib/x86_64-linux-gnu");
	const image = async (format: string, linux: "linux" | "linux16", ...modules: string[]) => {
		const output = join(scratch, `grub-${format}`);
		const config = `${output}.cfg`;
		const initrd = linux.replace("linux", "initrd");
		// Read by GRUB's smallest parser, which is why there is no menu: a list of commands that ends in booting.
		await writeFile(config, `${linux} ${plan.kernel} ${plan.cmdline}\n${initrd} ${plan.initrd}\nboot\n`);
		// The prefix without a disk means: partition 2 of the disk that GRUB itself was loaded from.
		const fixed = ["--format", format, "--prefix", "(,msdos2)/boot/grub", "--config", config, "--output", output];
		const args = ["--directory", join(root, "usr/lib/grub", format), ...fixed, "part_msdos", "ext2", linux, ...modules];
		await run(join(root, "usr/bin/grub-mkimage"), args, { env: { LD_LIBRARY_PATH: library } });
		return readFile(output);
	};
	// By the 16-bit entry: before the 32-bit one GRUB moves all that the kernel will unpack to, 54 MB byte by byte, which
	// takes more than two seconds when emulated.
	const core = await image("i386-pc", "linux16", "biosdisk");
	const efi = await image("x86_64-efi", "linux");
	const boot = await readFile(join(root, "usr/lib/grub/i386-pc/boot.img"));
	if (core.length > ESP.startBytes - SECTOR) {
		throw new Error(
			`GRUB's core image has ${core.length} bytes, only ${ESP.startBytes - SECTOR} fit before partition 1.`,
		);
	}
	return { boot, core, efi };
}

/** GRUB's boot sector (made to load sector 1, which is where the core image is) with a partition table. */
function masterBootRecord(bootSector: Buffer, diskBytes: number): Buffer {
	const record = Buffer.from(bootSector);
	const partition = (index: number, type: number, active: boolean, startBytes: number, sizeBytes: number) => {
		const at = 446 + index * 16;
		record.fill(0, at, at + 16);
		record.writeUInt8(active ? 0x80 : 0, at);
		// Cylinder, head and sector "too large to say": everybody uses the sector numbers that follow.
		record.writeUIntBE(0xfeffff, at + 1, 3);
		record.writeUInt8(type, at + 4);
		record.writeUIntBE(0xfeffff, at + 5, 3);
		record.writeUInt32LE(startBytes / SECTOR, at + 8);
		record.writeUInt32LE(sizeBytes / SECTOR, at + 12);
	};
	partition(0, 0xef, false, ESP.startBytes, ESP.sizeBytes);
	partition(1, 0x83, true, ROOT_START, diskBytes - ROOT_START);
	record.fill(0, 446 + 32, 510);
	record.writeUInt16LE(0xaa55, 510);
	return record;
}
