/** Programs that run in a guest before it has a network: in a parent, and in a child. */
import { runInGuest } from "../domain/agent";
import type { Context } from "../lifecycle";

/**
 * Runs them one after the other, each of which has to end with 0.
 * @param property that they are given by
 * @param seconds that each has at most
 * @throws Error with what the one said that failed
 */
export async function runCommands(
	{ host, log }: Pick<Context, "host" | "log">,
	uuid: string,
	commands: ReadonlyArray<ReadonlyArray<string>>,
	property: string,
	seconds: () => number,
): Promise<void> {
	for (const [index, [program, ...args]] of commands.entries()) {
		log(`${property} ${index + 1} of ${commands.length}: ${program}`);
		const limit = seconds();
		const ended = await runInGuest(host, uuid, program!, args, limit);
		if (ended?.succeeded) continue;
		const what = ended
			? `ended ${ended.how}; it said: ${ended.said || "nothing"}`
			: `has not ended in ${Math.round(limit)} s`;
		throw new Error(`${property}[${index}]: ${program} in the guest ${what}`);
	}
}
