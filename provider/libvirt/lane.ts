/** A queue of calls and the few workers that take from it. */
import { DeadlineError, LibvirtError, WorkerError } from "./errors";
import { WorkerProcess } from "./process";
import { type FromWorker, fromPlain } from "./protocol";

export interface Call {
	/** "domains.start" */
	method: string;
	args: unknown[];
	deadlineSeconds: number;
	/** The deadline counts from the last progress; an abort is asked for before the worker is killed. */
	transfer?: boolean;
	onProgress?: ((bytes: number) => void) | undefined;
	signal?: AbortSignal | undefined;
	/** Where the call was made: an error that comes from another process has no useful stack of its own. */
	origin?: Error | undefined;
}

interface Pending extends Call {
	resolve(value: unknown): void;
	reject(error: unknown): void;
	unlisten?: () => void;
}

interface Worker {
	process: WorkerProcess;
	ready: boolean;
	job?: Pending;
	timer?: NodeJS.Timeout | undefined;
	bytes?: number;
}

/** How long calls wait for a worker that is busy before another one is started, which costs more than most calls. */
const PATIENCE_MILLISECONDS = 25;
/** How long a worker may take to start, and a transfer to end when it was called off. */
const START_SECONDS = 60;
const ABORT_SECONDS = 2;

/** What the lanes of one host share. */
export interface HostState {
	/** The URI as given: for the workers. */
	uri: string;
	/** Without passwords: for messages. */
	shownUri: string;
	/** Whether the host ever answered. */
	answered: boolean;
}

export class Lane {
	private readonly queue: Pending[] = [];
	private readonly workers = new Set<Worker>();
	private readonly idle: Worker[] = [];
	private closed = false;
	private patience: NodeJS.Timeout | undefined;

	/** @param size at most so many workers, and so many calls in flight */
	constructor(
		private readonly host: HostState,
		private readonly size: number,
	) {}

	/** Runs a call when a worker is free. */
	run(call: Call): Promise<unknown> {
		return new Promise((resolve, reject) => {
			const pending: Pending = { ...call, resolve, reject };
			if (this.closed) {
				reject(new WorkerError(call.method, this.host.shownUri, "was ended: the connection was closed"));
				return;
			}
			if (!this.listen(pending)) return;
			this.queue.push(pending);
			this.next();
		});
	}

	/** Ends all workers; what was asked for and not answered rejects. */
	async close(): Promise<void> {
		this.closed = true;
		const what = "was ended: the connection was closed";
		for (const pending of this.queue.splice(0)) this.settle(pending, this.ended(pending, what));
		const workers = [...this.workers];
		for (const worker of workers) {
			if (worker.job === undefined && worker.ready) worker.process.disconnect();
			else this.end(worker, worker.job && this.ended(worker.job, what));
			// Until it is gone; should it hang in closing its connection, the exit of this process ends it.
			worker.process.busy = true;
		}
		const late = setTimeout(() => {
			for (const worker of workers) worker.process.kill();
		}, ABORT_SECONDS * 1000);
		await Promise.all(workers.map((worker) => worker.process.gone));
		clearTimeout(late);
	}

	private next(): void {
		for (;;) {
			if (this.queue.length === 0) return;
			const worker = this.idle.pop();
			if (worker === undefined) break;
			this.start(worker, this.queue.shift()!);
		}
		if (this.workers.size === 0) this.spawn();
		else this.patience ??= setTimeout(() => this.grow(), PATIENCE_MILLISECONDS);
	}

	/** One more worker where calls still wait; one that starts is waited for. */
	private grow(): void {
		this.patience = undefined;
		if (this.queue.length === 0 || this.closed || this.workers.size >= this.size) return;
		if ([...this.workers].every(({ ready }) => ready)) this.spawn();
		this.next();
	}

	private spawn(): void {
		const worker: Worker = {
			ready: false,
			process: new WorkerProcess("main.js", {
				message: (message) => this.hear(worker, message),
				ended: (how, said) => this.over(worker, how, said),
			}),
		};
		worker.timer = setTimeout(() => worker.process.kill(), START_SECONDS * 1000);
		this.workers.add(worker);
	}

	private start(worker: Worker, pending: Pending): void {
		worker.job = pending;
		worker.bytes = 0;
		worker.process.busy = true;
		this.arm(worker, pending);
		worker.process.send({
			type: "call",
			uri: this.host.uri,
			method: pending.method,
			args: pending.args,
			patient: this.host.answered,
			deadlineSeconds: pending.deadlineSeconds,
		});
	}

