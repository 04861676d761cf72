/** The worker process behind the watchers of one host: started, kept, restarted and ended. */
import { redact, WorkerError } from "./errors";
import type { DomainWatcher } from "./events";
import { WorkerProcess } from "./process";
import { type FromWorker, fromPlain } from "./protocol";

const RETRY_MILLISECONDS = 1000;
/** The worker outlives its last watcher a little: the next one may come soon. */
const LINGER_MILLISECONDS = 3000;
const END_MILLISECONDS = 3000;

export class EventSource {
	private readonly watchers = new Set<DomainWatcher>();
	private process: WorkerProcess | undefined;
	private connected = false;
	private everConnected = false;
	private over = false;
	private reason = "";
	private failure: Error | undefined;
	private timer: NodeJS.Timeout | undefined;
	private waiting: Array<{ resolve: () => void; reject: (error: unknown) => void }> = [];

	/** @param onEnd is called when this source must not be used any more */
	constructor(
		private readonly uri: string,
		private readonly onEnd: () => void,
	) {}

	add(watcher: DomainWatcher): void {
		this.watchers.add(watcher);
		clearTimeout(this.timer);
		if (this.process === undefined) this.start();
	}

	remove(watcher: DomainWatcher): void {
		this.watchers.delete(watcher);
		if (this.watchers.size > 0 || this.over) return;
		clearTimeout(this.timer);
		this.timer = setTimeout(() => void this.end(), LINGER_MILLISECONDS).unref();
	}

	ready(): Promise<void> {
		if (this.connected) return Promise.resolve();
		return new Promise((resolve, reject) => {
			this.waiting.push({ resolve, reject });
			if (this.process === undefined) this.start();
			else this.process.busy = true;
		});
	}

	async end(): Promise<void> {
		this.over = true;
		this.onEnd();
		clearTimeout(this.timer);
		const ending = this.process;
		if (ending === undefined) return;
		ending.send({ type: "close" });
		ending.busy = true;
		const late = setTimeout(() => ending.kill(), END_MILLISECONDS);
		await ending.gone;
		clearTimeout(late);
	}

	private start(): void {
		clearTimeout(this.timer);
		this.failure = undefined;
		this.reason = "";
		this.process = new WorkerProcess("watch.js", {
			message: (message) => this.hear(message),
			ended: (how, said) => this.ended(how, said),
		});
		this.process.send({ type: "watch", uri: this.uri });
		this.process.busy = this.waiting.length > 0;
	}

	private hear(message: FromWorker): void {
		if (message.type === "ready") {
			this.connected = true;
			this.everConnected = true;
			this.process!.busy = false;
			for (const { resolve } of this.waiting.splice(0)) resolve();
			for (const watcher of this.watchers) watcher.emit("connected");
		} else if (message.type === "event") {
			this.emit(message);
		} else if (message.type === "failure") {
			this.failure = fromPlain(message.error);
		} else if (message.type === "disconnected") {
			this.reason = message.reason;
		}
	}

	private emit({ event }: FromWorker & { type: "event" }): void {
		for (const watcher of this.watchers) {
			const { type, ...rest } = event;
			watcher.emit(type, rest as never);
		}
	}

	private ended(how: string, said: string): void {
		this.process = undefined;
		const lost = this.connected;
		this.connected = false;
		const error = this.failure ?? new WorkerError("watchDomains", redact(this.uri), `${how}\n${said}`.trim());
		for (const { reject } of this.waiting.splice(0)) reject(error);
		if (lost) for (const watcher of this.watchers) watcher.emit("disconnected", this.reason || how);
		if (this.over || this.watchers.size === 0) {
			this.onEnd();
			return;
		}
		// A host that never answered is tried again when somebody asks for it.
		if (this.everConnected) this.timer = setTimeout(() => this.start(), RETRY_MILLISECONDS).unref();
	}
}
