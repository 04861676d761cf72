/** Starting a machine, and turning it off without pulling the plug where that can be avoided. */

import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { isStoppedByDisk, refuseStoppedAgain } from "./io-errors";
import { isRunning, look, type Seen } from "./look";
import { isGone, isInvalidState, patiently, poll, unlessGone } from "./patience";

/** A guest that is just starting ignores the power button: it is pressed again after so many seconds. */
const PRESS_AGAIN_SECONDS = 10;

/**
 * Makes the machine run: starts it, resumes a paused one, starts a crashed one anew.
 * @throws Error when a disk that stopped it fails again
 */
export async function turnOn(host: Host, seen: Pick<Seen, "uuid" | "state" | "active">): Promise<void> {
	if (isRunning(seen)) return;
	if (seen.active && seen.state === "paused") {
		const byDisk = await isStoppedByDisk(host, seen.uuid);
		await resume(host, seen.uuid);
		if (byDisk) await refuseStoppedAgain(host, seen.uuid);
		return;
	}
	if (seen.active) await powerOff(host, seen.uuid);
	await patiently(() => host.domains.start(seen.uuid));
}

/** A machine that is just being started is paused for a moment: by now it may run. */
async function resume(host: Host, uuid: string): Promise<void> {
	try {
		await patiently(() => host.domains.resume(uuid));
	} catch (error) {
		if (isInvalidState(error) && (await host.domains.state(uuid)).state !== "paused") return;
		throw error;
	}
}

/**
 * Asks the guest to shut down (by its agent when that is connected, else by the power button) and powers the machine off
 * when it has not by the end of the timeout.
 * @param timeoutSeconds 0 powers off at once
 */
export async function turnOff({ host, log }: Context, uuid: string, timeoutSeconds: number): Promise<void> {
	const seen = await look(host, uuid);
	if (!seen?.active) return;
	if (timeoutSeconds > 0 && seen.state !== "crashed") {
		if (seen.state === "paused") await resume(host, uuid);
		if (await shutDown(host, seen, timeoutSeconds)) return;
		log(`${seen.name} has not shut down within ${timeoutSeconds} s and is powered off`);
	}
	await powerOff(host, uuid);
}

async function shutDown(host: Host, seen: Seen, timeoutSeconds: number): Promise<boolean> {
	const { uuid } = seen;
	const began = performance.now();
	let pressed = Number.NEGATIVE_INFINITY;
	const hasAgent = seen.live?.agentConnected === true;
	let agent = hasAgent;
	const off = await poll(timeoutSeconds, async () => {
		if (await isOff(host, uuid)) return true;
		const now = performance.now();
		if (now - pressed < PRESS_AGAIN_SECONDS * 1000) return undefined;
		pressed = now;
		const left = timeoutSeconds - (now - began) / 1000;
		try {
			// Without an agent the button is libvirt's own choice, on drivers that have no other as well.
			const mode = agent ? "agent" : hasAgent ? "acpi" : undefined;
			await host.domains.shutdown(uuid, { ...(mode ? { mode } : {}), deadlineSeconds: Math.max(5, left) });
		} catch (error) {
			if (isGone(error) || isInvalidState(error)) return undefined;
			if (!agent) throw error;
			// An agent that does not answer: the power button is left.
			pressed = Number.NEGATIVE_INFINITY;
		}
		agent = false;
		return undefined;
	});
	return off === true;
}

async function isOff(host: Host, uuid: string): Promise<boolean> {
	const now = await unlessGone(host.domains.state(uuid));
	return !now || now.state === "shutoff";
}

/** Pulls the plug; succeeds when the machine is off already. */
export async function powerOff(host: Host, uuid: string): Promise<void> {
	try {
		await patiently(() => host.domains.destroy(uuid));
	} catch (error) {
		if (isGone(error)) return;
		if (isInvalidState(error) && (await isOff(host, uuid))) return;
		throw error;
	}
}
