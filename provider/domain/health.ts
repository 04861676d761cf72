/** Asking a guest whether it does what it is for, by a command of the user's. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../libvirt";
import { runInGuest } from "./agent";
import type { DomainInputs } from "./schema";
import { isOff, untilAgent, WaitError } from "./wait";

type HealthCheck = NonNullable<DomainInputs["healthCheck"]>;

/** Of what the command says, the end is shown. */
const SHOWN = { lines: 10, characters: 1000 };

/**
 * Runs the command again and again until it ends with 0.
 * @throws WaitError with the machine, the last exit code and the end of the output
 */
export async function untilHealthy(host: Host, uuid: string, name: string, check: HealthCheck): Promise<void> {
	const { exec, timeoutSeconds, intervalSeconds } = check;
	const [program, ...args] = exec as [string, ...string[]];
	const deadline = performance.now() + timeoutSeconds * 1000;
	const left = () => Math.max(0, (deadline - performance.now()) / 1000);
	let last = "its guest agent did not answer";
	let lastSaid: string | undefined;
	for (let attempt = 1; ; attempt++) {
		if (await untilAgent(host, uuid, left())) {
			const failure = await failureOf(() => runInGuest(host, uuid, program, args, left()), program);
			if (failure === undefined) return;
			last = failure.what;
			if (failure.ended) lastSaid = last;
			if (failure.final) throw new WaitError(`${name} is not healthy: ${last}\n  ${LEFT_AS_IT_IS}`);
		}
		const tries = attempt === 1 ? "one attempt" : `${attempt} attempts`;
		if (left() <= intervalSeconds || (await isOff(host, uuid))) {
			const how = `after ${tries} in up to ${timeoutSeconds} s (healthCheck.timeoutSeconds)`;
			throw new WaitError(`${name} is not healthy ${how}: ${withAnswer(last, lastSaid)}\n  ${LEFT_AS_IT_IS}`);
		}
		await sleep(intervalSeconds * 1000);
	}
}

const LEFT_AS_IT_IS =
	"The machine is left as it is, and what comes after it is not touched; the next `pulumi up` checks again.";

/** The last attempt is often cut off by the time-out: what the last one that ended had to say says more. */
function withAnswer(last: string, lastSaid: string | undefined): string {
	return lastSaid === undefined || lastSaid === last ? last : `${last}; before that, ${lastSaid}`;
}

interface Failure {
	what: string;
	/** Whether the command ran to its end. */
	ended?: boolean;
	/** Whether it fails however often it is tried. */
	final?: boolean;
}

/** What is wrong; undefined when nothing is. */
async function failureOf(run: () => ReturnType<typeof runInGuest>, program: string): Promise<Failure | undefined> {
	try {
		const result = await run();
		if (!result) return { what: `${program} in the guest has not ended` };
		if (result.succeeded) return undefined;
		return { what: `${program} in the guest ended ${result.how}; it said: ${tailOf(result.said)}`, ended: true };
	} catch (error) {
		// A guest that is starting may lose its agent for a moment, or the program may still have to be installed.
		const what = error instanceof Error ? error.message : String(error);
		return { what, final: /forbids/.test(what) };
	}
}

/** The end of what a command said, on lines that are indented like the rest of the error. */
export function tailOf(said: string): string {
	if (said === "") return "nothing";
	const lines = said.split(/\r?\n/).slice(-SHOWN.lines);
	const tail = lines.join("\n  ").slice(-SHOWN.characters);
	return tail.length < said.length ? `...${tail}` : tail;
}
