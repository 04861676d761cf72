/** The steps of a change as they are carried out on a running machine of libvirt's. */
import { createHash } from "node:crypto";
import { runInGuest } from "../domain/agent";
import { patiently } from "../domain/patience";
import type { Context } from "../lifecycle";
import type { Course } from "./course";
import type { EngineStep } from "./engine";
import { growFilesystem } from "./guest";
import { runOnHost } from "./host-program";
import type { OwnChange } from "./own-change";
import type { MorphPlan } from "./planner";
import { sizeStep } from "./size-steps";
import {
	BEFORE_MOVE,
	completed,
	deedOf,
	type MorphStep,
	type MorphTemplate,
	PHASES,
	type Phase,
	pausesFor,
} from "./template";

/** The steps of a template, with those of the plan in their places, as far as the course has them. */
export function stepsOf(
	context: Context,
	uuid: string,
	{ steps, devices = [] }: Pick<MorphPlan, "steps"> & { devices?: ReadonlyArray<OwnChange> | undefined },
	template: MorphTemplate | undefined,
	course: Course,
): EngineStep[][] {
	const phases = completed(template);
	const taken = new Map<string, number>();
	const unique = (id: string) => {
		const count = (taken.get(id) ?? 0) + 1;
		taken.set(id, count);
		return count === 1 ? id : `${id} ${count}`;
	};
	const oneOf = (phase: Phase, step: MorphStep): EngineStep[] => {
		const { kind, exec, mountPoint, diskMiB } = step;
		if (exec || kind === "growFilesystem") {
			// Names of steps of an earlier version stay as they are.
			const where = kind === "guestExec" ? "" : `${kind} `;
			const id = unique(`${phase} ${where}${hashOf(exec ?? [mountPoint, diskMiB])}`);
			if (!course.programs.includes(phase)) return [];
			return [
				exec ? execStep(context, uuid, step, id, hostOf(phase, step, course)) : growStep(context, uuid, step, id),
			];
		}
		if (!course.changes.includes(phase)) return [];
		const its = (item: { kind: string; phase: Phase }) => item.kind === step.kind && item.phase === phase;
		const [sized, device] = [steps.find(its), devices.find(its)];
		return [...(sized ? [sizeStep(context, uuid, step, sized)] : []), ...(device ? [deviceStep(step, device)] : [])];
	};
	return PHASES.flatMap((phase) => {
		const groups = phases[phase].map((group) => group.flatMap((step) => oneOf(phase, step)));
		if (phase === "duringMigration" && course.programs.includes(phase) && pausesFor(template)) {
			const paused = phases[phase].filter(([step]) => step?.kind === "hostExec");
			groups.splice(paused.length, 0, [goOnStep(context, uuid)]);
		}
		return groups;
	})
		.filter((group) => group.length > 0)
		.map((group) => (course.onlyForward ? group.map(onlyForward) : group));
}

function deviceStep({ timeoutSeconds, onFailure }: MorphStep, { kind, phase, line, ...work }: OwnChange): EngineStep {
	return { id: `${phase} ${kind}`, what: line, timeoutSeconds: timeoutSeconds + 30, onFailure, ...work };
}

/** Nothing is taken back of a machine that is elsewhere already: the next run goes on. */
function onlyForward(step: EngineStep): EngineStep {
	return { ...step, onFailure: step.onFailure === "continue" ? "continue" : "abort" };
}

/** A step is known again by its program: another one in its place has not been run. */
function hashOf(given: unknown[]): string {
	return createHash("sha256").update(JSON.stringify(given)).digest("hex").slice(0, 16);
}

/** URI of the host that a step's program runs on: where the machine is then, unless it says so. */
function hostOf(phase: Phase, { on }: MorphStep, { source, target }: Course): string {
	return (on ?? (BEFORE_MOVE.includes(phase) ? "source" : "target")) === "source" ? source : target;
}

function execStep({ host }: Context, uuid: string, step: MorphStep, id: string, hostUri: string): EngineStep {
	const { exec = [], undo, timeoutSeconds, onFailure } = step;
	const run = async (words: string[]) => {
		const [program = "", ...args] = words;
		const ended =
			step.kind === "hostExec"
				? await runOnHost(hostUri, ["env", `MACHINE_UUID=${uuid}`, ...words], timeoutSeconds)
				: await runInGuest(host, uuid, program, args, timeoutSeconds);
		if (!ended) throw new Error(`it has not ended within ${timeoutSeconds} s (timeoutSeconds)`);
		if (!ended.succeeded) throw new Error(`it ended ${ended.how}; it said: ${ended.said || "nothing"}`);
	};
	return {
		id,
		what: deedOf(step)!,
		// The program's own time ends first, and says more.
		timeoutSeconds: timeoutSeconds + 30,
		onFailure,
		act: () => run(exec),
		...(undo && { undo: () => run(undo) }),
	};
}

/** What has grown stays so: nothing is taken back, and to do it once more changes nothing. */
function growStep({ host, log }: Context, uuid: string, step: MorphStep, id: string): EngineStep {
	const { mountPoint = "/", diskMiB, timeoutSeconds, onFailure } = step;
	return {
		id,
		what: deedOf(step)!,
		timeoutSeconds: timeoutSeconds + 30,
		onFailure,
		act: async () => {
			const { before, after } = await growFilesystem(host, uuid, mountPoint, diskMiB, timeoutSeconds);
			const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
			if (after !== before) log(`${mountPoint} has grown from ${mebibytes(before)} to ${mebibytes(after)} MiB`);
		},
	};
}

/** Of a machine that stands still on its new host for steps of the hosts. */
function goOnStep(context: Context, uuid: string): EngineStep {
	return {
		id: "duringMigration resume",
		what: "let the machine go on",
		timeoutSeconds: 60,
		onFailure: "abort",
		isDone: async () => !(await isPaused(context, uuid)),
		act: () => goOn(context, uuid),
	};
}

async function isPaused({ host }: Context, uuid: string): Promise<boolean> {
	return (await host.domains.find(uuid))?.state === "paused";
}

/** Does nothing when it does not stand still. */
export async function goOn(context: Context, uuid: string): Promise<void> {
	if (await isPaused(context, uuid)) await patiently(() => context.host.domains.resume(uuid));
}
