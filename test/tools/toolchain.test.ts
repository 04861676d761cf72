import * as assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { cacheDirectory } from "../../tools/cache";

const root = join(__dirname, "../../..");

const program = `
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
const provider: pulumi.dynamic.ResourceProvider = {
	async create(inputs) {
		if (inputs.word === "slow") await new Promise((resolve) => setTimeout(resolve, 60000));
		return { id: "x1", outs: { ...inputs, loud: inputs.word.toUpperCase() } };
	},
};
class Thing extends pulumi.dynamic.Resource {
	declare loud: pulumi.Output<string>;
	constructor(name: string, args: { word: pulumi.Input<string> }) {
		super(provider, name, { loud: undefined, ...args });
	}
}
const failure = config.get("failure");
if (failure === "throw") throw new Error("the deliberate failure");
if (failure === "run error") throw new pulumi.RunError("the reported failure");
if (failure === "exit") process.exit(7);
if (failure === "hang") setInterval(() => {}, 1000);
const word: number | string = config.require("word");
console.log(failure === "hang" ? "hanging" : "a line from the program");
export const loud = new Thing("thing", { word }).loud;
export const password = config.requireSecret("password");
export const dryRun = pulumi.runtime.isDryRun();
export const place = [pulumi.getProject(), pulumi.getStack()].join("/");
`;

interface Outcome {
	code: number;
	/** Standard output and error. */
	output: string;
	stdout: string;
}

