/** Programs on the host of a machine: here, or by ssh where libvirt is reached by that. */
import { execFile } from "node:child_process";
import { isLocalUri } from "../local-uri";
import { quoted } from "../shell";

/** What ran on a host, and how it ended. */
export interface HostResult {
	succeeded: boolean;
	/** "with exit code 1", "by signal SIGKILL" */
	how: string;
	/** All that it printed, without white space around. */
	said: string;
}

/**
 * The command by which a program is run on the host of a URI.
 * @returns undefined where nothing but libvirt itself reaches that host
 */
export function hostCommand(
	uri: string,
	words: ReadonlyArray<string>,
): [program: string, ...args: string[]] | undefined {
	if (isLocalUri(uri)) return [words[0]!, ...words.slice(1)];
	const [, user, bracketed, plain, port] =
		/^[a-z]+\+ssh:\/\/(?:([^@/?]+)@)?(?:\[([^\]]+)\]|([^/:?]+))(?::(\d+))?(?:[/?]|$)/.exec(uri) ?? [];
	const host = bracketed ?? plain;
	if (host === undefined) return undefined;
	const keyFile = new URLSearchParams(uri.split("?")[1] ?? "").get("keyfile");
	const options = [
		...(user === undefined ? [] : ["-l", decodeURIComponent(user)]),
		...(port === undefined ? [] : ["-p", port]),
		...(keyFile === null ? [] : ["-i", keyFile]),
	];
	// Nobody is there to be asked for a password; what follows the host is one line for the shell there.
	return ["ssh", "-o", "BatchMode=yes", ...options, "--", host, words.map(quoted).join(" ")];
}

/**
 * Runs a program and waits for its end.
 * @returns undefined when it has not ended within the time; it has been killed then, where it ran here
 * @throws Error where the host is not reached in this way
 */
export async function runOnHost(
	uri: string,
	words: ReadonlyArray<string>,
	timeoutSeconds: number,
): Promise<HostResult | undefined> {
	const command = hostCommand(uri, words);
	if (!command) throw new Error(`programs cannot be run on ${uri}: ${NEEDED}`);
	const [program, ...args] = command;
	return new Promise((resolve) => {
		const options = {
			timeout: Math.ceil(timeoutSeconds * 1000),
			killSignal: "SIGKILL",
			maxBuffer: LONGEST_OUTPUT,
		} as const;
		const child = execFile(program, args, options, (error, stdout, stderr) => {
			if (error?.killed) return resolve(undefined);
			const { code = null, signal = null } = (error ?? { code: 0 }) as { code?: unknown; signal?: string | null };
			const notRun = typeof code === "string" ? [error!.message] : [];
			resolve({
				succeeded: error === null,
				how: signal === null ? `with exit code ${typeof code === "string" ? 127 : code}` : `by signal ${signal}`,
				said: [...notRun, stdout, stderr].join("").trim(),
			});
		});
		child.stdin?.end();
	});
}

/** Where programs can be run. */
export const NEEDED =
	"allowed is a host that is this machine, or one that is reached by ssh (qemu+ssh://USER@HOST/system)";

const LONGEST_OUTPUT = 1024 * 1024;
