/**
 * A guestfish that is told one command after the other: each may depend on what those before it said, and the start of
 * libguestfs' appliance, which takes most of the time, is paid once.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Under emulation on a busy host; a start that hangs is ended. */
const COMMAND_SECONDS = 300;
/** For the end of one whose input has ended. */
const END_SECONDS = 10;
const SAID_CHARACTERS = 4000;

export interface GuestfishOptions {
	/** Whether libguestfs may use KVM, where this machine has it. */
	kvm: boolean;
	signal?: AbortSignal | undefined;
	/** Descriptors of open files of this process: the first is `/dev/fd/3` in commands. */
	files?: ReadonlyArray<number>;
}

/** A command that libguestfs refused: the message is its own. */
export class GuestfishError extends Error {}

export class Guestfish {
	private readonly child: ChildProcess;
	private readonly ended: Promise<void>;
	private how: string | undefined;
	private output = "";
	private said = "";
	private wake = () => {};

	private constructor(disk: { path: string; format: "qcow2" | "raw" }, options: GuestfishOptions) {
		const args = [`--format=${disk.format}`, "-a", disk.path];
		this.child = spawn("guestfish", args, {
			stdio: ["pipe", "pipe", "pipe", ...(options.files ?? [])],
			env: guestfishEnvironment(process.env, options.kvm),
			// A Ctrl-C in the terminal does not end it in the middle. When this process is killed its input ends, and it
			// ends in order.
			detached: true,
		});
		this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			this.output += text;
			this.wake();
		});
		this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.said = (this.said + text).slice(-SAID_CHARACTERS);
			this.wake();
		});
		// One that has ended cannot be written to; that it has is told below.
		this.child.stdin?.on("error", () => {});
		this.ended = new Promise((resolve) => {
			const end = (how: string) => {
				this.how ??= how;
				this.wake();
				resolve();
			};
			this.child.on("error", (error: NodeJS.ErrnoException) =>
				end(error.code === "ENOENT" ? MISSING : `guestfish cannot be run: ${error.message}`),
			);
			this.child.on("close", (code, signal) =>
				end(`guestfish ended ${signal ? `by ${signal}` : `with status ${code}`}`),
			);
		});
	}

	/**
	 * Runs `work` with a guestfish on a disk, and ends it: what was written is on the disk then.
	 * @throws Error when libguestfs is not there or does not start, with the remedy
	 */
	static async around<T>(
		disk: { path: string; format: "qcow2" | "raw" },
		options: GuestfishOptions,
		work: (guestfish: Guestfish) => Promise<T>,
	): Promise<T> {
		const guestfish = new Guestfish(disk, options);
		const stop = () => guestfish.child.stdin?.end();
		options.signal?.addEventListener("abort", stop, { once: true });
		try {
			await guestfish.launch();
			const result = await work(guestfish);
			await guestfish.run("umount-all");
			await guestfish.run("shutdown");
			return result;
		} catch (error) {
			if (options.signal?.aborted) throw new Error("the injection was called off; the next `pulumi up` does it again");
			throw error;
		} finally {
			options.signal?.removeEventListener("abort", stop);
			await guestfish.end();
		}
	}

	private async launch(): Promise<void> {
		await this.run("run").catch((error) => {
			if (!(error instanceof GuestfishError)) throw error;
			throw new Error(`libguestfs does not start: ${error.message}. ${launchAdvice(error.message)}`);
		});
	}

	/**
	 * @returns what the command printed, without the line's end
	 * @throws GuestfishError with what libguestfs says
	 */
	async run(command: string, ...args: string[]): Promise<string> {
		const mark = `done-${randomBytes(8).toString("hex")}`;
		this.said = "";
		// A pipe: what the command prints is out before the mark. The hyphen: it goes on after an error.
		this.child.stdin?.write(`-${[command, ...args.map(quoted)].join(" ")} | cat\n!echo ${mark}; echo ${mark} >&2\n`);
		const deadline = setTimeout(() => this.giveUp(command), COMMAND_SECONDS * 1000);
		try {
			await this.until(() => this.output.includes(mark) && this.said.includes(mark));
		} finally {
			clearTimeout(deadline);
		}
		const printed = this.output.slice(0, this.output.indexOf(mark)).replace(/\n$/, "");
		this.output = this.output.slice(this.output.indexOf(mark) + mark.length + 1);
		const complaint = this.said.slice(0, this.said.indexOf(mark)).trim();
		if (COMPLAINT.test(complaint)) throw new GuestfishError(readable(complaint));
		return printed;
	}

	/** Undefined where libguestfs refuses: what is asked about is not there. */
	async ask(command: string, ...args: string[]): Promise<string | undefined> {
		return this.run(command, ...args).catch((error) => {
			if (error instanceof GuestfishError) return undefined;
			throw error;
		});
	}

	async isTrue(command: string, ...args: string[]): Promise<boolean> {
		return (await this.ask(command, ...args)) === "true";
	}

	private async until(isDone: () => boolean): Promise<void> {
		while (!isDone()) {
			if (this.how !== undefined) {
				const said = readable(this.said);
				throw new Error(`${this.how}${said === "" ? "" : `: ${said}`}`);
			}
			await new Promise<void>((resolve) => {
				this.wake = resolve;
			});
		}
	}

	private giveUp(command: string): void {
		this.how = `guestfish, ${command}: no answer within ${COMMAND_SECONDS} s`;
		this.child.kill("SIGKILL");
	}

	/** Orderly: it removes its own temporary files then. */
	private async end(): Promise<void> {
		this.child.stdin?.end();
		const force = setTimeout(() => this.child.kill("SIGKILL"), END_SECONDS * 1000);
		await this.ended;
		clearTimeout(force);
	}
}

