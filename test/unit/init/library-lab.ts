/** Runs scripts of the library against a made-up root, with stand-ins for the programs that change a machine. */
import { execFile } from "node:child_process";
import {
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type SettingValue, scriptOf } from "../../../provider/init/library";
import { variableOf } from "../../../provider/init/plan-files";

export const SHELLS = ["dash", "busybox"] as const;
export type Shell = (typeof SHELLS)[number];

/** What the scripts may count on in every image. */
const TOOLS = "awk cat chmod grep head ln mkdir mv od readlink rm sed sleep sort stat tr".split(" ");

/** A text; a folder, as undefined; or what a link points to. */
export type Entry = string | undefined | { link: string };

export interface Ran {
	status: number | null;
	error: string;
	/** A line for each call of a stand-in, with what it got on standard input in lines that begin with a space. */
	calls: string[];
}

export class Lab {
	readonly folder = mkdtempSync(join(tmpdir(), "library-"));
	readonly root = join(this.folder, "root");

	/**
	 * @param programs stand-ins by name, with what else they do than to tell that they were called: shell
	 * @param watched whether calls of the tools are told as well
	 */
	constructor(
		files: Readonly<Record<string, Entry>>,
		readonly programs: Readonly<Record<string, string>> = {},
		readonly watched = false,
	) {
		for (const [path, entry] of Object.entries({ "/etc": undefined, ...files })) this.put(path, entry);
		this.makePrograms();
	}

	private put(path: string, entry: Entry): void {
		const target = join(this.root, path);
		mkdirSync(entry === undefined ? target : dirname(target), { recursive: true });
		if (typeof entry === "object") symlinkSync(entry.link, target);
		else if (entry !== undefined) writeFileSync(target, entry, { mode: path.includes("/bin/") ? 0o755 : 0o644 });
	}

	private makePrograms(): void {
		const own = { chown: "", kill: "", ...this.programs };
		for (const [name, text] of Object.entries(own)) this.program("programs", name, text);
		for (const tool of TOOLS) {
			this.tool("dash", tool, `/usr/bin/${tool}`);
			this.tool("busybox", tool, "/usr/bin/busybox", tool);
		}
		// busybox's shell prefers its own programs to those on PATH, but not to functions.
		const paths = [
			...Object.keys(own).map((name) => join(this.folder, "programs", name)),
			...(this.watched ? TOOLS.map((name) => join(this.folder, "busybox", name)) : []),
		];
		const functions = paths
			.filter((path) => !/[-.]/.test(basename(path)))
			.map((path) => `${basename(path)}() { ${path} "$@"; }\n`);
		writeFileSync(join(this.folder, "functions-busybox"), functions.join(""));
		// What the shell does itself.
		writeFileSync(join(this.folder, "functions-dash"), `kill() { ${join(this.folder, "programs", "kill")} "$@"; }\n`);
	}

	private tool(shell: Shell, name: string, ...command: string[]): void {
		if (this.watched) this.program(shell, name, `exec ${command.join(" ")} "$@"`);
		else {
			mkdirSync(join(this.folder, shell), { recursive: true });
			symlinkSync(command[0]!, join(this.folder, shell, name));
		}
	}

	/** A program that tells that it has been called. */
	private program(folder: string, name: string, text: string): void {
		const path = join(this.folder, folder, name);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, `#!/bin/sh\necho "\${0##*/} $*" >> "$CALLS"\n${text}\n`, { mode: 0o755 });
	}

	/** Runs a script as a machine would have it. */
	run(
		shell: Shell,
		name: string,
		settings: Record<string, SettingValue>,
		more: Record<string, string> = {},
	): Promise<Ran> {
		const { content, parameters } = scriptOf(name, settings);
		const variables = Object.entries(parameters).map(([parameter, value]) => [variableOf(parameter), String(value)]);
		const path = join(this.folder, "script");
		writeFileSync(path, content);
		// What stands in the place of others' programs and of what the shell does itself has to be there first.
		return this.start(shell, ["-c", `. "$1"; . "$0"`, path, join(this.folder, `functions-${shell}`)], {
			...Object.fromEntries(variables),
			...more,
		});
	}

	/** Runs a script as it is in the library. */
	alone(shell: Shell, path: string, variables: Record<string, string>): Promise<Ran> {
		return this.start(shell, [path], variables);
	}

	private async start(shell: Shell, args: string[], variables: Record<string, string>): Promise<Ran> {
		const calls = join(this.folder, "calls");
		rmSync(calls, { force: true });
		const [program, ...before] = shell === "dash" ? ["/usr/bin/dash"] : ["/usr/bin/busybox", "ash"];
		const env = {
			PATH: `${join(this.folder, "programs")}:${join(this.folder, shell)}`,
			CLONES_INIT_ROOT: this.root,
			CALLS: calls,
			...variables,
		};
		const ended = await new Promise<Omit<Ran, "calls">>((resolve) => {
			execFile(program!, [...before, ...args], { env }, (error, _, stderr) =>
				resolve({ status: error === null ? 0 : Number(error.code), error: stderr }),
			);
		});
		const told = existsSync(calls) ? readFileSync(calls, "utf8").split("\n").slice(0, -1) : [];
		return { ...ended, calls: told.map((line) => line.replaceAll(this.root, "")) };
	}

	read(path: string): string {
		return readFileSync(join(this.root, path), "utf8");
	}

	mode(path: string): string {
		return (lstatSync(join(this.root, path)).mode & 0o7777).toString(8);
	}

	/** Everything that is there, by path: permissions, and content or target of a link. */
	tree(): Record<string, string> {
		return Object.fromEntries(this.entries("").map((path) => [path, this.describe(path)]));
	}

	/** When each file was written: a file that is made anew has another number. */
	written(): Record<string, string> {
		const facts = (path: string) => {
			const { mtimeMs, ino } = lstatSync(join(this.root, path));
			return `${ino} ${mtimeMs}`;
		};
		// What the kernel shows is no file: writing to it again changes nothing.
		const files = this.entries("").filter((path) => !path.startsWith("/proc"));
		return Object.fromEntries(files.map((path) => [path, facts(path)]));
	}

	private describe(path: string): string {
		const target = join(this.root, path);
		const entry = lstatSync(target);
		if (entry.isSymbolicLink()) return `-> ${readlinkSync(target)}`;
		return entry.isDirectory() ? `${this.mode(path)} folder` : `${this.mode(path)} ${readFileSync(target, "utf8")}`;
	}

	private entries(path: string): string[] {
		return readdirSync(join(this.root, path), { withFileTypes: true }).flatMap((entry) => {
			const own = `${path}/${entry.name}`;
			return entry.isDirectory() ? [own, ...this.entries(own)] : [own];
		});
	}

	remove(): void {
		rmSync(this.folder, { recursive: true });
	}
}
