/** The state of a stack: from a file, from standard input, or asked of Pulumi. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

const run = promisify(execFile);
const LARGEST_STATE_BYTES = 2 ** 30;

/**
 * @param from a file, "-" for standard input; undefined asks `pulumi stack export`, which has to be logged in where the
 *   stack is
 * @param secrets whether its secrets are needed in plain text
 * @throws Error that says what pulumi said
 */
export async function exportedState(
	stack: string,
	from: string | undefined,
	{ secrets = false }: { secrets?: boolean } = {},
): Promise<string> {
	if (from === "-") return text(process.stdin);
	if (from !== undefined) return readFile(from, "utf8");
	try {
		const args = ["stack", "export", "--non-interactive", "--stack", stack, ...(secrets ? ["--show-secrets"] : [])];
		return (await run("pulumi", args, { maxBuffer: LARGEST_STATE_BYTES })).stdout;
	} catch (error) {
		const { stderr, message } = error as Error & { stderr?: string };
		throw new Error(
			`pulumi stack export --stack ${stack} failed: ${stderr?.trim() || message}\n` +
				"Run it in the project's folder, logged in to its backend, or give the state with --state FILE.",
		);
	}
}

/** A resource of this package in a state. */
export interface StateResource {
	type?: string;
	inputs?: Record<string, unknown>;
	outputs?: Record<string, unknown>;
}

/** Start of the types of this package's resources. */
export const TYPES = "pulumi-nodejs:dynamic/clones:";

/** @throws Error for a text that is no export of a stack */
export function deploymentOf(text: string): { resources?: StateResource[]; pending_operations?: unknown[] } {
	try {
		const { deployment } = JSON.parse(text) as { deployment?: object };
		if (typeof deployment === "object" && deployment !== null) return deployment;
	} catch {
		// Told below.
	}
	throw new Error("the state is not what `pulumi stack export` writes: there is no deployment in it");
}
