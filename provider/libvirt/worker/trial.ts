/** Calls that misbehave on purpose, for the tests of what surrounds them; absent unless the environment asks for them. */
import type { Connection } from "./objects";

export function trial(): Record<string, Record<string, (connection: Connection, ...args: never[]) => unknown>> {
	if (process.env.CLONES_LIBVIRT_TRIAL !== "1") return {};
	return {
		trial: {
			/** Blocks as a C function does: nothing else runs in this process. */
			block: (_connection, seconds: number) => {
				Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
				return process.pid;
			},
			pid: () => process.pid,
			crash: () => process.abort(),
			exit: () => process.exit(3),
		},
	};
}
