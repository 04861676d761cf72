/** What a preview says about a change of a machine's size: its mode, and every step. */
import { type MorphPlan, stepLine } from "./planner";
import type { Shape } from "./shape";
import { completed, type MorphTemplate, PHASES, PLACES, type ProgramKind } from "./template";

export function morphLines(shape: Shape, plan: MorphPlan, template: MorphTemplate | undefined): string[] {
	if (plan.mode === "none") return [];
	if (plan.mode === "reboot") {
		const steps = Object.values(template ?? {}).some((phase) => phase.length > 0);
		const left = steps ? ["morph: its steps are left out: they are for a machine that goes on running"] : [];
		const lacks = shape.lacks.map((what) => `  it lacks ${what}`);
		return [`morph: reboot: ${plan.reasons.join("; ")}`, ...lacks, ...left];
	}
	const phases = completed(template);
	const lines = PHASES.flatMap((phase) =>
		phases[phase].flatMap((group) =>
			group.flatMap((step) => {
				const beside = group.length > 1 ? " (beside others)" : "";
				if (step.exec) return [`${phase}: run ${step.exec[0]} ${PLACES[step.kind as ProgramKind]}${beside}`];
				const own = plan.steps.find(({ kind, phase: its }) => kind === step.kind && its === phase);
				return own ? [`${phase}: ${stepLine(own)}${beside}`] : [];
			}),
		),
	);
	const deaf = shape.agent
		? []
		: ["warning: morph: the guest agent does not answer: the guest has to do its part itself"];
	return [`morph: live, in ${lines.length} step(s)`, ...lines.map((line, index) => `  ${index + 1}. ${line}`), ...deaf];
}
