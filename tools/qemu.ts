/**
 * A newer QEMU beside an older one: forks and moves of guests without KVM take another way there, and both are tested.
 * Where the machine's own is new enough there is nothing to do.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache";
import { withLock } from "./lock";

const run = promisify(execFile);

/** Of Debian; what else they need is what the machine's own QEMU needs, too. */
const PACKAGES = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"];

/**
 * @param since the version that is needed
 * @returns the root that it is laid out in; undefined where the machine's own QEMU is as new
 * @throws Error where Debian's backports, which it comes from, are not to be had
 */
export async function ensureNewerQemu(since: "8.2" | "9.0"): Promise<string | undefined> {
	const { stdout } = await run("qemu-system-x86_64", ["--version"]);
	const own = /version (\d+\.\d+)/.exec(stdout)?.[1] ?? "0";
	if (own.localeCompare(since, "en", { numeric: true }) >= 0) return undefined;
	const folder = join(cacheDirectory(), "qemu-newer");
	await withLock(
		`${folder}.lock`,
		() => {},
		async () => {
			if (!existsSync(folder)) await unpack(folder);
		},
	);
	return folder;
}

/** Looks into lists of its own, so that the machine's package manager knows of no other source. */
async function unpack(folder: string): Promise<void> {
	const partial = `${folder}.part`;
	await rm(partial, { recursive: true, force: true });
	for (const name of ["lists/partial", "cache/archives/partial", "packages", "root"]) {
		await mkdir(join(partial, name), { recursive: true });
	}
	const suite = `${await codename()}-backports`;
	const sources = join(partial, "sources.list");
	await writeFile(sources, `deb ${await mirror()} ${suite} main\n`);
	const apt = [`Dir::Etc::sourcelist=${sources}`, "Dir::Etc::sourceparts=/dev/null"];
	apt.push(`Dir::State::lists=${join(partial, "lists")}`, `Dir::Cache=${join(partial, "cache")}`);
	const options = apt.flatMap((option) => ["-o", option]);
	const packages = join(partial, "packages");
	await run("apt-get", [...options, "update"]);
	await run("apt-get", [...options, "download", ...PACKAGES.map((name) => `${name}/${suite}`)], { cwd: packages });
	const root = join(partial, "root");
	for (const file of await readdir(packages)) await run("dpkg", ["-x", join(packages, file), root]);
	await rename(root, folder);
	await rm(partial, { recursive: true });
}

/** Where the machine's own packages come from. */
async function mirror(): Promise<string> {
	const format = ["--format", "$(REPO_URI)", "Created-By: Packages", `Codename: ${await codename()}`];
	const { stdout } = await run("apt-get", ["indextargets", ...format]);
	const [found] = stdout.split("\n");
	if (!found) throw new Error(`QEMU is too old, and apt knows no source of ${await codename()} for a newer one.`);
	return found;
}

async function codename(): Promise<string> {
	const found = /^VERSION_CODENAME=(\S+)$/m.exec(await readFile("/etc/os-release", "utf8"));
	if (!found) throw new Error("QEMU is too old; a newer one is fetched on Debian only.");
	return found[1]!;
}