describe("the Pulumi tool chain", function () {
	this.timeout(60_000);
	let directory: string;
	let env: NodeJS.ProcessEnv;

	before(async () => {
		directory = mkdtempSync(join(tmpdir(), "toolchain-"));
		mkdirSync(join(directory, "state"));
		writeFileSync(join(directory, "Pulumi.yaml"), "name: chain\nruntime: nodejs\n");
		writeFileSync(
			join(directory, "package.json"),
			JSON.stringify({ name: "chain", main: "index.ts", dependencies: { "@pulumi/pulumi": "^3.200.0" } }),
		);
		writeFileSync(join(directory, "index.ts"), program);
		symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
		env = {
			...process.env,
			PATH: `${join(cacheDirectory(), "bin")}:${process.env.PATH}`,
			PULUMI_BACKEND_URL: `file://${directory}/state`,
			PULUMI_CONFIG_PASSPHRASE: "passphrase",
			PULUMI_SKIP_UPDATE_CHECK: "true",
			NO_COLOR: "1",
		};
		await succeed("stack", "init", "dev");
		await succeed("config", "set", "word", "abc");
		await succeed("config", "set", "--secret", "password", "hush");
	});

	after(() => {
		if (directory) rmSync(directory, { recursive: true, force: true });
	});

	async function pulumi(...args: string[]): Promise<Outcome> {
		try {
			const { stdout, stderr } = await promisify(execFile)("pulumi", ["--non-interactive", ...args], {
				cwd: directory,
				env,
			});
			return { code: 0, output: stdout + stderr, stdout };
		} catch (error) {
			const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
			return { code, output: stdout + stderr, stdout };
		}
	}

	async function succeed(...args: string[]): Promise<string> {
		const { code, output, stdout } = await pulumi(...args);
		assert.equal(code, 0, output);
		return stdout;
	}

	/** Whatever the engine started inherits its environment, which names the state of this test alone. */
	function leftOver(): string[] {
		return readdirSync("/proc").filter((pid) => {
			if (!/^\d+$/.test(pid)) return false;
			try {
				const words = readFileSync(`/proc/${pid}/environ`, "utf8");
				return words.includes(env.PULUMI_BACKEND_URL!);
			} catch {
				return false;
			}
		});
	}

	async function untilNoneIsLeft(): Promise<void> {
		for (let i = 0; i < 400 && leftOver().length > 0; i++) await sleep(25);
		assert.deepEqual(leftOver(), []);
	}

	it("previews without running what is real", async () => {
		const output = await succeed("preview");
		assert.match(output, /2 to create/);
		assert.match(output, /dryRun *: true/);
	});

	it("runs a TypeScript program with configuration, secrets, a dynamic resource and outputs", async () => {
		const output = await succeed("up", "--yes");
		assert.match(output, /2 created/);
		assert.match(output, /a line from the program/);
		const outputs = JSON.parse(await succeed("stack", "output", "--json"));
		assert.deepEqual(outputs, { loud: "ABC", password: "[secret]", dryRun: false, place: "chain/dev" });
		assert.equal((await succeed("stack", "output", "password", "--show-secrets")).trim(), "hush");
		const state = readFileSync(join(directory, "state/.pulumi/stacks/chain/dev.json"), "utf8");
		assert.ok(!state.includes("hush"), "the secret is in the state in plain text");
		assert.match(await succeed("preview"), /2 unchanged/);
		await untilNoneIsLeft();
	});

	for (const [failure, expected] of [
		["throw", /unhandled exception:\s+Error: the deliberate failure/],
		["run error", /error: the reported failure/],
		["exit", /Program exited with non-zero exit code: 7/],
	] as const) {
		it(`reports a program that fails by "${failure}"`, async () => {
			await succeed("config", "set", "failure", failure);
			try {
				const { code, output } = await pulumi("preview");
				assert.notEqual(code, 0);
				assert.match(output, expected);
				// A program that has told what is wrong is not told on a second time.
				assert.equal(/non-zero exit code/.test(output), failure === "exit", output);
				assert.doesNotMatch(output, /from \$PATH/);
			} finally {
				await succeed("config", "rm", "failure");
			}
		});
	}

	it("says what to do where the SDK is not installed", async () => {
		rmSync(join(directory, "node_modules"));
		try {
			const { code, output } = await pulumi("preview");
			assert.notEqual(code, 0);
			assert.match(output, /@pulumi\/pulumi.*(not installed|npm install|pulumi install)/s);
		} finally {
			symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
		}
	});

	it("honours the runtime options typescript and nodeargs", async () => {
		const yaml = join(directory, "Pulumi.yaml");
		const before = readFileSync(yaml, "utf8");
		writeFileSync(
			yaml,
			"name: chain\nmain: plain.js\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: --title='a title'\n",
		);
		writeFileSync(
			join(directory, "plain.js"),
			"exports.seen = { title: process.title, typescript: process.env.PULUMI_NODEJS_TYPESCRIPT ?? 'off' };",
		);
		try {
			const output = await succeed("preview");
			assert.match(output, /title *: "a title"/);
			assert.match(output, /typescript: "off"/);
		} finally {
			writeFileSync(yaml, before);
		}
	});

	it("tells `pulumi about` which Node.js and packages a program uses", async () => {
		const about = JSON.parse(await succeed("about", "--json"));
		assert.equal(about.runtime.language, "nodejs");
		assert.equal(about.runtime.version, process.version);
		const { version } = JSON.parse(readFileSync(join(root, "node_modules/@pulumi/pulumi/package.json"), "utf8"));
		assert.deepEqual(about.dependencies, [{ name: "@pulumi/pulumi", version }]);
	});

	it("installs a program's packages", async () => {
		const local = join(directory, "local");
		mkdirSync(join(local, "dependency"), { recursive: true });
		writeFileSync(join(local, "Pulumi.yaml"), "name: local\nruntime: nodejs\n");
		writeFileSync(join(local, "dependency/package.json"), JSON.stringify({ name: "dependency", version: "1.2.3" }));
		writeFileSync(
			join(local, "package.json"),
			JSON.stringify({ name: "local", dependencies: { dependency: "file:./dependency" } }),
		);
		await succeed("-C", local, "install");
		assert.ok(existsSync(join(local, "node_modules/dependency/package.json")));
	});

	function start(...args: string[]): ChildProcess {
		return spawn("pulumi", ["--non-interactive", ...args], { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
	}

	async function untilPrinted(child: ChildProcess, text: RegExp): Promise<void> {
		let printed = "";
		await new Promise<void>((resolve, reject) => {
			const listen = (chunk: Buffer) => {
				printed += chunk;
				if (text.test(printed)) resolve();
			};
			child.stdout?.on("data", listen);
			child.stderr?.on("data", listen);
			child.once("exit", () => reject(new Error(`ended too early:\n${printed}`)));
		});
	}

	it("ends the program when the engine is killed", async () => {
		await succeed("config", "set", "failure", "hang");
		try {
			const child = start("preview");
			await untilPrinted(child, /hanging/);
			assert.ok(leftOver().length >= 3, "engine, language host, program");
			child.kill("SIGKILL");
			await untilNoneIsLeft();
		} finally {
			await succeed("config", "rm", "failure");
		}
	});

	it("destroys", async () => {
		assert.match(await succeed("destroy", "--yes"), /2 deleted/);
		await untilNoneIsLeft();
	});
});
