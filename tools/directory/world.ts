import { type ChildProcess, type ExecFileOptions, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { untilReady } from "../testhost/holder";
import { Relay } from "./relay";

const run = promisify(execFile);

/** Sources are not copied to dist: the script is run where it lies in the repository. */
const insideScript = join(__dirname, "../../../tools/directory/inside.sh");

/**
 * A place for a directory server: mount, network, PID and UTS namespaces of its own, with 10.99.0.1 on its loopback
 * device and /etc, /run and Samba's folders in memory. All of it ends with this process, however that comes: the kernel
 * kills the first process inside when its parent dies, and the rest with it. No file is left.
 */
export class World {
	private readonly relays: Relay[] = [];

	private constructor(
		private readonly holder: ChildProcess,
		/** The first process inside, as seen from outside. */
		readonly pid: number,
	) {}

	/** @throws with what was said, if it does not start */
	static async start(name: string, domain: string): Promise<World> {
		if (process.getuid?.() !== 0)
			throw new Error("A directory server needs root for its namespaces. Run it with sudo -E.");
		const namespaces = ["--mount", "--net", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child=SIGKILL"];
		const inside = ["tini", "-s", "--", "sh", insideScript, name, domain];
		const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...namespaces, ...inside], {
			detached: true, // not reached by Ctrl-C in the terminal
			stdio: ["ignore", "pipe", "pipe"],
		});
		holder.unref();
		await untilReady(holder, "The world of a directory server");
		const [pid] = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").split(" ");
		return new World(holder, Number(pid));
	}

	/** Runs a command inside; its working directory is the same as outside. @throws if it fails */
	async exec(
		command: string,
		args: string[] = [],
		options: Omit<ExecFileOptions, "encoding"> & { input?: string } = {},
	): Promise<{ stdout: string; stderr: string }> {
		const { input = "", ...rest } = options;
		const running = run("nsenter", [...this.entering(), command, ...args], { ...rest, encoding: "utf8" });
		running.child.stdin?.on("error", () => {});
		running.child.stdin?.end(input);
		return running;
	}

	/** Writes a file inside that only root may read. */
	async put(file: string, content: string): Promise<void> {
		await this.exec("sh", ["-c", 'umask 077; cat >"$0"', file], { input: content });
	}

	/** What stands before a command to have it run inside. */
	get prefix(): string[] {
		return ["nsenter", ...this.entering()];
	}

	/** Starts a server inside. @param log file inside for what it says */
	async daemon(command: string, args: string[], log: string): Promise<number> {
		const script = `"$@" >"$0" 2>&1 </dev/null & echo $!`;
		const { stdout } = await this.exec("sh", ["-c", script, log, command, ...args]);
		return Number(stdout);
	}

	/** Opens a port of this machine's 127.0.0.1 that leads to a port inside. */
	async relay(port: number): Promise<Relay> {
		const relay = await Relay.to(this.prefix, this.pid, port);
		this.relays.push(relay);
		return relay;
	}

	/**
	 * Plugs in a cable to another network: whatever it has or forwards reaches 10.99.0.1. Ends with either.
	 * @param pid of a process there
	 */
	async connect(pid: number): Promise<void> {
		const there = (...args: string[]) => run("nsenter", ["-t", String(pid), "-n", "--", "ip", ...args]);
		await there("link", "add", "directory", "type", "veth", "peer", "name", "cable", "netns", String(this.pid));
		await there("address", "add", "10.99.0.2", "peer", "10.99.0.1", "dev", "directory");
		await there("link", "set", "directory", "up");
		await this.exec("ip", ["link", "set", "cable", "up"]);
		await this.exec("ip", ["route", "add", "10.99.0.2", "dev", "cable", "src", "10.99.0.1"]);
	}

	/** Ends everything inside. May be called again. */
	async stop(): Promise<void> {
		for (const relay of this.relays) relay.close();
		if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
		const ended = new Promise((resolve) => this.holder.once("exit", resolve));
		this.holder.ref();
		this.holder.kill("SIGKILL");
		await ended;
	}

	private entering(): string[] {
		return ["-t", String(this.pid), "-m", "-n", "-u", "-p", "--"];
	}
}
