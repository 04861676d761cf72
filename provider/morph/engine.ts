/**
 * Runs the steps of a change so that a crash between any two instructions loses nothing: each is recorded before it acts,
 * looked at before and after, and whoever comes next goes on from the record. Knows no libvirt.
 */
import type { Journal, MorphRecord, StepState } from "./record";
import { stateOf, withStep } from "./record";

export interface EngineStep {
	/** Names it in the record: the same in every run of the same change. */
	id: string;
	/** Completes "could not ...". */
	what: string;
	timeoutSeconds: number;
	onFailure: "compensate" | "abort" | "continue";
	/**
	 * Whether it has had its effect, by a look at the machine. Undefined where no look tells: the record then says so, and
	 * a step that was begun but not recorded as done is done once more.
	 */
	isDone?(): Promise<boolean>;
	act(signal: AbortSignal): Promise<void>;
	/** Takes it back, also when it only came half way; does nothing when it never began. */
	undo?(signal: AbortSignal): Promise<void>;
}

export interface Surroundings {
	journal: Journal;
	log(message: string): void;
	/** Aborted when the driver is to end: nothing new is begun then. */
	signal?: AbortSignal | undefined;
}

/** A step failed and what was done before has been taken back. */
export class CompensatedError extends Error {}

/** The driver is to end. What was done is recorded, and the next run goes on from there. */
export class InterruptedError extends Error {}

/**
 * Brings a change to its end, from wherever an earlier run of it left off. The record stays for the caller to clear,
 * together with whatever makes the change final.
 *
 * @param groups steps of one group run at the same time
 * @param begun the record of the earlier run, or of a change that begins now
 * @throws CompensatedError when a step failed and all was taken back; InterruptedError when the driver is to end; the
 *   step's own error when that says `abort`
 */
export async function runSteps(groups: Groups, begun: MorphRecord, around: Surroundings): Promise<void> {
	const keeper = new Keeper(around.journal, begun);
	if (begun.direction === "back") {
		around.log(`an earlier run was cut off while it took back its steps: ${begun.reason}`);
		await undoAll(groups, keeper, around);
	}
	await keeper.keep(begun.direction === "back" ? anew(begun) : begun);
	for (const group of groups) {
		const failures = await runGroup(group, keeper, around);
		const worst =
			failures.find(({ error }) => error instanceof InterruptedError) ??
			failures.find(({ step }) => step.onFailure === "abort") ??
			failures[0];
		if (!worst) continue;
		if (worst.step.onFailure === "abort" || worst.error instanceof InterruptedError) throw worst.error;
		await keeper.keep({ ...keeper.record, direction: "back", reason: messageOf(worst.error) });
		await undoAll(groups, keeper, around);
		throw new CompensatedError(`${messageOf(worst.error)}\nWhat was done before has been taken back.`);
	}
}

/** Takes back what an unfinished change has done, as another one is wanted now. */
export async function takeBack(groups: Groups, record: MorphRecord, around: Surroundings): Promise<void> {
	const keeper = new Keeper(around.journal, record);
	await keeper.keep({ ...record, direction: "back", reason: record.reason ?? "another change is wanted" });
	await undoAll(groups, keeper, around);
}

function anew({ reason: _, ...record }: MorphRecord): MorphRecord {
	return { ...record, direction: "forward", steps: [] };
}

type Groups = ReadonlyArray<ReadonlyArray<EngineStep>>;

interface Failure {
	step: EngineStep;
	error: unknown;
}

/** Waits for all of them: what runs beside a failure comes to its own end, known to the record. */
async function runGroup(group: Groups[number], keeper: Keeper, around: Surroundings): Promise<Failure[]> {
	const results = await Promise.allSettled(group.map((step) => runStep(step, keeper, around)));
	return results.flatMap((result, index) =>
		result.status === "rejected" ? [{ step: group[index]!, error: result.reason }] : [],
	);
}

async function runStep(step: EngineStep, keeper: Keeper, { log, signal }: Surroundings): Promise<void> {
	if (signal?.aborted) throw new InterruptedError(`stopped before it could ${step.what}; the next run goes on`);
	const known = stateOf(keeper.record, step.id);
	if (known === "failed" && step.onFailure === "continue") return;
	const failed = async (error: unknown) => {
		const failure = new Error(`could not ${step.what}: ${messageOf(error)}`, { cause: error });
		if (step.onFailure !== "continue") throw failure;
		await keeper.note(step.id, "failed");
		log(`${failure.message}; goes on without (onFailure is continue)`);
	};
	let done: boolean;
	try {
		done = step.isDone ? await step.isDone() : known === "done";
	} catch (error) {
		return failed(error);
	}
	// What was there before it began is not the step's, and is not taken back with it.
	if (done) return known === undefined ? undefined : keeper.note(step.id, "done");
	await keeper.note(step.id, "begun");
	try {
		await within(step, (ending) => step.act(ending));
		if (step.isDone && !(await step.isDone())) throw new Error("it was asked for, but has not come about");
	} catch (error) {
		return failed(error);
	}
	await keeper.note(step.id, "done");
}

/** @throws Error that names what could not be taken back: the record still has it, and the next run tries again */
async function undoAll(groups: Groups, keeper: Keeper, { log, signal }: Surroundings): Promise<void> {
	const left: string[] = [];
	const steps = groups.flat();
	for (const { id, state } of [...keeper.record.steps].reverse()) {
		const step = steps.find((item) => item.id === id);
		if (state === "undone") continue;
		if (!step) {
			log(`${id} is not taken back: the template has it no more`);
			continue;
		}
		if (signal?.aborted) throw new InterruptedError(`stopped while steps were taken back; the next run goes on`);
		try {
			if (step.undo) {
				log(`takes back: ${step.what}`);
				await within(step, (ending) => step.undo!(ending));
			}
		} catch (error) {
			left.push(`"${step.what}": ${messageOf(error)}`);
			continue;
		}
		await keeper.note(id, "undone");
	}
	if (left.length === 0) return;
	throw new Error(`${keeper.record.reason}\nAnd what was done before could not be taken back: ${left.join("; ")}`);
}

/** The record and its writes, one after the other. */
class Keeper {
	private writing: Promise<void> = Promise.resolve();

	constructor(
		private readonly journal: Journal,
		public record: MorphRecord,
	) {}

	note(id: string, state: StepState): Promise<void> {
		if (stateOf(this.record, id) === state) return Promise.resolve();
		return this.keep(withStep(this.record, id, state));
	}

	keep(record: MorphRecord): Promise<void> {
		this.record = record;
		// One that failed is told to who asked for it: the next one writes all of it anew.
		this.writing = this.writing.catch(() => {}).then(() => this.journal.write(record));
		return this.writing;
	}
}

async function within(step: EngineStep, work: (ending: AbortSignal) => Promise<void>): Promise<void> {
	const ending = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	const over = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => {
			const error = new Error(`it has not come to an end within ${step.timeoutSeconds} s (timeoutSeconds)`);
			// In this order: a step that ends when it is told to has not come to its end.
			reject(error);
			ending.abort(error);
		}, step.timeoutSeconds * 1000);
	});
	try {
		await Promise.race([work(ending.signal), over]);
	} finally {
		clearTimeout(timer);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
