/** A running machine changes its shape where it is, or where it has come to. */
import type { Context } from "../lifecycle";
import type { AgentPolicy } from "./agent-policy";
import { afterMove, givenUp, inPlace } from "./course";
import { CompensatedError, runSteps, takeBack } from "./engine";
import type { Size } from "./instance-types";
import { journalOf } from "./journal";
import type { OwnChange } from "./own-change";
import { NOTHING, planMorph } from "./planner";
import { probedShape } from "./probe";
import type { MorphRecord } from "./record";
import type { Shape } from "./shape";
import { stepsOf } from "./steps";
import type { MorphStep, MorphTemplate } from "./template";
import {
	complaintAboutFound,
	type FoundTool,
	findTools,
	hasTools,
	removeTools,
	reportLine,
	reportOf,
	type ToolReport,
	withoutLeavingTools,
} from "./tools";

export interface More {
	/** File systems that are to grow onto a larger disk. */
	growths?: ReadonlyArray<MorphStep>;
	/** Disks and NICs that the template gives a place. */
	devices?: ReadonlyArray<OwnChange>;
	/** What may be added to the guest; whether its agent is used the context's host tells. */
	policy?: AgentPolicy | undefined;
}

/**
 * Brings a running machine to a size, by the steps of a template. The record of it stays in the machine's definition until
 * that is written anew, with the new size. Of one that has come from another host, those that are left of its move.
 *
 * @param wanted undefined where its size stays, or waits for its next start
 * @param more what else the template runs for, whatever becomes of the size
 * @returns what has become of the template's tools; undefined where nothing was to be done
 * @throws Error when it would need a restart, or lacks a tool, before anything is touched; CompensatedError when a step failed and the
 *   machine is as before; another error when it is half way, which the next call goes on from
 */
export async function morphInPlace(
	context: Context,
	machine: { uuid: string; name: string },
	wanted: Size | undefined,
	template: MorphTemplate | undefined,
	{ growths = [], devices = [], policy }: More = {},
): Promise<ToolReport | undefined> {
	const { host, log, signal } = context;
	const { uuid, name } = machine;
	const journal = journalOf(host, uuid);
	const around = { journal, log, signal };
	const found = await journal.read();
	const more = growths.length + devices.length > 0;
	if (!found && !wanted && !more) return undefined;
	const shape = await probedShape(context, uuid);
	const arrived = found && (await hasArrived(context, found)) ? found : undefined;
	const goal =
		arrived?.goal ?? [goalOf(wanted), ...growths.map(goalOfGrowth), ...devices.map(({ line }) => line)].join("; ");
	if (found && found.goal !== goal) {
		// Sizes come to what is wanted now anyway.
		log(`an unfinished change to ${found.goal} is taken back`);
		const course = givenUp(found, host.uri);
		await takeBack(stepsOf(context, uuid, NOTHING, template, course), found, around);
		if (hasTools(found)) await removeTools(context, uuid, template?.tools);
	}
	const same = found?.goal === goal ? found : undefined;
	const plan = wanted ? planMorph(same ? at(shape, same.origin) : shape, wanted, template) : NOTHING;
	if (plan.mode === "reboot") {
		const left = same ? "What an earlier run changed stays for now" : "Nothing was changed";
		throw new Error(`${name} cannot change to ${goal} while it runs: ${plan.reasons.join("; ")}. ${left}`);
	}
	if (plan.mode === "none" && !arrived && !more) return undefined;
	if (same && !arrived) log(`goes on with the change to ${goal} that an earlier run began`);
	const course = arrived?.move ? afterMove(arrived.move.from, host.uri) : inPlace(host.uri);
	const removed: string[] = [];
	try {
		return await withoutLeavingTools(context, uuid, template, async () => {
			const tools = await neededTools(context, machine, template, policy);
			const planned = { steps: plan.steps, devices, tools, removed };
			const steps = stepsOf(context, uuid, planned, template, course);
			await runSteps(steps, same ?? recordOf(goal, shape), around);
			const report = reportOf(tools, removed);
			if (tools.length > 0) log(`tools of ${name}: ${reportLine(report)}`);
			return report;
		});
	} catch (error) {
		if (!(error instanceof CompensatedError)) throw error;
		await journal.clear();
		throw new CompensatedError(`${error.message} ${name} runs on as it was.`, { cause: error });
	}
}

/** @throws Error for those that it needs and does not get, before anything is touched */
export async function neededTools(
	context: Context,
	{ uuid, name }: { uuid: string; name: string },
	template: MorphTemplate | undefined,
	policy: AgentPolicy | undefined,
): Promise<FoundTool[]> {
	const tools = await findTools(context, uuid, template, policy);
	const complaint = complaintAboutFound(tools);
	if (complaint !== undefined) throw new Error(`${name} was not changed: ${complaint}`);
	return tools;
}

/** Takes away what a change that was cut off has added, before the machine is turned off and its record ends. */
export async function forgetTools(context: Context, uuid: string, template: MorphTemplate | undefined): Promise<void> {
	if (!hasTools(await journalOf(context.host, uuid).read())) return;
	await removeTools(context, uuid, template?.tools).catch((error) =>
		context.log(
			`tools that were added to the guest are still there: ${error instanceof Error ? error.message : error}`,
		),
	);
}

/** Runs what is left of the steps of a machine's move, before it is turned off for something else. */
export async function finishMove(
	context: Context,
	machine: { uuid: string; name: string },
	template: MorphTemplate | undefined,
	policy: AgentPolicy | undefined,
): Promise<void> {
	const found = await journalOf(context.host, machine.uuid).read();
	if (found && (await hasArrived(context, found))) {
		await morphInPlace(context, machine, undefined, template, { policy });
	}
}

/** Whether it is of a move to the host of the context: where its machine is, it has come to. */
export async function hasArrived({ host }: Context, { move }: MorphRecord): Promise<boolean> {
	return move !== undefined && (await host.info()).hostUuid === move.to;
}

/** What a change comes to, as the record names it. */
export function goalOf(wanted: Size | undefined): string {
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
export function at(shape: Shape, { vcpus, memoryMiB }: Size): Shape {
	return {
		...shape,
		vcpus: { ...shape.vcpus, present: vcpus, inUse: vcpus },
		memory: { ...shape.memory, presentMiB: memoryMiB },
	};
}
