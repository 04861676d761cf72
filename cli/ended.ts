/** Signals that end a command: the first one in order, a second one at once. */

export interface Ended {
	/** Aborted by Ctrl-C and by SIGTERM. */
	signal: AbortSignal;
	/** Aborted by SIGTERM alone: of Ctrl-C Pulumi hears by itself, and ends at once where it hears of it twice. */
	terminated: AbortSignal;
}

export function untilEnded(): Ended {
	const either = new AbortController();
	const terminated = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		const hear = () => {
			if (either.signal.aborted) {
				process.off(signal, hear);
				process.kill(process.pid, signal);
				return;
			}
			const reason = new Error(`ended by ${signal}`);
			if (signal === "SIGTERM") terminated.abort(reason);
			either.abort(reason);
		};
		// It stays: what runs Pulumi ends this process, and Pulumi with it, when it finds itself the only listener.
		process.on(signal, hear);
	}
	return { signal: either.signal, terminated: terminated.signal };
}
