/** A running machine changes its shape where it is, or where it has come to. */
import type { Context } from "../lifecycle";
import { afterMove, givenUp, inPlace } from "./course";
import { CompensatedError, runSteps, takeBack } from "./engine";
import type { InstanceType } from "./instance-types";
import { journalOf } from "./journal";
import type { OwnChange } from "./own-change";
import { NOTHING, planMorph } from "./planner";
import { probedShape } from "./probe";
import type { MorphRecord } from "./record";
import type { Shape } from "./shape";
import { stepsOf } from "./steps";
import type { MorphStep, MorphTemplate } from "./template";

export interface More {
	/** File systems that are to grow onto a larger disk. */
	growths?: ReadonlyArray<MorphStep>;
	/** Disks and NICs that the template gives a place. */
	devices?: ReadonlyArray<OwnChange>;
}

/**
 * Brings a running machine to a size, by the steps of a template. The record of it stays in the machine's definition until
 * that is written anew, with the new size. Of one that has come from another host, those that are left of its move.
 *
 * @param wanted undefined where its size stays, or waits for its next start
 * @param more what else the template runs for, whatever becomes of the size
 * @throws Error when it would need a restart, before anything is touched; CompensatedError when a step failed and the
 *   machine is as before; another error when it is half way, which the next call goes on from
 */
export async function morphInPlace(
	context: Context,
	machine: { uuid: string; name: string },
	wanted: InstanceType | undefined,
	template: MorphTemplate | undefined,
	{ growths = [], devices = [] }: More = {},
): Promise<void> {
	const { host, log, signal } = context;
	const { uuid, name } = machine;
	const journal = journalOf(host, uuid);
	const around = { journal, log, signal };
	const found = await journal.read();
	const more = growths.length + devices.length > 0;
	if (!found && !wanted && !more) return;
	const shape = await probedShape(context, uuid);
	const arrived = found && (await hasArrived(context, found)) ? found : undefined;
	const goal =
		arrived?.goal ?? [goalOf(wanted), ...growths.map(goalOfGrowth), ...devices.map(({ line }) => line)].join("; ");
	if (found && found.goal !== goal) {
		// Sizes come to what is wanted now anyway.
		log(`an unfinished change to ${found.goal} is taken back`);
		const course = givenUp(found.move?.from ?? host.uri, host.uri);
		await takeBack(stepsOf(context, uuid, NOTHING, template, course), found, around);
	}
	const same = found?.goal === goal ? found : undefined;
	const plan = wanted ? planMorph(same ? at(shape, same.origin) : shape, wanted, template) : NOTHING;
	if (plan.mode === "reboot") {
		const left = same ? "What an earlier run changed stays for now" : "Nothing was changed";
		throw new Error(`${name} cannot change to ${goal} while it runs: ${plan.reasons.join("; ")}. ${left}`);
	}
	if (plan.mode === "none" && !arrived && !more) return;
	if (same && !arrived) log(`goes on with the change to ${goal} that an earlier run began`);
	const course = arrived?.move ? afterMove(arrived.move.from, host.uri) : inPlace(host.uri);
	try {
		const steps = stepsOf(context, uuid, { steps: plan.steps, devices }, template, course);
		await runSteps(steps, same ?? recordOf(goal, shape), around);
	} catch (error) {
		if (!(error instanceof CompensatedError)) throw error;
		await journal.clear();
		throw new CompensatedError(`${error.message} ${name} runs on as it was.`, { cause: error });
	}
}

/** Runs what is left of the steps of a machine's move, before it is turned off for something else. */
export async function finishMove(
	context: Context,
	machine: { uuid: string; name: string },
	template: MorphTemplate | undefined,
): Promise<void> {
	const found = await journalOf(context.host, machine.uuid).read();
	if (found && (await hasArrived(context, found))) await morphInPlace(context, machine, undefined, template);
}

/** Whether it is of a move to the host of the context: where its machine is, it has come to. */
export async function hasArrived({ host }: Context, { move }: MorphRecord): Promise<boolean> {
	return move !== undefined && (await host.info()).hostUuid === move.to;
}

/** What a change comes to, as the record names it. */
export function goalOf(wanted: InstanceType | undefined): string {
	return wanted ? `${wanted.vcpus} vCPUs, ${wanted.memoryMiB} MiB` : "its size";
}

function goalOfGrowth({ mountPoint, diskMiB }: MorphStep): string {
	return `${mountPoint} on ${diskMiB} MiB`;
}

export function recordOf(goal: string, { vcpus, memory }: Shape): MorphRecord {
	const origin = { vcpus: vcpus.inUse ?? vcpus.present, memoryMiB: memory.presentMiB };
	return { goal, direction: "forward", origin, steps: [] };
}

/** The machine as it was when the change began: the plan of a change that goes on is the same plan. */
export function at(shape: Shape, { vcpus, memoryMiB }: InstanceType): Shape {
	return {
		...shape,
		vcpus: { ...shape.vcpus, present: vcpus, inUse: vcpus },
		memory: { ...shape.memory, presentMiB: memoryMiB },
	};
}
