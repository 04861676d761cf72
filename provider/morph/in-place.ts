/** A running machine changes its shape where it is. */
import type { Context } from "../lifecycle";
import { CompensatedError, runSteps, takeBack } from "./engine";
import type { InstanceType } from "./instance-types";
import { journalOf } from "./journal";
import { type MorphPlan, planMorph } from "./planner";
import type { MorphRecord } from "./record";
import type { Shape } from "./shape";
import { probedShape, stepsOf } from "./steps";
import type { MorphTemplate } from "./template";

/**
 * Brings a running machine to a size, by the steps of a template. The record of it stays in the machine's definition until
 * that is written anew, with the new size.
 *
 * @throws Error when it would need a restart, before anything is touched; CompensatedError when a step failed and the
 *   machine is as before; another error when it is half way, which the next call goes on from
 */
export async function morphInPlace(
	context: Context,
	machine: { uuid: string; name: string },
	wanted: InstanceType,
	template: MorphTemplate | undefined,
): Promise<void> {
	const { host, log, signal } = context;
	const { uuid, name } = machine;
	const journal = journalOf(host, uuid);
	const around = { journal, log, signal };
	const shape = await probedShape(context, uuid);
	const found = await journal.read();
	const goal = `${wanted.vcpus} vCPUs, ${wanted.memoryMiB} MiB`;
	if (found && found.goal !== goal) {
		// Sizes come to what is wanted now anyway.
		log(`an unfinished change to ${found.goal} is taken back`);
		await takeBack(stepsOf(context, uuid, NOTHING, template), found, around);
	}
	const same = found?.goal === goal ? found : undefined;
	const plan = planMorph(same ? at(shape, same.origin) : shape, wanted);
	if (plan.mode === "reboot") {
		const left = same ? "What an earlier run changed stays for now" : "Nothing was changed";
		throw new Error(`${name} cannot change to ${goal} while it runs: ${plan.reasons.join("; ")}. ${left}`);
	}
	if (plan.mode === "none") return;
	if (same) log(`goes on with the change to ${goal} that an earlier run began`);
	const fresh: MorphRecord = { goal, direction: "forward", origin: sizeNow(shape), steps: [] };
	try {
		await runSteps(stepsOf(context, uuid, plan, template), same ?? fresh, around);
	} catch (error) {
		if (!(error instanceof CompensatedError)) throw error;
		await journal.clear();
		throw new CompensatedError(`${error.message} ${name} runs on as it was.`, { cause: error });
	}
}

const NOTHING: MorphPlan = { mode: "none", steps: [], reasons: [] };

function sizeNow({ vcpus, memory }: Shape): InstanceType {
	return { vcpus: vcpus.inUse ?? vcpus.present, memoryMiB: memory.presentMiB };
}

/** The machine as it was when the change began: the plan of a change that goes on is the same plan. */
function at(shape: Shape, { vcpus, memoryMiB }: InstanceType): Shape {
	return {
		...shape,
		vcpus: { ...shape.vcpus, present: vcpus, inUse: vcpus },
		memory: { ...shape.memory, presentMiB: memoryMiB },
	};
}
