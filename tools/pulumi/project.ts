/**
 * Runs the real Pulumi CLI on a copy of a program, with a state, a home and plugins of its own: used by the tests, the
 * demo and the benchmarks. Nothing of the user's Pulumi is read or changed.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { cacheDirectory } from "../cache";

/** Root of this repository, seen from dist/tools/pulumi. */
export const repository = join(__dirname, "../../..");

export interface ProjectOptions {
	/** Folder of the program, with its Pulumi.yaml; relative to the repository. */
	program: string;
	/** Names of the files to take along. @default all of the folder */
	files?: string[];
	/** Folder of npm packages that the program gets. @default the repository's */
	modules?: string;
	/** @default "dev" */
	stack?: string;
	/** Configuration; keys without a namespace are the project's. */
	config?: Record<string, string>;
	/** Configuration that is stored encrypted. */
	secrets?: Record<string, string>;
	/** Added to the environment of every command. */
	env?: Record<string, string>;
}

export interface CommandResult {
	/** Exit code; null when a signal ended the command. */
	code: number | null;
	stdout: string;
	stderr: string;
	milliseconds: number;
}

/** How many resources a preview or update creates, updates, ...: "same" is what stays as it is. */
export type Changes = Partial<Record<"create" | "update" | "delete" | "replace" | "same" | "discard", number>>;

export class Project {
	private constructor(
		/** The copy's folder. */
		readonly directory: string,
		readonly stack: string,
		/** Environment of every command. */
		readonly env: NodeJS.ProcessEnv,
	) {}

	/** Copies the program and makes its stack. Call `remove` in the end, after `destroy`. */
	static async start(options: ProjectOptions): Promise<Project> {
		const root = await mkdtemp(join(tmpdir(), "clones-project-"));
		const directory = join(root, basename(join(repository, options.program)));
		const source = join(repository, options.program);
		for (const file of options.files ?? ["."]) {
			await cp(join(source, file), join(directory, file), {
				recursive: true,
				filter: (path) => !/[/\\](node_modules|dist|\.git)([/\\]|$)/.test(path.slice(source.length)),
			});
		}
		await symlink(options.modules ?? join(repository, "node_modules"), join(directory, "node_modules"));
		await mkdir(join(root, "state"));
		const project = Project.reopen(directory, options.stack, options.env);
		await project.must(["stack", "init", project.stack]);
		await project.configure(options.config ?? {});
		for (const [key, value] of Object.entries(options.secrets ?? {})) {
			await project.must(["config", "set", "--secret", key, "--", value]);
		}
		return project;
	}

	/** A project that was started before and not removed. */
	static reopen(directory: string, stack = "dev", env: Record<string, string> = {}): Project {
		const root = dirname(directory);
		return new Project(directory, stack, {
			...process.env,
			PATH: [join(cacheDirectory(), "bin"), process.env.PATH].join(delimiter),
			PULUMI_HOME: join(root, "home"),
			PULUMI_BACKEND_URL: `file://${join(root, "state")}`,
			PULUMI_CONFIG_PASSPHRASE: "test",
			PULUMI_SKIP_UPDATE_CHECK: "true",
			PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
			// Programs are type-checked by the build; a second time at every run would cost seconds.
			PULUMI_NODEJS_TRANSPILE_ONLY: "true",
			...env,
		});
	}

	/** Starts a command without waiting for it; for tests that end it in the middle. */
	spawn(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
		return spawn("pulumi", ["--non-interactive", "--color=never", ...args], {
			cwd: this.directory,
			env: { ...this.env, ...env },
			stdio: ["ignore", "pipe", "pipe"],
		});
	}

