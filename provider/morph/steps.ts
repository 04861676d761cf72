/** The steps of a change as they are carried out on a running machine of libvirt's. */
import { createHash } from "node:crypto";
import { runInGuest } from "../domain/agent";
import { patiently, poll } from "../domain/patience";
import type { Context } from "../lifecycle";
import type { Course } from "./course";
import type { EngineStep } from "./engine";
import { growFilesystem } from "./guest";
import { type HostResult, runOnHost } from "./host-program";
import type { OwnChange } from "./own-change";
import type { MorphPlan } from "./planner";
import { sizeStep } from "./size-steps";
import {
	BEFORE_MOVE,
	completed,
	deedOf,
	isForPause,
	type MorphStep,
	type MorphTemplate,
	PHASES,
	type Phase,
	type Place,
	pausesFor,
	placeOf,
} from "./template";
import { addingSteps, type FoundTool, removingStep } from "./tools";

/** What is to be done beside the template's programs. */
export interface Planned extends Pick<MorphPlan, "steps"> {
	devices?: ReadonlyArray<OwnChange> | undefined;
	/** As the guest was found. */
	tools?: ReadonlyArray<FoundTool> | undefined;
	/** Gets the names of those that have been taken away. */
	removed?: string[];
}

/** The steps of a template, with those of the plan in their places, as far as the course has them. */
export function stepsOf(
	context: Context,
	uuid: string,
	{ steps, devices = [], tools = [], removed = [] }: Planned,
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
		const { kind, exec, check, mountPoint, diskMiB } = step;
		if (exec || kind === "growFilesystem") {
			// Names of steps of an earlier version stay as they are.
			const where = kind === "guestExec" ? "" : `${kind} `;
			const given = exec ? [...exec, ...(check ? [check] : [])] : [mountPoint, diskMiB];
			const id = unique(`${phase} ${where}${hashOf(given)}`);
			if (!course.programs.includes(phase)) return [];
			return [exec ? execStep(context, uuid, step, id, runnerFor(phase, course)) : growStep(context, uuid, step, id)];
		}
		if (!course.changes.includes(phase)) return [];
		const its = (item: { kind: string; phase: Phase }) => item.kind === step.kind && item.phase === phase;
		const [sized, device] = [steps.find(its), devices.find(its)];
		return [...(sized ? [sizeStep(context, uuid, step, sized)] : []), ...(device ? [deviceStep(step, device)] : [])];
	};
	const adding = addingSteps(context, uuid, tools).map((step) => [step]);
	const first = course.programs.includes("preMigration") ? "preMigration" : "duringMigration";
	return PHASES.flatMap((phase) => {
		const groups = phases[phase].map((group) => group.flatMap((step) => oneOf(phase, step)));
		if (phase === "duringMigration" && course.programs.includes(phase) && pausesFor(template)) {
			const paused = phases[phase].filter(([step]) => step && isForPause(step));
			groups.splice(paused.length, 0, [goOnStep(context, uuid)], ...(phase === first ? adding : []));
		} else if (phase === first) groups.unshift(...adding);
		if (phase === "postMigration" && course.programs.includes(phase) && tools.some(({ why }) => why === undefined)) {
			const all = tools.map(({ tool }) => tool);
			groups.push([removingStep(context, uuid, all, removed)]);
		}
		return groups;
	})
		.filter((group) => group.length > 0)
		.map((group) => (course.onlyForward ? group.map(onlyForward) : group));
}

function deviceStep(step: MorphStep, { kind, phase, line, isDone, act, undo }: OwnChange): EngineStep {
	const { timeoutSeconds, onFailure } = step;
	return {
		id: `${phase} ${kind}`,
		what: line,
		// The guest's own time ends first, and says more.
		timeoutSeconds: timeoutSeconds + 30,
		onFailure,
		...(isDone && { isDone }),
		act: () => act(timeoutSeconds),
		undo: () => undo(timeoutSeconds),
	};
}

/** Nothing is taken back of a machine that is elsewhere already: the next run goes on. */
function onlyForward(step: EngineStep): EngineStep {
	return { ...step, onFailure: step.onFailure === "continue" ? "continue" : "abort" };
}

/** A step is known again by its program: another one in its place has not been run. */
function hashOf(given: unknown[]): string {
	return createHash("sha256").update(JSON.stringify(given)).digest("hex").slice(0, 16);
}

type Runner = (
	context: Context,
	uuid: string,
	place: Place,
	words: ReadonlyArray<string>,
	timeoutSeconds: number,
) => Promise<HostResult | undefined>;

/** Runs a program where a step of a phase says: without more, on the host where the machine is then. */
function runnerFor(phase: Phase, { source, target }: Course): Runner {
	return ({ host }, uuid, place, words, timeoutSeconds) => {
		const [program = "", ...args] = words;
		if (place === "guest") return runInGuest(host, uuid, program, args, timeoutSeconds);
		const at = place === "host" ? (BEFORE_MOVE.includes(phase) ? "source" : "target") : place;
		return runOnHost(at === "source" ? source : target, ["env", `MACHINE_UUID=${uuid}`, ...words], timeoutSeconds);
	};
}

function execStep(context: Context, uuid: string, step: MorphStep, id: string, run: Runner): EngineStep {
	const { exec = [], undo, check, timeoutSeconds, onFailure } = step;
	const place = placeOf(step);
	const runAll = async (words: string[]) => {
		const ended = await run(context, uuid, place.exec, words, timeoutSeconds);
		if (!ended) throw new Error(`it has not ended within ${timeoutSeconds} s (timeoutSeconds)`);
		if (!ended.succeeded) throw new Error(`it ended ${ended.how}; it said: ${ended.said || "nothing"}`);
	};
	const checked = async () => {
		const ended = await run(context, uuid, place.check, check!, timeoutSeconds);
		if (!ended) throw new Error(`its check has not ended within ${timeoutSeconds} s (timeoutSeconds)`);
		return ended;
	};
	/** What a program has begun may come about later. */
	const untilChecked = async () => {
		let last: HostResult | undefined;
		const holds = await poll(timeoutSeconds, async () => {
			last = await checked();
			return last.succeeded || undefined;
		});
		if (holds) return;
		throw new Error(
			`its check ${check![0]} has not succeeded within ${timeoutSeconds} s (timeoutSeconds): it ended ${last?.how}; ` +
				`it said: ${last?.said || "nothing"}`,
		);
	};
	return {
		id,
		what: deedOf(step)!,
		// The programs' own time ends first, and says more.
		timeoutSeconds: timeoutSeconds * (check ? 3 : 1) + 30,
		onFailure,
		...(check && { isDone: async () => (await checked()).succeeded }),
		act: async () => {
			await runAll(exec);
			if (check) await untilChecked();
		},
		...(undo && { undo: () => runAll(undo) }),
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
