// @ts-check
import { spawn } from "node:child_process";
import { resolveFrom } from "./sdk.mjs";

/** @typedef {import("@pulumi/pulumi/proto/language_pb.js").RunRequest} RunRequest */
/** @typedef {{ error?: string, bail?: boolean }} Outcome `bail`: the program has told the user already what is wrong */

/** The SDK's exit code of a program that failed and has reported it. */
const exitAfterReport = 32;

/** How long a program has to end by itself before it is killed, in milliseconds. */
const patience = 3000;

/**
 * Which process runs a program.
 * @param {RunRequest} request
 * @param {string} engine address of the engine
 * @returns {{ args: string[], env: Record<string, string>, cwd: string }} for `node`
 */
export function describeProgram(request, engine) {
	const info = request.getInfo();
	const cwd = info?.getProgramDirectory() || request.getPwd();
	const options = info?.getOptions()?.toJavaScript() ?? {};
	const runner = resolveFrom(cwd, "@pulumi/pulumi/cmd/run");
	if (runner === undefined) {
		throw new Error(`@pulumi/pulumi is not installed where the program in ${cwd} can find it. Run npm install there.`);
	}
	const args = [...nodeArguments(options.nodeargs), runner];
	for (const [flag, value] of [
		["monitor", request.getMonitorAddress()],
		["engine", engine],
		["organization", request.getOrganization()],
		["project", request.getProject()],
		["root-directory", info?.getRootDirectory()],
		["stack", request.getStack()],
		["pwd", request.getPwd()],
		["parallel", request.getParallel() || undefined],
	]) {
		if (value) args.push(`--${flag}`, String(value));
	}
	if (request.getDryrun()) args.push("--dry-run");
	args.push(info?.getEntryPoint() || request.getProgram() || ".", ...request.getArgsList());

	/** @type {Record<string, string>} */
	const config = {};
	request.getConfigMap().forEach((value, key) => {
		config[key] = value;
	});
	/** @type {Record<string, string>} */
	const env = {
		PULUMI_CONFIG: JSON.stringify(config),
		PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
	};
	if (options.typescript !== false) env.PULUMI_NODEJS_TYPESCRIPT = "true";
	if (options.tsconfig) env.PULUMI_NODEJS_TSCONFIG_PATH = String(options.tsconfig);
	return { args, env, cwd };
}

/** @param {unknown} value of the runtime option `nodeargs`: words, which "double" and 'single' quotes keep together */
function nodeArguments(value) {
	if (typeof value !== "string") return [];
	const words = value.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
	return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** Programs that run now: they must not outlive the host. @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * Runs a program to its end. What it prints goes to this process's output, from where the engine shows it.
 * @param {RunRequest} request
 * @param {string} engine
 * @returns {Promise<Outcome>}
 */
export function runProgram(request, engine) {
	const { args, env, cwd } = describeProgram(request, engine);
	if (request.getAttachDebugger()) args.unshift("--inspect-brk=127.0.0.1:0");
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, args, {
			cwd,
			env: { ...process.env, ...env },
			stdio: ["ignore", "inherit", "inherit"],
		});
		running.add(child);
		child.on("error", reject);
		child.on("exit", (code, signal) => {
			running.delete(child);
			resolve(outcome(code, signal));
		});
	});
}

/**
 * @param {number | null} code
 * @param {string | null} signal
 * @returns {Outcome}
 */
export function outcome(code, signal) {
	if (signal !== null) return { error: `Program was ended by ${signal}` };
	if (code === exitAfterReport) return { bail: true };
	return code === 0 ? {} : { error: `Program exited with non-zero exit code: ${code}` };
}

/** Ends all programs: asks first, kills those that have not ended in time. Resolves when none is left. */
export async function endPrograms() {
	await Promise.all(
		[...running].map((child) => {
			const ended = new Promise((resolve) => child.once("exit", resolve));
			child.kill("SIGTERM");
			const timer = setTimeout(() => child.kill("SIGKILL"), patience);
			return ended.then(() => clearTimeout(timer));
		}),
	);
}
