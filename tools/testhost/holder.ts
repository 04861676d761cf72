import type { ChildProcess } from "node:child_process";

const START_SECONDS = 30;

/**
 * Waits until the process that holds namespaces says "ready" in a line of its own; nothing is read from it afterwards.
 * It is killed when it has not by then.
 * @param what for the error: "Test host lab-1"
 * @throws Error with all that it said
 */
export function untilReady(holder: ChildProcess, what: string): Promise<void> {
	return new Promise((resolve, reject) => {
		let said = "";
		const fail = (why: string) => {
			clearTimeout(deadline);
			holder.kill("SIGKILL");
			reject(new Error(`${what} ${why}. It said:\n${said.trim() || "nothing"}`));
		};
		const deadline = setTimeout(() => fail(`did not start within ${START_SECONDS} s`), START_SECONDS * 1000);
		for (const stream of [holder.stdout!, holder.stderr!]) {
			stream.on("data", (chunk) => {
				said += chunk;
				if (!/^ready$/m.test(said)) return;
				clearTimeout(deadline);
				holder.stdout?.destroy();
				holder.stderr?.destroy();
				resolve();
			});
		}
		holder.once("error", (error) => fail(`cannot be started (${error.message})`));
		holder.once("exit", (code, signal) => fail(`ended while starting (${signal ?? `exit code ${code}`})`));
	});
}