/** Why it cannot be run here; undefined where it can. */
export async function guestfishObstacle(): Promise<string | undefined> {
	const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
	for (const folder of folders) {
		const isThere = await access(join(folder, "guestfish"), constants.X_OK).then(
			() => true,
			() => false,
		);
		if (isThere) return undefined;
	}
	return MISSING;
}

const MISSING =
	"guestfish, which puts files into disks, is not installed on this machine. Install it (Debian and Ubuntu: apt-get install " +
	"guestfish; Fedora: dnf install /usr/bin/guestfish)";

/** What the machine's user has chosen stays. */
export function guestfishEnvironment(env: NodeJS.ProcessEnv, kvm: boolean): NodeJS.ProcessEnv {
	const own = { LIBGUESTFS_BACKEND: "direct", ...(kvm ? {} : { LIBGUESTFS_BACKEND_SETTINGS: "force_tcg" }) };
	return { ...own, ...env, LC_ALL: "C", LIBGUESTFS_DEBUG: "0", LIBGUESTFS_TRACE: "0" };
}

/** In double quotes guestfish knows the escapes of C. */
export function quoted(text: string): string {
	const escapes: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };
	const inner = text
		.replace(/[\\"]/g, (character) => `\\${character}`)
		// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be written in another way
		.replace(/[\u0001-\u001f\u007f]/g, (character) => escapes[character] ?? hexadecimal(character));
	return `"${inner}"`;
}

function hexadecimal(character: string): string {
	return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** How a refusal begins: where the command came from, and mostly whose word it is. */
const COMPLAINT = /^(?:\*stdin\*:\d+: |libguestfs: error: )/m;

/** The complaint alone: advice may follow it. */
function readable(said: string): string {
	const [complaint = ""] = said
		.split("\n")
		.map((line) => line.replace(/^(?:\*stdin\*:\d+: )?(?:libguestfs: error: )?/, "").trim())
		.filter((line) => line !== "" && !line.startsWith("done-"));
	return complaint.slice(0, 600);
}

function launchAdvice(said: string): string {
	if (/supermin|kernel/i.test(said)) {
		return (
			"It makes its appliance from the machine's own kernel: a machine without one in /boot that its user may read takes " +
			"another by SUPERMIN_KERNEL and SUPERMIN_MODULES, or a ready appliance by LIBGUESTFS_PATH " +
			"(libguestfs-make-fixed-appliance)."
		);
	}
	if (/lock/i.test(said)) return "Somebody has the disk open: look for a running machine, or a qemu-img, that uses it.";
	return "libguestfs-test-tool tells more.";
}
