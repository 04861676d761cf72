// @ts-check
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemFamily } from "./packages.mjs";
import { searchPath } from "./paths.mjs";
import { ask, findCommand, SetupError } from "./run.mjs";

/** From this version on, go fetches the newer tool chain that a module asks for. */
const oldestMinor = 21;

/** Whatever the user's defaults are, the module may ask for a newer go, and its folder is in no workspace. */
export const goEnvironment = { GOTOOLCHAIN: "auto", GOWORK: "off", GOFLAGS: "" };

/** @returns {Promise<string | undefined>} path of a go command that can build the CLI */
export async function findGo() {
	for (const folder of [...searchPath, "/usr/local/go/bin", ...packagedFolders()]) {
		const path = findCommand("go", [folder]);
		if (path !== undefined && isUsable(await ask(path, ["env", "GOVERSION"]))) return path;
	}
	return undefined;
}

/** @param {string | undefined} version like "go1.25.3" */
export function isUsable(version) {
	const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version ?? "") ?? [];
	return Number(major) === 1 && Number(minor) >= oldestMinor;
}

/**
 * Which package brings a go that is new enough. To be asked after the package lists have been updated.
 * @returns {Promise<string>}
 * @throws SetupError if none does
 */
export async function goPackage() {
	const family = systemFamily();
	if (family === "fedora") return "golang";
	const names = family === "debian" ? await ask("apt-cache", ["pkgnames", "golang-1."]) : undefined;
	const newest = newestPackage(names ?? "");
	if (newest !== undefined) return newest;
	throw new SetupError(
		`There is no Pulumi CLI on PATH, and building it needs Go 1.${oldestMinor} or newer, which this system's packages do not have. Do one of these, then run the command again:
  - install the Pulumi CLI: https://www.pulumi.com/docs/install
  - install Go: https://go.dev/doc/install
  - on Debian 12, enable bookworm-backports: https://backports.debian.org/Instructions`,
	);
}

/**
 * @param {string} names of packages, one a line
 * @returns {string | undefined} the newest golang-1.N-go that is new enough
 */
export function newestPackage(names) {
	const minors = [...names.matchAll(/^golang-1\.(\d+)-go$/gm)].map(([, minor]) => Number(minor));
	const newest = Math.max(0, ...minors);
	return newest >= oldestMinor ? `golang-1.${newest}-go` : undefined;
}

/** Where Debian's golang-1.N-go packages put the command. */
function packagedFolders() {
	return readdirSync("/usr/lib")
		.filter((entry) => /^go-1\.\d+$/.test(entry))
		.map((entry) => join("/usr/lib", entry, "bin"));
}
