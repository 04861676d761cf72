/** Puts a payload into a disk that nobody uses, with libguestfs: no program of the guest's is run. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withTemporaryFolder } from "../../temporary";
import { tarOf } from "../../volume/tar";
import { OWN_FOLDER, type Payload, PLAN_FOLDER, VERSION_FILE } from "../payload-type";
import { windowsPath } from "../windows/files";
import { type GuestSystem, mountRoot } from "./guest";
import { Guestfish, GuestfishError } from "./guestfish";
import { formerlyPlaced, NOTHING, PLACED_FILE, placedOf } from "./placed";
import { writeWindows } from "./windows";

export interface Injected {
	guest: GuestSystem;
	/** False where the disk had the very payload already. */
	changed: boolean;
}

export interface InjectOptions {
	/** Whether guests run under KVM on this machine. */
	kvm: boolean;
	log(message: string): void;
	signal?: AbortSignal | undefined;
	/** The disk, for errors. @default its path */
	what?: string;
}

/** Folders and the file systems' own books take some room, too. */
const SPARE_BYTES = 256 * 1024;
const SPARE_FILES = 32;

/**
 * Writes the payload and looks whether it is there.
 * @param disk a file that nobody else uses; after an error what is in it is of no use
 * @throws Error that says why, with the remedy, where the disk is not fit for it
 */
export async function inject(
	disk: { path: string; format: "qcow2" | "raw" },
	payload: Payload,
	options: InjectOptions,
): Promise<Injected> {
	const { what = `the disk ${disk.path}`, log } = options;
	const tar = await anonymousFile(tarOf(payload.files));
	try {
		return await Guestfish.around(disk, { ...options, files: [tar.fd] }, async (guestfish) => {
			const guest = await mountRoot(guestfish, what, payload.system);
			const by = payload.system === "windows" ? "" : `, started by ${guest.init}`;
			log(`${what} holds ${guest.product || "a system that does not say its name"}${by}`);
			if (
				(await versionIn(guestfish, payload)) === payload.version &&
				(await differenceIn(guestfish, payload)) === undefined
			) {
				return { guest, changed: false };
			}
			await refuseWithoutRoom(guestfish, payload, what);
			if (payload.system === "windows") await writeWindows(guestfish, payload);
			else await write(guestfish, payload, log);
			await guestfish.run("sync");
			const difference = await differenceIn(guestfish, payload);
			if (difference !== undefined) throw new Error(`${what} does not hold what was written: ${difference}`);
			return { guest, changed: true };
		});
	} catch (error) {
		throw error instanceof GuestfishError ? new Error(`${what}: ${error.message}`, { cause: error }) : error;
	} finally {
		await tar.close();
	}
}

/** A file that has no name any more, so that nothing is left of it when this process ends. */
async function anonymousFile(bytes: Buffer): Promise<FileHandle> {
	return withTemporaryFolder("init", async (folder) => {
		const file = await open(join(folder, "payload"), "wx+", 0o600);
		await file.writeFile(bytes);
		return file;
	});
}

async function versionIn(guestfish: Guestfish, { system }: Payload): Promise<string> {
	const file = system === "windows" ? windowsPath(VERSION_FILE) : VERSION_FILE;
	return (await guestfish.ask("cat", file))?.trim() ?? NOTHING.version;
}

async function refuseWithoutRoom(guestfish: Guestfish, payload: Payload, what: string): Promise<void> {
	const facts = await guestfish.run("statvfs", "/");
	const fact = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(facts)?.[1] ?? Number.NaN);
	const [blockBytes, freeBlocks, files, freeFiles] = [fact("bsize"), fact("bfree"), fact("files"), fact("favail")];
	const blocks = payload.files.reduce((sum, { content }) => sum + Math.ceil(content.length / blockBytes), 0);
	const needed = blocks * blockBytes + SPARE_BYTES;
	if (needed > freeBlocks * blockBytes) {
		throw new Error(
			`the root file system of ${what} has ${kibibytes(freeBlocks * blockBytes)} KiB left, and the scripts take ` +
				`${kibibytes(needed)} KiB: make room in the image, or make its file system larger`,
		);
	}
	// Some file systems have no limit, and say that they have room for none.
	const neededFiles = payload.files.length + payload.links.length + SPARE_FILES;
	if (files > 0 && neededFiles > freeFiles) {
		throw new Error(
			`the root file system of ${what} has room for ${freeFiles} more files, and the scripts take ${neededFiles}: remove some`,
		);
	}
}

