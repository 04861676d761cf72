// @ts-check
import {
	existsSync,
	lstatSync,
	mkdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
} from "node:fs";
import { join } from "node:path";
import { repository } from "./paths.mjs";
import { runLogged, SetupError } from "./run.mjs";

/** @returns {string | undefined} what is missing, in words */
export function missingFromNpm(root = repository) {
	const installed = recordOf(root);
	if (!existsSync(installed)) return "npm packages";
	const lock = join(root, "package-lock.json");
	if (existsSync(lock) && statSync(lock).mtimeMs > statSync(installed).mtimeMs) {
		return "npm packages of the changed package-lock.json";
	}
	return missingSqlite(root);
}

/**
 * The one package that is compiled where it is installed: npm leaves it out without a word where that fails or is killed,
 * since it is optional, and the tests of identities cannot do without. @param {string} root
 */
function missingSqlite(root) {
	const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	if (!("better-sqlite3" in optionalDependencies)) return undefined;
	const binary = join(root, "node_modules/better-sqlite3/build/Release/better_sqlite3.node");
	return existsSync(binary) ? undefined : "the compiled part of better-sqlite3";
}

/**
 * npm leaves out what is optional and could not be downloaded or compiled, so it is asked twice.
 * @param {AbortSignal} [signal]
 */
export async function installNpmPackages(signal, root = repository) {
	const hasLock = existsSync(join(root, "package-lock.json"));
	let lacking;
	for (let attempt = 1; attempt <= 2; attempt++) {
		await runLogged("npm", "npm", [hasLock ? "ci" : "install", "--no-fund", "--no-audit"], { cwd: root, signal });
		// npm leaves its own record as it is where nothing had to be changed.
		utimesSync(recordOf(root), new Date(), new Date());
		lacking = missingSqlite(root);
		if (lacking === undefined) return;
	}
	throw new SetupError(
		`npm ci has succeeded twice without ${lacking}, which means that it could not be downloaded or compiled, or was ` +
			'killed. See why with "npm install --no-save --foreground-scripts better-sqlite3"; it needs make, a C++ compiler ' +
			"and Python.",
	);
}

/** npm writes this file last, at the end of each install. @param {string} root */
function recordOf(root) {
	return join(root, "node_modules/.package-lock.json");
}

/**
 * Makes the package find itself by its name. The engine's dynamic providers load "pulumi-libvirt-clones/provider" from a
 * program's folder: programs in this repository (its root, examples/NAME) find it by this link.
 */
export function linkSelf(root = repository) {
	const link = join(root, "node_modules/pulumi-libvirt-clones");
	const stat = lstatSync(link, { throwIfNoEntry: false });
	if (stat?.isSymbolicLink() && readlinkSync(link) === "..") return;
	rmSync(link, { recursive: true, force: true });
	mkdirSync(join(root, "node_modules"), { recursive: true });
	symlinkSync("..", link);
}