	/** Runs a command to its end, whatever its exit code. */
	async run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
		const started = performance.now();
		const child = this.spawn(args, env);
		const output = { stdout: "", stderr: "" };
		for (const stream of ["stdout", "stderr"] as const) {
			child[stream]!.setEncoding("utf8").on("data", (text: string) => {
				output[stream] += text;
			});
		}
		const code = await new Promise<number | null>((resolve, reject) => {
			child.once("error", reject);
			child.once("close", resolve);
		});
		return { code, ...output, milliseconds: performance.now() - started };
	}

	/** Runs a command that has to succeed. */
	async must(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
		const result = await this.run(args, env);
		if (result.code !== 0) {
			throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
		}
		return result;
	}

	/** Runs the package's own command line in the project's folder, whatever its exit code. */
	async commandLine(...args: string[]): Promise<Omit<CommandResult, "milliseconds">> {
		const main = join(repository, "dist/cli/main.js");
		return new Promise((resolve) => {
			execFile(process.execPath, [main, ...args], { cwd: this.directory, env: this.env }, (error, stdout, stderr) =>
				resolve({ code: error === null ? 0 : ((error.code as unknown as number) ?? null), stdout, stderr }),
			);
		});
	}

	setConfig(key: string, value: string): Promise<void> {
		return this.configure({ [key]: value });
	}

	/** Changes the stack's settings in its file, as a user does with an editor: a CLI for each takes longer. */
	async configure(changes: Record<string, string | undefined>): Promise<void> {
		const file = join(this.directory, `Pulumi.${this.stack}.yaml`);
		const settings = parse(await readFile(file, "utf8")) as { config?: Record<string, unknown> };
		const config = new Map(Object.entries(settings.config ?? {}));
		const project = await this.name();
		for (const [name, value] of Object.entries(changes)) {
			const key = name.includes(":") ? name : `${project}:${name}`;
			if (value === undefined) config.delete(key);
			else config.set(key, value);
		}
		await writeFile(file, stringify({ ...settings, config: Object.fromEntries(config) }));
	}

	/** @returns the text shown, and what would change */
	async preview(args: string[] = []): Promise<CommandResult & { changes: Changes }> {
		const result = await this.must(["preview", "--diff", ...args]);
		return { ...result, changes: changesIn(result.stdout) };
	}

	async up(args: string[] = [], env?: NodeJS.ProcessEnv): Promise<CommandResult & { changes: Changes }> {
		const result = await this.must(["up", "--yes", "--skip-preview", ...args], env);
		return { ...result, changes: changesIn(result.stdout) };
	}

	async refresh(args: string[] = []): Promise<CommandResult & { changes: Changes }> {
		const result = await this.must(["refresh", "--yes", "--skip-preview", ...args]);
		return { ...result, changes: changesIn(result.stdout) };
	}

	async destroy(args: string[] = []): Promise<CommandResult & { changes: Changes }> {
		const result = await this.must(["destroy", "--yes", "--skip-preview", ...args]);
		return { ...result, changes: changesIn(result.stdout) };
	}

	/** The stack's outputs, secrets in plain text. Only those take a CLI, and with it most of a second. */
	async outputs<T = Record<string, unknown>>(): Promise<T> {
		const { resources = [] } = (await this.state()).deployment;
		const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
		if (!JSON.stringify(outputs).includes(SECRET)) return outputs as T;
		return JSON.parse((await this.must(["stack", "output", "--json", "--show-secrets"])).stdout) as T;
	}

	/** The state as the engine stores it, secrets encrypted: read where it does, as `pulumi stack export` shows it. */
	async state(): Promise<State> {
		const { version, checkpoint } = JSON.parse(await readFile(await this.stateFile(), "utf8"));
		return { version, deployment: checkpoint.latest ?? {} };
	}

	/**
	 * What is to be done after the CLI was killed: its lock is lifted. The file backend does not write its files in one
	 * step: one that was just written is empty, and is taken from the copy that the engine keeps beside it.
	 */
	async unlock(): Promise<void> {
		const file = await this.stateFile();
		for (const suffix of ["", ".attrs"]) {
			if ((await readFile(file + suffix, "utf8")) === "") await cp(`${file}.bak${suffix}`, file + suffix);
		}
		await this.must(["cancel", "--yes"]);
	}

	private async stateFile(): Promise<string> {
		return join(this.directory, "../state/.pulumi/stacks", `${await this.name()}/${this.stack}.json`);
	}

	private async name(): Promise<string> {
		return /^name: (.*)$/m.exec(await readFile(join(this.directory, "Pulumi.yaml"), "utf8"))![1]!;
	}

	/** Replaces text in one of the program's files. @throws Error when it is not there */
	async edit(file: string, from: string, to: string): Promise<void> {
		const path = join(this.directory, file);
		const text = await readFile(path, "utf8");
		if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
		await writeFile(path, text.replace(from, to));
	}

	/** Removes the copy, its state and its home; not what it made on a host. */
	async remove(): Promise<void> {
		await rm(join(this.directory, ".."), { recursive: true, force: true });
	}
}

/** The engine's mark of a value that it keeps encrypted. */
const SECRET = "4dabf18193072939515e22adb298388d";

export interface State {
	version: number;
	deployment: { resources?: StoredResource[]; pending_operations?: unknown[] };
}

export interface StoredResource {
	urn: string;
	type: string;
	id?: string;
	inputs: Record<string, unknown>;
	outputs: Record<string, unknown>;
	/** "project:///index.ts#12,3" */
	sourcePosition?: string;
}

/** Reads the summary that the CLI prints: "+ 3 to create", "~ 1 updated", "5 unchanged". */
function changesIn(text: string): Changes {
	const kinds: Array<[keyof Changes, RegExp]> = [
		["create", /\+ (\d+) (?:to create|created)/],
		["update", /~ (\d+) (?:to update|updated)/],
		["delete", /- (\d+) (?:to delete|deleted)/],
		["replace", /\+-(\d+) (?:to replace|replaced)/],
		["same", /(\d+) unchanged/],
	];
	return Object.fromEntries(
		kinds.flatMap(([kind, pattern]) => {
			const match = pattern.exec(text);
			return match ? [[kind, Number(match[1])]] : [];
		}),
	);
}
