import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Runs `action` while no other process holds the lock of that file, and waits for it if need be.
 *
 * The lock is the kernel's (flock(1) held by a child that ends with this process), not the file's existence: whatever
 * way the owner dies, the lock is free at once, and no guess whether a recorded process still lives is needed.
 *
 * @param onWait called once if somebody else has the lock
 */
export async function withLock<T>(file: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
	await mkdir(dirname(file), { recursive: true });
	let release = await acquire(file, ["--nonblock"]);
	if (!release) {
		onWait();
		release = await acquire(file, []);
	}
	if (!release) throw new Error(`Cannot lock ${file}: flock ended without the lock.`);
	try {
		return await action();
	} finally {
		await release();
	}
}

/** flock's status when --nonblock finds the lock taken (its default is 1, which its own errors might use as well). */
const TAKEN = 75;

/** Resolves to the function that releases the lock, or to undefined when it is taken and must not be waited for. */
function acquire(file: string, flags: string[]): Promise<(() => Promise<void>) | undefined> {
	return new Promise((resolve, reject) => {
		// The child tells that it has the lock and then reads until its standard input ends: on release or our death.
		const args = [...flags, "--conflict-exit-code", String(TAKEN), file, "sh", "-c", "echo locked; exec cat"];
		const child = spawn("flock", args, { stdio: ["pipe", "pipe", "inherit"] });
		const ended = new Promise<number | null>((done) => child.once("close", done));
		child.once("error", (cause) =>
			reject(new Error(`Cannot lock ${file}: flock (package util-linux) cannot be run: ${cause.message}`, { cause })),
		);
		child.stdout.once("data", () =>
			resolve(async () => {
				child.stdin.end();
				await ended;
			}),
		);
		void ended.then((status) =>
			status === TAKEN
				? resolve(undefined)
				: reject(new Error(`Cannot lock ${file}: flock ended with status ${status}.`)),
		);
	});
}
