/** What a preview says about a change of a machine's size and of its place: its mode, and every step. */
import { BARRED } from "./agent-policy";
import type { OwnChange } from "./own-change";
import { type MorphPlan, stepLine } from "./planner";
import type { Shape } from "./shape";
import { completed, deedOf, hasPrograms, type MorphTemplate, PHASES, pausesFor } from "./template";
import { toolLine } from "./tool";
import type { FoundTool } from "./tools";

export interface Beside {
	/** Where it moves to; undefined for a machine that stays on its host. */
	to?: string | undefined;
	/** Disks and NICs that the template gives a place. */
	devices?: ReadonlyArray<OwnChange>;
	/** As the guest was found; undefined where it was not asked. */
	tools?: ReadonlyArray<FoundTool> | undefined;
}

export function morphLines(
	shape: Shape,
	plan: MorphPlan,
	template: MorphTemplate | undefined,
	{ to, devices = [], tools }: Beside = {},
): string[] {
	const programs = hasPrograms(template);
	if (plan.mode === "none" && devices.length === 0 && !(to !== undefined && programs)) return [];
	if (plan.mode === "reboot") {
		const left =
			programs && to === undefined
				? ["morph: its steps are left out: they are for a machine that goes on running"]
				: [];
		const lacks = shape.lacks.map((what) => `  it lacks ${what}`);
		const around = to !== undefined && programs ? liveLines(shape, [], template, { to, tools }) : [];
		return [...around, `morph: reboot: ${plan.reasons.join("; ")}`, ...lacks, ...left];
	}
	return liveLines(shape, plan.steps, template, { to, devices, tools });
}

function toolLines({ tools = [] }: MorphTemplate = {}, found: ReadonlyArray<FoundTool> | undefined): string[] {
	if (!found) return tools.map((tool) => `  tool ${toolLine(tool)}`);
	return found.map(({ tool, state, why }) => {
		const after = tool.keep ? "stays" : "removed at the end";
		if (why !== undefined) return `  tool ${tool.name}: ${state}: ${why}; goes on without`;
		return `  tool ${tool.name}: ${state === "absent" ? `is added; ${after}` : state}`;
	});
}

/** The same in one line, of a machine that moves; undefined where nothing is to be done around that. */
export function movedNote(
	shape: Shape,
	plan: MorphPlan,
	template: MorphTemplate | undefined,
	to: string,
): string | undefined {
	const [first, ...lines] = morphLines(shape, plan, template, { to }).map((line) => line.trim());
	return first && [first.replace(/^morph: (live, in )?/, ""), ...lines].join("; ");
}

function liveLines(
	shape: Shape,
	changes: MorphPlan["steps"],
	template: MorphTemplate | undefined,
	{ to, devices = [], tools }: Beside,
): string[] {
	const phases = completed(template);
	const lines = PHASES.flatMap((phase) => {
		const steps = phases[phase].flatMap((group) =>
			group.flatMap((step) => {
				const beside = group.length > 1 ? " (beside others)" : "";
				const deed = deedOf(step);
				if (deed !== undefined) return [`${phase}: ${deed}${beside}`];
				const its = (own: { kind: string; phase: string }) => own.kind === step.kind && own.phase === phase;
				const [sized, device] = [changes.find(its), devices.find(its)];
				const line = sized ? stepLine(sized) : device?.line;
				return line === undefined ? [] : [`${phase}: ${line}${beside}`];
			}),
		);
		if (phase !== "duringMigration") return steps;
		if (to === undefined) return [];
		const pause = pausesFor(template) ? ", and stands still until its host's steps have ended" : "";
		return [`migration: goes to ${to}${pause}`, ...steps];
	});
	const silence = shape.barred ? `the guest agent, ${BARRED}, does nothing` : "the guest agent does not answer";
	const deaf = shape.agent ? [] : [`warning: morph: ${silence}: the guest has to do its part itself`];
	return [
		`morph: live, in ${lines.length} step(s)`,
		...toolLines(template, tools),
		...lines.map((line, index) => `  ${index + 1}. ${line}`),
		...deaf,
	];
}