	private arm(worker: Worker, { method, deadlineSeconds, transfer }: Pending): void {
		worker.timer = setTimeout(() => {
			const bytes = transfer === true ? worker.bytes : undefined;
			this.end(worker, new DeadlineError(method, this.host.shownUri, deadlineSeconds, bytes));
		}, deadlineSeconds * 1000);
	}

	private hear(worker: Worker, message: FromWorker): void {
		const { job } = worker;
		if (message.type === "ready") {
			clearTimeout(worker.timer);
			worker.ready = true;
			this.free(worker);
		} else if (job === undefined) {
			// The answer to a call that was given up.
		} else if (message.type === "progress") {
			worker.bytes = message.bytes;
			worker.timer?.refresh();
			try {
				job.onProgress?.(message.bytes);
			} catch (error) {
				this.end(worker, error);
			}
		} else if (message.type === "result" || message.type === "failure") {
			clearTimeout(worker.timer);
			delete worker.job;
			this.free(worker);
			const error = message.type === "failure" ? fromPlain(message.error) : undefined;
			if (!(error instanceof LibvirtError) || error.call !== "virConnectOpenAuth") this.host.answered = true;
			this.settle(job, error, message);
		}
	}

	private free(worker: Worker): void {
		if (this.closed) return;
		worker.process.busy = false;
		this.idle.push(worker);
		this.next();
	}

	/** A worker's process is gone: of its own, or because it was ended here. */
	private over(worker: Worker, how: string, said: string): void {
		clearTimeout(worker.timer);
		this.workers.delete(worker);
		const at = this.idle.indexOf(worker);
		if (at >= 0) this.idle.splice(at, 1);
		if (worker.job !== undefined) this.settle(worker.job, this.ended(worker.job, `${how} during the call`, said));
		// A worker that never started would be started again and again: its end is the end of one call.
		const first = worker.ready ? undefined : this.queue.shift();
		if (first !== undefined) this.settle(first, this.ended(first, `${how} while it started`, said));
		this.next();
	}

	/** Gives up a worker and its call; another takes its place when there is work. */
	private end(worker: Worker, error: unknown): void {
		clearTimeout(worker.timer);
		const { job } = worker;
		delete worker.job;
		worker.process.kill();
		if (job !== undefined) this.settle(job, error);
	}

	private settle(pending: Pending, error: unknown, message?: FromWorker): void {
		pending.unlisten?.();
		if (error !== undefined) pending.reject(tracedTo(error, pending.origin));
		else pending.resolve(message?.type === "result" ? message.value : undefined);
	}

	private ended({ method }: Pending, what: string, said = ""): WorkerError {
		return new WorkerError(method, this.host.shownUri, said === "" ? what : `${what}\n${said}`);
	}

	/** @returns false when the call was called off already */
	private listen(pending: Pending): boolean {
		const { signal } = pending;
		if (signal === undefined) return true;
		if (signal.aborted) {
			pending.reject(signal.reason);
			return false;
		}
		const abort = () => this.abort(pending, signal.reason);
		signal.addEventListener("abort", abort, { once: true });
		pending.unlisten = () => signal.removeEventListener("abort", abort);
		return true;
	}

	private abort(pending: Pending, reason: unknown): void {
		const at = this.queue.indexOf(pending);
		if (at >= 0) {
			this.queue.splice(at, 1);
			this.settle(pending, reason);
			return;
		}
		const worker = [...this.workers].find(({ job }) => job === pending);
		if (worker === undefined) return;
		if (pending.transfer !== true) {
			this.end(worker, reason);
			return;
		}
		// A transfer can end in order: the host then knows that it is over.
		worker.process.send({ type: "abort" });
		clearTimeout(worker.timer);
		const reject = pending.reject;
		pending.reject = () => reject(reason);
		worker.timer = setTimeout(() => this.end(worker, reason), ABORT_SECONDS * 1000);
	}
}

/** Ours only: the reason of an abort belongs to whoever aborted. */
function tracedTo(error: unknown, origin: Error | undefined): unknown {
	if (origin === undefined) return error;
	if (error instanceof LibvirtError || error instanceof DeadlineError || error instanceof WorkerError) {
		const frames = origin.stack?.replace(/^.*\n/, "") ?? "";
		error.stack = `${error.name}: ${error.message}\n${frames}`;
	}
	return error;
}
