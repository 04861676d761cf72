// @ts-check
import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./paths.mjs";
import { runLogged } from "./run.mjs";

/** @returns {string | undefined} what is missing, in words */
export function missingFromNpm(root = repository) {
	const installed = recordOf(root);
	if (!existsSync(installed)) return "npm packages";
	const lock = join(root, "package-lock.json");
	if (existsSync(lock) && statSync(lock).mtimeMs > statSync(installed).mtimeMs) {
		return "npm packages of the changed package-lock.json";
	}
	return undefined;
}

/** @param {AbortSignal} [signal] */
export async function installNpmPackages(signal, root = repository) {
	const hasLock = existsSync(join(root, "package-lock.json"));
	await runLogged("npm", "npm", [hasLock ? "ci" : "install", "--no-fund", "--no-audit"], { cwd: root, signal });
	// npm leaves its own record as it is where nothing had to be changed.
	utimesSync(recordOf(root), new Date(), new Date());
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
