/** What the system on a disk is, and where its root is. */
import { type Guestfish, GuestfishError } from "./guestfish";

/** The system on a disk, as far as it tells. */
export interface GuestSystem {
	/** "linux", "freebsd"... */
	os: string;
	/** Such as "Debian GNU/Linux 12 (bookworm)". */
	product: string;
	/** "debian", "fedora"... ; "unknown" where it does not say. */
	distro: string;
	/** Such as "x86_64". */
	arch: string;
	/** What starts its services: `sysv` reads /etc/inittab or /etc/init.d, as busybox does. */
	init: "systemd" | "sysv" | "other";
}

/** A folder of the guest, on a file system that libguestfs names. */
interface Mount {
	folder: string;
	device: string;
}

interface Root {
	device: string;
	os: string;
	mounts: Mount[];
}

const NOT_WRITABLE = ["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"];

/**
 * Mounts the root file system for writing, with what belongs into it.
 * @param what the disk, for the error
 * @param wanted the system that the scripts are for
 * @throws Error when there is no root or more than one, it is another system's, or it cannot be written to
 */
export async function mountRoot(
	guestfish: Guestfish,
	what: string,
	wanted: "linux" | "windows" = "linux",
): Promise<GuestSystem> {
	const { device, os, mounts } = (await simpleRoot(guestfish)) ?? (await inspectedRoot(guestfish, what));
	if (os === "windows" && wanted !== "windows") {
		throw new Error(
			`${what} holds Windows, and the scripts are for Linux: take a Linux image, or say of all scripts that they are for ` +
				'Windows (onlyOn: { os: "windows" })',
		);
	}
	if (os !== "windows" && wanted === "windows") {
		throw new Error(`${what} does not hold Windows, which the scripts are for (onlyOn.os): take an image of Windows`);
	}
	const kind = await guestfish.ask("vfs-type", device);
	if (kind !== undefined && NOT_WRITABLE.includes(kind)) {
		throw new Error(
			`${what} has its root on ${kind}, which is read-only: take an image with a root that can be written to`,
		);
	}
	for (const { folder, device: mounted } of mounts) await mount(guestfish, folder, mounted, what);
	if (os === "windows") return { os, product: "Windows", distro: "unknown", arch: "unknown", init: "other" };
	return { os, ...(await releaseOf(guestfish)), arch: await archOf(guestfish), init: await initOf(guestfish) };
}

/**
 * The only partition with the folders /etc and /bin, where nothing else belongs to the system's programs: what most images are.
 * libguestfs' own inspection finds more, and takes half of the time of all.
 */
async function simpleRoot(guestfish: Guestfish): Promise<Root | undefined> {
	const partitions = lines(await guestfish.ask("list-partitions"));
	const roots: Root[] = [];
	for (const device of partitions.length > 0 ? partitions : lines(await guestfish.ask("list-devices"))) {
		if ((await guestfish.ask("mount-ro", device, "/")) === undefined) continue;
		const isWindows = await guestfish.isTrue("is-dir", "/Windows/System32");
		const isRoot =
			(await guestfish.isTrue("is-dir", "/etc")) && (await guestfish.isTrue("is-dir", "/bin", "followsymlinks:true"));
		const fstab = isRoot ? await guestfish.ask("cat", "/etc/fstab") : undefined;
		await guestfish.run("umount-all");
		if (isWindows) roots.push({ device, os: "windows", mounts: [{ folder: "/", device }] });
		else if (isRoot && hasOwnUsr(fstab)) return undefined;
		else if (isRoot) roots.push({ device, os: "linux", mounts: [{ folder: "/", device }] });
	}
	return roots.length === 1 ? roots[0] : undefined;
}

