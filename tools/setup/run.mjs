// @ts-check
import { spawn } from "node:child_process";
import { accessSync, constants, createWriteStream, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { cache, searchPath } from "./paths.mjs";

/** Something that the user can act on: shown without a stack. */
export class SetupError extends Error {}

/**
 * @param {string} name of a command
 * @param {string[]} folders
 * @returns {string | undefined} its path
 */
export function findCommand(name, folders = searchPath) {
	for (const folder of folders) {
		const file = join(folder, name);
		try {
			accessSync(file, constants.X_OK);
			if (statSync(file).isFile()) return file;
		} catch {}
	}
	return undefined;
}

/**
 * Runs a command with its output in a log file of the cache.
 * @param {string} name of the log
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, signal?: AbortSignal }} [options] `signal` ends the command
 * @returns {Promise<void>}
 * @throws SetupError with the end of the output if it fails
 */
export async function runLogged(name, command, args, { cwd, env, signal } = {}) {
	const logs = join(cache, "logs");
	mkdirSync(logs, { recursive: true });
	const log = join(logs, `${name}.log`);
	const from = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
	const output = createWriteStream(log, { flags: "a" });
	output.write(`$ ${[command, ...args].join(" ")}\n`);
	const failure = await new Promise((resolve) => {
		const child = spawn(command, args, {
			cwd,
			env: { ...process.env, ...env },
			stdio: ["ignore", "pipe", "pipe"],
			signal,
		});
		child.stdout.pipe(output, { end: false });
		child.stderr.pipe(output, { end: false });
		child.on("error", (error) => resolve(error.message));
		child.on("close", (code, by) => resolve(code === 0 ? undefined : (by ?? `exit code ${code}`)));
	});
	await new Promise((resolve) => output.end(() => resolve(undefined)));
	if (failure === undefined) return;
	const tail = readFileSync(log).subarray(from).toString().trimEnd().split("\n").slice(-25).join("\n");
	throw new SetupError(`${[command, ...args].join(" ")} failed (${failure}). The end of ${log}:\n${tail}`);
}

/**
 * Runs a command for its output.
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string | undefined>} what it printed, undefined if it failed
 */
export function ask(command, args) {
	return new Promise((resolve) => {
		const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
		let printed = "";
		child.stdout.on("data", (chunk) => {
			printed += chunk;
		});
		child.on("error", () => resolve(undefined));
		child.on("close", (code) => resolve(code === 0 ? printed.trim() : undefined));
	});
}
