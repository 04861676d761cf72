/** Asking a machine whether it does what it is for, in the way that the user says. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../libvirt";
import { runInGuest } from "./agent";
import type { DomainInputs } from "./schema";
import { isOff, untilAgent, WaitError } from "./wait";

type HealthCheck = NonNullable<DomainInputs["healthCheck"]>;

/** Of what the command says, the end is shown. */
const SHOWN = { lines: 10, characters: 1000 };

/** How long it is tried, and how often. */
type Times = Pick<HealthCheck, "timeoutSeconds" | "intervalSeconds">;

/**
 * Runs the command again and again until it ends with 0.
 * @throws WaitError with the machine, the last exit code and the end of the output
 */
export async function untilHealthy(host: Host, uuid: string, name: string, check: HealthCheck): Promise<void> {
	const [program, ...args] = check.exec as [string, ...string[]];
	await untilSuccess(host, uuid, name, check, async (left) => {
		if (!(await untilAgent(host, uuid, left()))) return { what: "its guest agent did not answer" };
		return failureOf(() => runInGuest(host, uuid, program, args, left()), program);
	});
}

/**
 * Tries again and again until nothing is wrong.
 * @param attempt is given how many seconds are left; says what is wrong, if anything
 * @throws WaitError with the machine and what was wrong in the end
 */
export async function untilSuccess(
	host: Host,
	uuid: string,
	name: string,
	{ timeoutSeconds, intervalSeconds }: Times,
	attempt: (left: () => number) => Promise<Failure | undefined>,
): Promise<void> {
	const deadline = performance.now() + timeoutSeconds * 1000;
	const left = () => Math.max(0, (deadline - performance.now()) / 1000);
	let lastSaid: string | undefined;
	for (let count = 1; ; count++) {
		const failure = await attempt(left);
		if (failure === undefined) return;
		if (failure.ended) lastSaid = failure.what;
		if (failure.final) throw new WaitError(`${name} is not healthy: ${failure.what}\n  ${LEFT_AS_IT_IS}`);
		const tries = count === 1 ? "one attempt" : `${count} attempts`;
		if (left() <= intervalSeconds || (await isOff(host, uuid))) {
			const how = `after ${tries} in up to ${timeoutSeconds} s (healthCheck.timeoutSeconds)`;
			throw new WaitError(`${name} is not healthy ${how}: ${withAnswer(failure.what, lastSaid)}\n  ${LEFT_AS_IT_IS}`);
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

/** What is wrong. */
export interface Failure {
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
