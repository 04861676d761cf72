import { spawn } from "node:child_process";

/** How a build step's command is run. */
export interface RunOptions {
	cwd?: string;
	/** Added to (not instead of) this process's environment. */
	env?: Record<string, string>;
	/** Called with every line of standard output and standard error as it comes. */
	onLine?: (line: string) => void;
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 *
 * @throws Error with the command, its exit status and the last lines of its output, or with a hint which package is
 * missing when there is no such program.
 */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, {
			cwd: options.cwd,
			// Package tools translate their output; what is parsed here is the untranslated form.
			env: { ...process.env, LC_ALL: "C", ...options.env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let stdout = "";
		const tail: string[] = [];
		const remember = (text: string) => {
			for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
				options.onLine?.(line);
				tail.push(line);
			}
			tail.splice(0, Math.max(0, tail.length - 15));
		};
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			stdout += text;
			remember(text);
		});
		child.stderr.setEncoding("utf8").on("data", remember);
		child.on("error", (cause: NodeJS.ErrnoException) => {
			const hint = cause.code === "ENOENT" ? `: no such program, install ${packageOf(program)}` : `: ${cause.message}`;
			reject(new Error(`Cannot run ${program}${hint}.`, { cause }));
		});
		child.on("close", (status, signal) => {
			if (status === 0) {
				resolve(stdout);
				return;
			}
			const command = [program, ...args].join(" ").slice(0, 300);
			const ending = signal ? `was ended by ${signal}` : `ended with status ${status}`;
			reject(new Error(`\`${command}\` ${ending}:\n${tail.join("\n")}`));
		});
	});
}

/** Debian's package of a program that the builds use, for the hint in the error. */
function packageOf(program: string): string {
	const packages: Record<string, string> = {
		modprobe: "kmod",
		depmod: "kmod",
		mke2fs: "e2fsprogs",
		"qemu-img": "qemu-utils",
		"apt-get": "apt (guest images are built from Debian packages, on Debian or Ubuntu)",
		"dpkg-deb": "dpkg",
		flock: "util-linux",
	};
	return packages[program] ?? program;
}