/** Pure: whether a file system of its own is mounted on /usr. */
export function hasOwnUsr(fstab = ""): boolean {
	return fstab.split("\n").some((line) => /^[^#\s]\S*\s+\/usr(\/lib)?\/?\s/.test(line.trim()));
}

async function inspectedRoot(guestfish: Guestfish, what: string): Promise<Root> {
	const found = lines(await guestfish.ask("inspect-os"));
	if (found.length > 1) {
		throw new Error(`${what} holds ${found.length} systems (on ${found.join(", ")}): take an image with one`);
	}
	const [device] = found;
	if (device !== undefined) {
		const os = (await guestfish.ask("inspect-get-type", device)) ?? "unknown";
		return { device, os, mounts: await mountsOf(guestfish, device) };
	}
	const seen = lines(await guestfish.ask("list-filesystems")).map((line) => line.replace(/: (.*)$/, " ($1)"));
	throw new Error(
		`${what} has no root file system, which is one with the folders /etc and /bin, or more than one; there are: ` +
			`${seen.join(", ") || "none"}. Take an image of a whole system that is not encrypted`,
	);
}

async function mountsOf(guestfish: Guestfish, root: string): Promise<Mount[]> {
	return mountPoints(await guestfish.run("inspect-get-mountpoints", root));
}

/** Pure. `/boot: /dev/sda1` in lines, outer folders first. */
export function mountPoints(printed: string): Mount[] {
	const mounts = lines(printed).flatMap((line) => {
		const at = line.indexOf(": ");
		return at < 0 ? [] : [{ folder: line.slice(0, at), device: line.slice(at + 2) }];
	});
	return mounts.sort((one, other) => one.folder.length - other.folder.length);
}

async function mount(guestfish: Guestfish, folder: string, device: string, what: string): Promise<void> {
	try {
		await guestfish.run("mount", device, folder);
	} catch (error) {
		// What /etc/fstab names beside the root may be on another disk.
		if (!(error instanceof GuestfishError) || folder !== "/") return;
		throw new Error(`the root file system of ${what} (${device}) cannot be mounted for writing: ${error.message}`);
	}
	// A kernel mounts what has errors, or what an unknown feature forbids to write, read-only.
	if (folder !== "/") return;
	const isWindows = await guestfish.isTrue("is-dir", "/Windows");
	const probe = await guestfish.ask("mktemp", `${isWindows ? "/Windows" : "/etc"}/.clones-XXXXXX`);
	if (probe === undefined) {
		const remedy = isWindows ? "shut Windows down fully (shutdown /s /t 0), without hibernation" : "repair it (fsck)";
		throw new Error(`the root file system of ${what} (${device}) is read-only: ${remedy}, or take another image`);
	}
	await guestfish.run("rm-f", probe);
}

async function releaseOf(guestfish: Guestfish): Promise<Pick<GuestSystem, "product" | "distro">> {
	const release = (await guestfish.ask("cat", "/etc/os-release")) ?? "";
	const value = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)["']?$`, "m").exec(release)?.[1];
	return { product: value("PRETTY_NAME") ?? value("NAME") ?? "", distro: value("ID") ?? "unknown" };
}

async function archOf(guestfish: Guestfish): Promise<string> {
	const shell = await guestfish.ask("realpath", "/bin/sh");
	return (shell && (await guestfish.ask("file-architecture", shell))) || "unknown";
}

async function initOf(guestfish: Guestfish): Promise<GuestSystem["init"]> {
	// systemd may be there for its tools only.
	const program = await guestfish.ask("realpath", "/sbin/init");
	if (program?.endsWith("/systemd")) return "systemd";
	for (const file of ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"]) {
		if (!program && (await guestfish.isTrue("is-file", file, "followsymlinks:true"))) return "systemd";
	}
	if (await guestfish.isTrue("is-file", "/etc/inittab")) return "sysv";
	return (await guestfish.isTrue("is-dir", "/etc/init.d")) ? "sysv" : "other";
}

function lines(text: string | undefined): string[] {
	return (text ?? "").split("\n").filter((line) => line !== "");
}
