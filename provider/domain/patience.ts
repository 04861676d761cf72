/** Waiting: for a state that comes by itself, and for libvirt's lock on a domain. */
import { setTimeout as sleep } from "node:timers/promises";
import { LibvirtError } from "../libvirt/errors";

/**
 * Asks until the answer is not undefined. Quick at first, slower the longer it takes; one question at a time.
 * @param pauses.growth what each pause is multiplied by for the next: pauses come to (growth - 1) of what has been waited
 * @returns undefined when the time is over
 */
export async function poll<T>(
	timeoutSeconds: number,
	ask: () => Promise<T | undefined>,
	pauses: { firstMs?: number; slowestMs?: number; growth?: number } = {},
): Promise<T | undefined> {
	const { firstMs = 50, slowestMs = 1000, growth = 1.3 } = pauses;
	const deadline = performance.now() + timeoutSeconds * 1000;
	for (let pause = firstMs; ; pause = Math.min(pause * growth, slowestMs)) {
		const answer = await ask();
		if (answer !== undefined) return answer;
		const left = deadline - performance.now();
		if (left <= 0) return undefined;
		await sleep(Math.min(pause, left));
	}
}

/** How long somebody else may hold the lock of a domain. */
const LOCK_SECONDS = 90;

/**
 * Makes a call that changes a domain, again for as long as another job (a start, a migration, a snapshot) holds the
 * domain's lock: libvirt gives up waiting for that after 30 s.
 */
export async function patiently<T>(call: () => Promise<T>, seconds = LOCK_SECONDS): Promise<T> {
	const deadline = performance.now() + seconds * 1000;
	for (;;) {
		try {
			return await call();
		} catch (error) {
			if (!isLocked(error) || performance.now() > deadline) throw error;
			await sleep(250);
		}
	}
}

function isLocked(error: unknown): boolean {
	return error instanceof LibvirtError && error.errorName === "VIR_ERR_OPERATION_TIMEOUT" && /lock/.test(error.reason);
}

/** Whether libvirt says that there is no such domain (any more). */
export function isGone(error: unknown): boolean {
	return error instanceof LibvirtError && error.errorName === "VIR_ERR_NO_DOMAIN";
}

/** What libvirt answers of a domain; undefined where there is no such domain (any more). */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
	try {
		return await answer;
	} catch (error) {
		if (isGone(error)) return undefined;
		throw error;
	}
}

/** Whether libvirt says that the machine is not in a state for this, such as off. */
export function isInvalidState(error: unknown): boolean {
	return error instanceof LibvirtError && error.errorName === "VIR_ERR_OPERATION_INVALID";
}

/** Runs work and says how many whole milliseconds it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
	const began = performance.now();
	const value = await work();
	return { value, ms: Math.round(performance.now() - began) };
}