function kibibytes(bytes: number): number {
	return Math.ceil(bytes / 1024);
}

async function write(guestfish: Guestfish, payload: Payload, log: (message: string) => void): Promise<void> {
	const former = formerlyPlaced(await guestfish.ask("cat", PLACED_FILE), payload);
	for (const path of former.paths) await guestfish.run("rm-f", path);
	for (const { path, line } of former.lines) await removeLine(guestfish, path, line);
	await guestfish.ask("rm-rf", OWN_FOLDER);
	if (payload.files.length === 0) return;
	// Before anything is in it.
	await guestfish.run("mkdir-p", PLAN_FOLDER);
	await guestfish.run("chmod", "0700", PLAN_FOLDER);
	await guestfish.run("tar-in", "/dev/fd/3", "/");
	for (const { path, target, where } of payload.links) {
		if (where !== undefined && !(await guestfish.isTrue("exists", where))) continue;
		await guestfish.run("mkdir-p", dirname(path));
		await guestfish.run("rm-f", path);
		await guestfish.run("ln-s", target, path);
	}
	for (const { path, line } of payload.lines) await addLine(guestfish, path, line, log);
	await guestfish.run("write", PLACED_FILE, placedOf(payload));
	await guestfish.run("chmod", "0600", PLACED_FILE);
	await relabel(guestfish, log);
}

async function addLine(
	guestfish: Guestfish,
	path: string,
	line: string,
	log: (message: string) => void,
): Promise<void> {
	if (!(await guestfish.isTrue("is-file", path, "followsymlinks:true"))) return log(`there is no ${path} in it`);
	const text = await guestfish.run("cat", path);
	if (text.split("\n").includes(line)) return;
	await guestfish.run("write-append", path, `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`);
}

async function removeLine(guestfish: Guestfish, path: string, line: string): Promise<void> {
	const text = await guestfish.ask("cat", path);
	const left = text?.split("\n").filter((each) => each !== line);
	if (left) await guestfish.run("write", path, left.join("\n"));
}

/** New files have no SELinux labels: a guest that goes by them gives them at its next boot. */
async function relabel(guestfish: Guestfish, log: (message: string) => void): Promise<void> {
	const config = await guestfish.ask("cat", "/etc/selinux/config");
	if (config === undefined || !/^\s*SELINUX=(enforcing|permissive)/m.test(config)) return;
	log("the guest uses SELinux: it labels its files at its first boot, which takes longer therefore");
	await guestfish.run("touch", "/.autorelabel");
}

/** What is in the disk and is not the payload's; undefined where all of it is there. */
async function differenceIn(guestfish: Guestfish, payload: Payload): Promise<string | undefined> {
	if (payload.files.length === 0 && (await guestfish.isTrue("exists", OWN_FOLDER))) return `${OWN_FOLDER} is there`;
	for (const { path, content, mode } of payload.files) {
		const sha256 = createHash("sha256").update(content).digest("hex");
		if ((await guestfish.ask("checksum", "sha256", path)) !== sha256) return `${path} is another one`;
		// Windows has no such thing.
		if (payload.system === "windows") continue;
		const found = Number(/^st_mode: (\d+)$/m.exec((await guestfish.ask("statns", path)) ?? "")?.[1]) & 0o7777;
		if (found !== mode) return `${path} has the mode ${found.toString(8)} instead of ${mode.toString(8)}`;
	}
	for (const { path, target, where } of payload.links) {
		if (where !== undefined && !(await guestfish.isTrue("exists", where))) continue;
		if ((await guestfish.ask("readlink", path)) !== target) return `${path} does not lead to ${target}`;
	}
	for (const { path, line } of payload.lines) {
		const text = await guestfish.ask("cat", path);
		if (text !== undefined && !text.split(/\r?\n/).includes(line)) return `${path} lacks a line`;
	}
	return undefined;
}
