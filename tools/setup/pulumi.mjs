// @ts-check
import {
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readlinkSync,
	realpathSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { goEnvironment } from "./go.mjs";
import { bin, cache, distribution, pinnedVersion, searchPath } from "./paths.mjs";
import { ask, findCommand, runLogged, SetupError } from "./run.mjs";
import { launchers } from "./toolchain.mjs";

/** Older ones do not speak the protocol of the SDK that this package needs. */
const oldestMinor = 200;

const moduleName = "github.com/pulumi/pulumi";
const built = join(distribution, "pulumi");

/** @typedef {{ path: string, version: string, complete: boolean }} Cli `complete`: it has its own Node.js language host */

/** @param {string} version like "v3.259.0" */
export function isRecent(version) {
	const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version) ?? [];
	return Number(major) === 3 && Number(minor) >= oldestMinor;
}

/** @returns {Promise<Cli | undefined>} the user's own CLI, if it is recent enough */
export async function findOwnCli() {
	const folders = searchPath.filter((folder) => folder !== bin);
	const path = findCommand("pulumi", folders);
	if (path === undefined) return undefined;
	const version = await ask(path, ["version"]);
	if (version === undefined || !isRecent(version)) return undefined;
	const complete = findCommand("pulumi-language-nodejs", [dirname(realpathSync(path)), ...folders]) !== undefined;
	return { path, version: version.replace(/^v/, ""), complete };
}

/** @param {Cli | undefined} own */
export function hasCli(own) {
	return own !== undefined || existsSync(built);
}

/** @param {Cli | undefined} own @returns {Map<string, string>} what has to be in `bin`, and where it leads */
function wantedLinks(own) {
	const links = new Map([["pulumi", own?.path ?? built]]);
	// The built CLI finds what lies beside it, and warns of what it finds on PATH.
	if (own && !own.complete) for (const name of launchers) links.set(name, join(distribution, name));
	return links;
}

/** @param {Cli | undefined} own @returns {boolean} whether PATH with `bin` in front leads to the right CLI */
export function isCliLinked(own) {
	const wanted = wantedLinks(own);
	const names = existsSync(bin) ? readdirSync(bin) : [];
	return names.length === wanted.size && names.every((name) => readlinkIfLink(join(bin, name)) === wanted.get(name));
}

/** Makes `bin` lead to the user's own CLI, or else to the one built here. @param {Cli | undefined} own */
export function linkCli(own) {
	rmSync(bin, { recursive: true, force: true });
	mkdirSync(bin, { recursive: true });
	for (const [name, target] of wantedLinks(own)) symlinkSync(target, join(bin, name));
}

/** @param {string} file */
function readlinkIfLink(file) {
	return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
}

/**
 * Builds the CLI from its Go module.
 * @param {string} go the go command
 * @param {AbortSignal} signal ends the build
 */
export async function buildCli(go, signal) {
	const folder = join(cache, "pulumi-build");
	mkdirSync(folder, { recursive: true });
	mkdirSync(dirname(built), { recursive: true });
	writeFileSync(join(folder, "go.mod"), goModule());
	const partial = `${built}.${process.pid}.part`;
	const flags = `-s -w -X ${moduleName}/sdk/v3/go/common/version.Version=v${pinnedVersion}`;
	const target = `${moduleName}/pkg/v3/cmd/pulumi`;
	try {
		await runLogged("pulumi", go, ["build", "-mod=mod", "-ldflags", flags, "-o", partial, target], {
			cwd: folder,
			env: goEnvironment,
			signal,
		});
	} catch (error) {
		throw new SetupError(
			`${error instanceof Error ? error.message : error}\nThe Pulumi CLI could not be built. You can install it yourself instead: https://www.pulumi.com/docs/install`,
		);
	}
	renameSync(partial, built);
}

function goModule() {
	return `module tools

go 1.25

require (
	${moduleName}/pkg/v3 v${pinnedVersion}
	${moduleName}/sdk/v3 v${pinnedVersion}
)

tool ${moduleName}/pkg/v3/cmd/pulumi
`;
}
