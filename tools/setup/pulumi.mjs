// @ts-check
import {
	existsSync,
	lstatSync,
	mkdirSync,
	realpathSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { goEnvironment } from "./go.mjs";
import { bin, cache, searchPath } from "./paths.mjs";
import { ask, findCommand, runLogged, SetupError } from "./run.mjs";
import { removeToolchain } from "./toolchain.mjs";

/** The version that is built where no CLI is on PATH. */
export const pinnedVersion = "3.259.0";
/** Older ones do not speak the protocol of the SDK that this package needs. */
const oldestMinor = 200;

const moduleName = "github.com/pulumi/pulumi";
const built = join(cache, `pulumi-${pinnedVersion}`, "pulumi");
const link = join(bin, "pulumi");

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

/** @param {Cli | undefined} own @returns {boolean} whether `bin/pulumi` leads to the right one */
export function isCliLinked(own) {
	return existsSync(link) && realpathSync(link) === realpathSync(own?.path ?? built);
}

/** Makes `bin/pulumi` lead to the user's own CLI, or else to the one built here. @param {Cli | undefined} own */
export function linkCli(own) {
	mkdirSync(bin, { recursive: true });
	if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
	symlinkSync(own?.path ?? built, link);
	if (own?.complete) removeToolchain();
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
