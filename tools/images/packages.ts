import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run";

/** A package whose file lies in the build folder. */
export interface DownloadedPackage {
	name: string;
	version: string;
	/** Path of the .deb file. */
	file: string;
}

/**
 * Downloads packages with the machine's own apt sources and keys, into a folder, without installing anything and
 * without needing root. The lists that the machine has are used as they are; when they are missing, or so old that the
 * archive no longer has what they name, a private copy is fetched once, and the machine's own stay untouched.
 */
export class Packages {
	private constructor(
		private readonly folder: string,
		private privateLists: boolean,
	) {}

	/** @param folder an existing, empty folder for package files, private lists and caches */
	static async open(folder: string): Promise<Packages> {
		for (const name of ["archives/partial", "lists/partial", "deb"]) {
			await mkdir(join(folder, name), { recursive: true });
		}
		// Nothing is installed, as far as apt is told: so every dependency is downloaded, whatever the machine has.
		await writeFile(join(folder, "status"), "");
		return new Packages(folder, false);
	}

	/** Downloads exactly these packages. */
	download(names: readonly string[]): Promise<DownloadedPackage[]> {
		return this.fetch(join(this.folder, "deb"), ["download", ...names], names);
	}

	/** Downloads these packages and everything that they depend on. */
	downloadWithDependencies(names: readonly string[]): Promise<DownloadedPackage[]> {
		const args = ["install", "--yes", "--no-install-recommends", "--download-only", ...names];
		return this.fetch(join(this.folder, "archives"), args);
	}

	/** Names that a package depends on first: how a metapackage tells which package it stands for today. */
	async dependencies(name: string): Promise<string[]> {
		return this.withLists(async () => {
			const text = await run("apt-cache", [...this.options(), "depends", "--important", name]);
			const names = [...text.matchAll(/^\s*Depends: ([^<>\s]+)$/gm)].map((match) => match[1] ?? "");
			if (names.length === 0) throw new Error(`The package ${name} depends on nothing:\n${text}`);
			return names;
		});
	}

	/**
	 * The distribution's own archives that the machine uses, as a sources.list with the release itself first; other
	 * sources (of vendors) are left out.
	 */
	async sourcesList(): Promise<string> {
		return this.withLists(async () => {
			const format = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)";
			const args = [...this.options(), "indextargets", "--format", format, "Created-By: Packages"];
			const lines = new Set((await run("apt-get", args)).trim().split("\n"));
			const codename = /^VERSION_CODENAME="?(\w+)/m.exec(await readFile("/etc/os-release", "utf8"))?.[1] ?? "";
			const entries = [...lines].flatMap((line) => {
				const [origin = "", uri = "", release = "", component = ""] = line.split("|");
				const own = /^(Debian|Ubuntu)$/.test(origin) && release.split(/[-/]/)[0] === codename;
				return own && component === "main" ? [{ release, text: `deb ${uri} ${release} main` }] : [];
			});
			if (!entries.some(({ release }) => release === codename)) {
				throw new Error(
					`apt on this machine has no source for "${codename}" main: ${[...lines].join(", ") || "none at all"}.`,
				);
			}
			entries.sort((a, b) => Number(b.release === codename) - Number(a.release === codename));
			return `${entries.map(({ text }) => text).join("\n")}\n`;
		});
	}

	private fetch(folder: string, command: string[], only?: readonly string[]): Promise<DownloadedPackage[]> {
		return this.withLists(async () => {
			await run("apt-get", [...this.options(), "--quiet=2", ...command], { cwd: folder });
			const found: DownloadedPackage[] = [];
			for (const file of (await readdir(folder)).filter((name) => name.endsWith(".deb")).sort()) {
				const [name = "", version = ""] = file.split("_");
				if (only && !only.includes(name)) continue;
				found.push({ name, version: decodeURIComponent(version), file: join(folder, file) });
			}
			return found;
		});
	}

	/** Runs the question with the machine's lists; if that fails, once more with fresh private ones. */
	private async withLists<T>(question: () => Promise<T>): Promise<T> {
		try {
			return await question();
		} catch (error) {
			if (this.privateLists) throw error;
			this.privateLists = true;
			await run("apt-get", [...this.options(), "--quiet=2", "update"]);
			return question();
		}
	}

	private options(): string[] {
		const settings = [
			`Dir::State::status=${join(this.folder, "status")}`,
			`Dir::Cache=${this.folder}`,
			// Installing is what the locks guard; here nothing is installed, and ordinary users may not take them.
			"Debug::NoLocking=1",
			// As another user apt could not write into this folder and would warn on every download.
			"APT::Sandbox::User=root",
			...(this.privateLists ? [`Dir::State::lists=${join(this.folder, "lists")}`] : []),
		];
		return settings.flatMap((setting) => ["-o", setting]);
	}
}

/** Unpacks packages into a folder (files only: no maintainer script runs). */
export async function unpack(packages: readonly DownloadedPackage[], folder: string): Promise<void> {
	await mkdir(folder, { recursive: true });
	for (const item of packages) await run("dpkg-deb", ["-x", item.file, folder]);
}
