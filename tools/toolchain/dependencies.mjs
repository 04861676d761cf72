// @ts-check
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { installedVersion } from "./sdk.mjs";

const managers = ["npm", "pnpm", "yarn", "bun"];

/**
 * Installs a program's npm packages.
 * @param {string} directory the program's
 * @param {unknown} manager runtime option `packagemanager`, npm unless given
 * @param {(stream: "stdout" | "stderr", bytes: Buffer) => void} show gets what the package manager prints
 * @returns {Promise<void>}
 */
export function installDependencies(directory, manager, show) {
	const command = String(manager ?? "npm");
	if (!managers.includes(command)) {
		throw new Error(`The runtime option packagemanager is "${command}", but has to be one of ${managers.join(", ")}.`);
	}
	return new Promise((resolve, reject) => {
		const args = command === "npm" ? ["install", "--loglevel=error", "--no-fund", "--no-audit"] : ["install"];
		const child = spawn(command, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
		child.stdout.on("data", (bytes) => show("stdout", bytes));
		child.stderr.on("data", (bytes) => show("stderr", bytes));
		child.on("error", (error) => reject(new Error(`${command} cannot be started: ${error.message}`)));
		child.on("close", (code, signal) => {
			if (code === 0) resolve();
			else reject(new Error(`${command} ${args.join(" ")} in ${directory} failed (${signal ?? `exit code ${code}`})`));
		});
	});
}

/**
 * @param {string} directory the program's
 * @returns {{ name: string, version: string }[]} what the program's package.json asks for, with the versions it gets
 */
export function directDependencies(directory) {
	/** @type {{ dependencies?: Record<string, string>, devDependencies?: Record<string, string> }} */
	const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
	return Object.entries({ ...manifest.devDependencies, ...manifest.dependencies })
		.map(([name, wanted]) => ({ name, version: installedVersion(directory, name) ?? wanted }))
		.sort((a, b) => a.name.localeCompare(b.name));
}
