/** A clone's init scripts as the host sees them: waited for after the first start, and what has become of them. */
import { z } from "zod";
import { runInGuest } from "../domain/agent";
import { tailOf } from "../domain/health";
import { isOff, untilAgent, WaitError } from "../domain/wait";
import type { Context } from "../lifecycle";
import { sha256 } from "../schema";
import { type InitReport, parseReport, type ScriptReport } from "./report";

/** Where the runner is in the guest. */
const RUNNER = "/usr/lib/clones-init/run";
const ASKING_SECONDS = 30;
const PAUSE = { firstMs: 250, slowestMs: 2000 };

export const initSchema = z.strictObject({
	/** Of the scripts and their data. */
	version: sha256,
	/** Names of the scripts that run at the boot, in their order. */
	boot: z.array(z.string()),
	timeoutSeconds: z.number().min(1).max(86_400),
	/** What it will compute, as far as that is known; for the preview. */
	parameters: z.record(z.string(), z.string()).optional(),
});

export type InitInputs = z.output<typeof initSchema>;

/** What has become of one script. */
export type ScriptFacts = Pick<ScriptReport, "name" | "kind" | "state" | "exitCode" | "seconds" | "reason">;

/**
 * Waits for the scripts of the boot; those with a later schedule are told as they are then.
 * @throws WaitError with the output of the one that failed, or with how far the others have come
 */
export async function untilInitialized(
	{ host, log }: Pick<Context, "host" | "log">,
	uuid: string,
	name: string,
	init: InitInputs,
): Promise<ScriptFacts[]> {
	const deadline = performance.now() + init.timeoutSeconds * 1000;
	const left = () => Math.max(0, (deadline - performance.now()) / 1000);
	const told = new Set<string>();
	let last = "its guest agent did not answer";
	for (let pause = PAUSE.firstMs; ; pause = Math.min(pause * 1.3, PAUSE.slowestMs)) {
		if (await untilAgent(host, uuid, left())) {
			const report = await readReport(host, uuid, Math.min(ASKING_SECONDS, left()));
			if (report?.status === "problem") throw new WaitError(`${name}: ${report.problem}\n  ${LEFT_AS_IT_IS}`);
			const scripts = report?.status === "waiting" ? undefined : report?.scripts;
			for (const script of scripts ?? []) {
				if (!ENDED.has(script.state) || told.has(script.name)) continue;
				told.add(script.name);
				log(lineOf(script));
			}
			const failed = scripts?.find(({ state }) => state === "failed");
			if (failed) throw new WaitError(failureOf(name, failed));
			const missing = init.boot.filter(
				(wanted) => !scripts?.some((one) => one.name === wanted && ENDED.has(one.state)),
			);
			if (scripts && missing.length === 0) return scripts.map(factsOf);
			last = scripts ? `${missing.join(", ")} of its scripts did not end` : "its scripts have not begun";
		}
		if (left() <= 0 || (await isOff(host, uuid))) {
			throw new WaitError(
				`${name} is not initialized: ${last} within ${init.timeoutSeconds} s (timeoutSeconds)\n  ${LEFT_AS_IT_IS}`,
			);
		}
		await new Promise((resolve) => setTimeout(resolve, pause));
	}
}

/**
 * Has a guest run what is due of its scripts now, as at a boot.
 * @throws WaitError with the output of the one that failed, or with how far they have come
 */
export async function runScripts(
	context: Pick<Context, "host" | "log">,
	uuid: string,
	name: string,
	init: InitInputs,
): Promise<ScriptFacts[]> {
	// Whether they ended well the report tells better.
	await runInGuest(context.host, uuid, RUNNER, ["boot", "early", "network", "late"], init.timeoutSeconds);
	return untilInitialized(context, uuid, name, init);
}

const ENDED: ReadonlySet<string> = new Set(["done", "skipped", "failed"]);

const LEFT_AS_IT_IS =
	"The machine is left as it is; the next `pulumi up` looks again. Look at it, or replace it (pulumi up --replace).";

/** Undefined while there is none. */
async function readReport(host: Context["host"], uuid: string, seconds: number): Promise<InitReport | undefined> {
	try {
		const ended = await runInGuest(host, uuid, RUNNER, ["report"], seconds);
		return ended?.succeeded ? parseReport(ended.stdout) : undefined;
	} catch {
		// A guest that is starting may lose its agent for a moment.
		return undefined;
	}
}

function lineOf({ name, state, reason, seconds }: ScriptReport): string {
	if (state === "skipped") return `${name}: skipped (${reason ?? "not for this machine"})`;
	return `${name}: ${state}${seconds === undefined ? "" : ` in ${seconds} s`}`;
}

function failureOf(machine: string, { name, exitCode, reason, output }: ScriptReport): string {
	const how = reason ?? `ended with exit code ${exitCode}`;
	return `${name} of ${machine} ${how}; it said: ${tailOf(output)}\n  ${LEFT_AS_IT_IS}`;
}

function factsOf({ name, kind, state, exitCode, seconds, reason }: ScriptReport): ScriptFacts {
	return {
		name,
		kind,
		state,
		...(exitCode !== undefined && { exitCode }),
		...(seconds !== undefined && { seconds }),
		...(reason !== undefined && { reason }),
	};
}
