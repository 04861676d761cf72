import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TestHost } from "../../tools/testhost";
import type { LoadReport } from "./load-process";

/** Starts clients of web servers inside of a host's network. @returns what ends them, with what they have seen */
export function startLoad(host: TestHost, addresses: ReadonlyArray<string>): () => Promise<LoadReport> {
	const script = join(__dirname, "load-process.js");
	const args = ["-t", String(host.holderPid), "-n", "--", process.execPath, script, ...addresses];
	const child = spawn("nsenter", args, { stdio: ["pipe", "pipe", "inherit"] });
	const report = text(child.stdout);
	const ended = once(child, "exit");
	return async () => {
		child.stdin.end();
		await ended;
		return JSON.parse(await report) as LoadReport;
	};
}
