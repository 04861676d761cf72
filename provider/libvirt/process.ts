/** One worker process, as the provider process sees it. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { FromWorker, ToWorker } from "./protocol";

/** What becomes of a worker; told to the lane that started it. */
export interface WorkerEvents {
	message(message: FromWorker): void;
	/** @param how "was killed by SIGSEGV" or "ended with exit code 1" @param said the last it wrote to stderr */
	ended(how: string, said: string): void;
}

/** How long the end of a dead worker's stderr is waited for; a child of the worker (ssh) may hold it open. */
const STDERR_MILLISECONDS = 500;

const running = new Set<ChildProcess>();
let endsAtExit = false;

function endAllAtExit(): void {
	if (endsAtExit) return;
	endsAtExit = true;
	process.on("exit", () => {
		for (const child of running) child.kill("SIGKILL");
	});
}

/**
 * A worker in a process group of its own, so that a Ctrl-C in the terminal does not end it in the middle of a call. It holds
 * the event loop of this process only while it is `busy`.
 */
export class WorkerProcess {
	/** Resolves when the process is gone. */
	readonly gone: Promise<void>;
	private readonly child: ChildProcess;
	private stderr = "";

	constructor(script: string, events: WorkerEvents) {
		endAllAtExit();
		// libvirt's own debug log goes to stderr when its user asks for it.
		const wantsLog = process.env.LIBVIRT_DEBUG !== undefined || process.env.LIBVIRT_LOG_OUTPUTS !== undefined;
		this.child = fork(join(__dirname, "worker", script), [], {
			detached: true,
			execArgv: [],
			serialization: "json",
			stdio: ["ignore", "ignore", wantsLog ? "inherit" : "pipe", "ipc"],
		});
		running.add(this.child);
		this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr = (this.stderr + text).slice(-2000);
		});
		this.child.on("message", (message) => events.message(message as FromWorker));
		this.gone = new Promise((resolve) => {
			let over = false;
			const end = (how: string) => {
				if (over) return;
				over = true;
				running.delete(this.child);
				events.ended(how, this.stderr.trim());
				resolve();
			};
			this.child.on("error", (error) => {
				if (this.child.pid === undefined) end(`could not be started: ${error.message}`);
			});
			// The last of stderr may come after "exit"; the child's "close" would wait for it, but does not come when it
			// was this side that disconnected.
			this.child.on("exit", (code, signal) => {
				const how = signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
				const { stderr } = this.child;
				if (stderr === null || stderr.destroyed) return end(how);
				stderr.once("close", () => end(how));
				setTimeout(() => end(how), STDERR_MILLISECONDS);
			});
		});
	}

	get pid(): number | undefined {
		return this.child.pid;
	}

	send(message: ToWorker): void {
		// A worker that is gone cannot be written to; its "close" event says so to whoever waits.
		if (this.child.connected) this.child.send(message, () => {});
	}

	/** Whether something is waited for from this worker. */
	set busy(busy: boolean) {
		const change = busy ? "ref" : "unref";
		this.child[change]();
		this.child.channel?.[change]();
		(this.child.stderr as unknown as { ref(): void; unref(): void } | null)?.[change]();
	}

	kill(): void {
		this.child.kill("SIGKILL");
	}

	/** Lets an idle worker close its connection and end. */
	disconnect(): void {
		if (this.child.connected) this.child.disconnect();
	}
}
