import { setTimeout as sleep } from "node:timers/promises";

/** Tries until it succeeds. @throws the last failure after 60 s */
export async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
	const deadline = Date.now() + 60_000;
	for (;;) {
		try {
			await attempt();
			return;
		} catch (error) {
			if (Date.now() > deadline) throw new Error(`Not within 60 s: ${what}`, { cause: error });
			await sleep(50);
		}
	}
}
