import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildStep, Built, ImageKind, Recipe } from "./cache";
import { EMULATED, writeBootDisk } from "./disk";
import { installGuestFiles, recipeFolder } from "./files";
import { Packages } from "./packages";
import { run } from "./run";

const CMDLINE = `root=LABEL=debian ro console=tty0 console=ttyS0 net.ifnames=0 ${EMULATED}`;

/** Room for what cloud-init and tests add; the file system grows with the disk at the first start with a seed. */
const DISK_MIB = 2048;

/** A real distribution: systemd, guest agent, cloud-init, OpenSSH; for what the micro guest is too simple for. */
export const debian = debianWith("debian");

/** Can be a member of a domain: MIT Kerberos' and Samba's tools, and what joins by the example's own files. */
export const member = debianWith("member", {
	packages: ["krb5-user", "winbind", "samba-common-bin"],
	files: "../../examples/domain-joined/image/",
});

/** Started by sysvinit, its network set up by ifupdown: for hooks that systemd needs none of. */
export const sysvinit = debianWith("sysvinit", { packages: ["sysvinit-core", "systemd-sysv-", "ifupdown"] });

/** The same with OpenRC for its services. */
export const openrc = debianWith("openrc", { packages: ["sysvinit-core", "openrc", "systemd-sysv-", "ifupdown"] });

/** With the servers, and their clients, that scripts of the library set up. */
export const servers = debianWith("servers", {
	packages: ["postgresql", "nfs-kernel-server", "nfs-common", "ca-certificates"],
});

/** Beyond what is in all of them. */
interface Additions {
	/** One with a hyphen after it is taken out. */
	packages?: string[];
	/** Tree of files, put in when all packages are there; relative to this folder. Units in it are enabled. */
	files?: string;
}

function debianWith(kind: ImageKind, { packages: additional = [], files: ownFiles }: Additions = {}): Recipe {
	return {
		kind,
		sources: ["debian.ts", "disk.ts", "fat.ts", "packages.ts", "debian/", ...(ownFiles ? [ownFiles] : [])],
		cmdline: CMDLINE,
		async build(folder: string, scratch: string, step: BuildStep, log): Promise<Built> {
			if (process.getuid?.() !== 0) {
				throw new Error(
					`Building the ${kind} image needs root (packages run their scripts in a chroot), but this is user ${process.getuid?.()}. ` +
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

			const later = join(scratch, "later");
			await mkdir(later);
			if (ownFiles) await installGuestFiles(join(recipeFolder(), ownFiles), later);

			const root = join(scratch, "root");
			const script = join(recipeFolder(), "debian", "build.sh");
			await run(
				"unshare",
				["--mount", "--propagation", "private", "sh", script, root, lists, files, later, ...additional],
				{
					onLine: (line) => {
						if (line.startsWith("step: ")) log(line.slice("step: ".length));
					},
				},
			);
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
}
