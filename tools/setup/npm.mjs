// @ts-check
import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./paths.mjs";
import { runLogged } from "./run.mjs";

/** @returns {string | undefined} what is missing, in words */
export function missingFromNpm(root = repository) {
	// npm writes this file last, at the end of each install.
	const installed = join(root, "node_modules/.package-lock.json");
	if (!existsSync(installed)) return "npm packages";
	const lock = join(root, "package-lock.json");
	if (existsSync(lock) && statSync(lock).mtimeMs > statSync(installed).mtimeMs) {
		return "npm packages of the changed package-lock.json";
	}
	return undefined;
}

/** @param {AbortSignal} [signal] */
export async function installNpmPackages(signal, root = repository) {
	const command = existsSync(join(root, "package-lock.json")) ? "ci" : "install";
	await runLogged("npm", "npm", [command, "--no-fund", "--no-audit"], { cwd: root, signal });
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
