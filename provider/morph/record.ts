/**
 * How far a change of a machine has come, as it is kept in the machine's own definition: whoever comes after a crash, on
 * whichever machine, goes on from there. libvirt syncs it to the disk before the call returns.
 */
import { z } from "zod";

export const STEP_STATES = ["begun", "done", "failed", "undone"] as const;
export type StepState = (typeof STEP_STATES)[number];

const recordSchema = z.object({
	/** What it is to come to; a record of another change is undone or left behind. */
	goal: z.string(),
	/** `back` when a step failed: what was done is undone, and nothing new is begun. */
	direction: z.enum(["forward", "back"]),
	/** Why it goes back. */
	reason: z.string().optional(),
	/** What the machine was when it began, which undoing comes back to. */
	origin: z.object({ vcpus: z.number(), memoryMiB: z.number() }),
	/** Of a machine that moves: URI of the host where it was, and UUID and URI of the one where it is to be. */
	move: z.object({ from: z.string(), to: z.string(), toUri: z.string().optional() }).optional(),
	/** Steps by id, in the order in which they began. */
	steps: z.array(z.object({ id: z.string(), state: z.enum(STEP_STATES) })),
});

export type MorphRecord = z.output<typeof recordSchema>;

/** What a program said may be megabytes, which no definition takes. */
const LONGEST_REASON = 4096;

export function printRecord(record: MorphRecord): string {
	return JSON.stringify({ ...record, reason: record.reason?.slice(0, LONGEST_REASON) });
}

/** @returns undefined for what another version has written: the change is then planned anew from what the machine is */
export function parseRecord(text: string | undefined): MorphRecord | undefined {
	if (text === undefined) return undefined;
	try {
		return recordSchema.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined;
	}
}

/** Where a record is kept. A write that has returned survives a crash. */
export interface Journal {
	read(): Promise<MorphRecord | undefined>;
	write(record: MorphRecord): Promise<void>;
}

export function stateOf(record: MorphRecord, id: string): StepState | undefined {
	return record.steps.find((step) => step.id === id)?.state;
}

/** The record with a step in another state. */
export function withStep(record: MorphRecord, id: string, state: StepState): MorphRecord {
	const known = record.steps.some((step) => step.id === id);
	const steps = known
		? record.steps.map((step) => (step.id === id ? { id, state } : step))
		: [...record.steps, { id, state }];
	return { ...record, steps };
}
