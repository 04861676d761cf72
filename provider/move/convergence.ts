/**
 * Brings the memory of a running machine to its end: it is sent again and again for as long as the guest changes it, and
 * the last of it while the guest stands still, for which there is a bound.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { isGone, isInvalidState } from "../domain/patience";
import type { DomainJob, Host, MemoryProgress } from "../libvirt";
import { progress } from "./place";
import { cutOff, Progress, STALL_SECONDS } from "./stall";
import type { migrationSchema } from "./way";

export interface Policy {
	maxPauseMs: number;
	onNoConvergence: "throttle" | "suspend" | "abort";
	timeoutSeconds: number;
}

/** What is done next: the guest may stand still for so long, or it is not waited for any longer. */
export type Step = { maxPauseMs: number } | "suspend" | "abort";

/** Passes within which the bound is reached: a guest that writes little gets by with less. */
const HALVES = 2;
const MIB = 2 ** 20;
const LOOK_MS = 500;
const TELL_MS = 10_000;

export function policyOf(migration: z.output<typeof migrationSchema> | undefined): Policy {
	const { maxPauseMs = 300, onNoConvergence = "throttle", timeoutSeconds = 120 } = migration ?? {};
	return { maxPauseMs, onNoConvergence, timeoutSeconds };
}

/** Pure: for how long the guest may stand still in a pass; 1 is the first. */
export function pauseIn({ maxPauseMs }: Policy, pass: number): number {
	const halves = Math.max(0, HALVES - Math.max(0, pass - 1));
	return Math.ceil(maxPauseMs / 2 ** halves);
}

/**
 * Pure.
 * @param now what it may stand still for now, and how long ago all of its memory had been sent once
 * @returns undefined: all is as it is to be
 */
export function nextStep(
	policy: Policy,
	now: { maxPauseMs: number | undefined; changedForSeconds: number },
	{ pass }: Pick<MemoryProgress, "pass">,
): Step | undefined {
	if (now.changedForSeconds >= policy.timeoutSeconds) return policy.onNoConvergence === "suspend" ? "suspend" : "abort";
	const maxPauseMs = pauseIn(policy, pass);
	return maxPauseMs === now.maxPauseMs ? undefined : { maxPauseMs };
}

/** Of one migration, by whichever run it was begun. */
export class Convergence {
	/** Why it was given up, once it was. */
	reason: string | undefined;
	private maxPauseMs: number | undefined;
	private changesSince: number | undefined;
	private throttlePercent = 0;
	private ended = false;
	private readonly sent = new Progress();

	constructor(
		private readonly log: (message: string) => void,
		private readonly host: Host,
		private readonly machine: { uuid: string; name: string },
		private readonly policy: Policy,
	) {}

	/** Before it begins: one of a quiet guest may be over before anybody looks. */
	async prepare(): Promise<void> {
		await this.allow(pauseIn(this.policy, 1));
	}

	/** At each look at the migration. */
	async look(job: DomainJob): Promise<void> {
		const { memory } = job;
		if (this.sent.idleSeconds(job) >= STALL_SECONDS) await this.giveUpStalled();
		if (memory.pass > 1) this.changesSince ??= performance.now();
		if (memory.pass === 0 || this.ended) return;
		const changedForSeconds = this.changesSince === undefined ? 0 : (performance.now() - this.changesSince) / 1000;
		this.tell(memory);
		const step = nextStep(this.policy, { maxPauseMs: this.maxPauseMs, changedForSeconds }, memory);
		try {
			if (step) await this.take(step, memory);
		} catch (error) {
			// It has come to its end meanwhile.
			if (!isGone(error) && !isInvalidState(error)) throw error;
		}
	}

	/** Looks at the migration until it is over, and says from time to time how far it is. */
	async accompany(migration: Promise<void>): Promise<void> {
		const over = new AbortController();
		const looking = this.keepLooking(over.signal);
		try {
			await migration;
		} finally {
			over.abort();
			await looking;
		}
	}

	private async keepLooking(signal: AbortSignal): Promise<void> {
		for (let lastTold = performance.now(); !signal.aborted; ) {
			await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
			// What cannot be asked now is asked again.
			const job = signal.aborted ? undefined : await this.host.domains.job(this.machine.uuid).catch(() => undefined);
			if (!job?.isMigration) continue;
			await this.look(job).catch((error: Error) => this.log(`how it moves could not be changed: ${error.message}`));
			if (performance.now() - lastTold < TELL_MS) continue;
			this.log(`moves: ${progress(job)}`);
			lastTold = performance.now();
		}
	}

	private async giveUpStalled(): Promise<void> {
		if (this.ended) return;
		this.ended = true;
		this.reason = `nothing of it has come through to the other host for ${STALL_SECONDS} s. Look at the network between them`;
		this.log("nothing is sent any more: given up");
		await cutOff(this.host, this.machine.uuid);
	}

	private async take(step: Step, memory: MemoryProgress): Promise<void> {
		const { uuid, name } = this.machine;
		if (typeof step === "object") {
			if (memory.pass > 1) this.log(`${shown(memory)}: it may stand still for ${step.maxPauseMs} ms`);
			return this.allow(step.maxPauseMs);
		}
		this.ended = true;
		const late = `${shown(memory)} after ${this.policy.timeoutSeconds} s`;
		if (step === "suspend") {
			this.log(`${late}: it stands still until the rest is sent (migration.onNoConvergence is suspend)`);
			return this.host.domains.suspend(uuid);
		}
		this.log(`${late}: given up`);
		this.reason =
			`${name} changes its memory faster than it is sent, within a pause of ${this.policy.maxPauseMs} ms: ${late}. ` +
			"Move it when it has less to do, or raise migration.maxPauseMs, .timeoutSeconds or .bandwidthMiBps, or set " +
			".onNoConvergence to suspend";
		await this.host.domains.abortJob(uuid);
	}

	private async allow(maxPauseMs: number): Promise<void> {
		await this.host.domains.setMaxDowntime(this.machine.uuid, maxPauseMs);
		this.maxPauseMs = maxPauseMs;
	}

	private tell(memory: MemoryProgress): void {
		if (memory.throttlePercent === this.throttlePercent) return;
		this.throttlePercent = memory.throttlePercent;
		this.log(`${shown(memory)}: slowed down by ${memory.throttlePercent} %`);
	}
}

/** "pass 4: 31 MiB are left, 80 MiB/s change, 50 MiB/s are sent" */
function shown({ pass, remainingBytes, sentBytesPerSecond, dirtiedBytesPerSecond }: MemoryProgress): string {
	const [left, sent, changed] = [remainingBytes, sentBytesPerSecond, dirtiedBytesPerSecond].map((bytes) =>
		Math.round(bytes / MIB),
	);
	return `pass ${pass}: ${left} MiB are left, ${changed} MiB/s change, ${sent} MiB/s are sent`;
}
