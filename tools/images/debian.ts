import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildStep, Built, Recipe } from "./cache";
import { writeBootDisk } from "./disk";
import { installGuestFiles, recipeFolder } from "./files";
import { Packages } from "./packages";
import { run } from "./run";

const CMDLINE = "root=LABEL=debian ro console=tty0 console=ttyS0 net.ifnames=0";

/** Room for what cloud-init and tests add; the file system grows with the disk at the first start with a seed. */
const DISK_MIB = 2048;

/** A real distribution: systemd, guest agent, cloud-init, OpenSSH; for what the micro guest is too simple for. */
export const debian: Recipe = {
	kind: "debian",
	sources: ["debian.ts", "disk.ts", "fat.ts", "packages.ts", "debian/"],
	cmdline: CMDLINE,
	async build(folder: string, scratch: string, step: BuildStep, log): Promise<Built> {
		if (process.getuid?.() !== 0) {
			throw new Error(
				`Building the debian image needs root (packages run their scripts in a chroot), but this is user ${process.getuid?.()}. ` +
					"Build it once as root with the same CLONES_CACHE; using it needs no root.",
			);
		}
		const downloads = join(scratch, "packages");
		await mkdir(downloads);
		const packages = await Packages.open(downloads);
		const lists = join(scratch, "sources.list");
		await writeFile(lists, await packages.sourcesList());
		const files = join(scratch, "files");
		await installGuestFiles(join(recipeFolder(), "debian", "rootfs"), files);

		const root = join(scratch, "root");
		const script = join(recipeFolder(), "debian", "build.sh");
		await run("unshare", ["--mount", "--propagation", "private", "sh", script, root, lists, files], {
			onLine: (line) => {
				if (line.startsWith("step: ")) log(line.slice("step: ".length));
			},
		});
		await copyFile(join(root, "vmlinuz"), join(folder, "vmlinuz"));
		await copyFile(join(root, "initrd.img"), join(folder, "initrd"));
		await step("make the disk", () =>
			writeBootDisk(
				{
					root,
					label: "debian",
					sizeMiB: DISK_MIB,
					kernel: "/vmlinuz",
					initrd: "/initrd.img",
					cmdline: CMDLINE,
					compress: true,
				},
				packages,
				scratch,
				join(folder, "disk.qcow2"),
			),
		);
		await rm(root, { recursive: true });
		return { packages: (await readFile(join(scratch, "versions"), "utf8")).trim().split("\n") };
	},
};
