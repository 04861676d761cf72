/** What happens around and while a running machine changes its shape, in the user's words. */
import { z } from "zod";
import type { Rule } from "../lifecycle";
import { wholeText } from "../schema";

const command = z
	.array(wholeText.max(65_536, "allowed are at most 65536 characters"))
	.min(1)
	.max(256)
	.refine(([program]) => program !== "", "allowed is a program and its arguments; the program is empty");

/**
 * One step. `guestExec` runs a program in the guest, by its agent and without a shell, `hostExec` one on its host; `vcpus`
 * and `memory` say where the machine's own changes take place among the others.
 */
export const morphStepSchema = z.strictObject({
	kind: z.enum(["guestExec", "hostExec", "vcpus", "memory"]).default("guestExec"),
	exec: command.optional(),
	undo: command.optional(),
	parallel: z.boolean().default(false),
	timeoutSeconds: z.number().min(1).max(86_400).default(60),
	onFailure: z.enum(["compensate", "abort", "continue"]).default("compensate"),
});

const phase = z.array(morphStepSchema).max(64);

export const morphSchema = z.strictObject({
	preMigration: phase.optional(),
	hotUnplug: phase.optional(),
	hotPlug: phase.optional(),
	postMigration: phase.optional(),
});

export type MorphTemplate = z.output<typeof morphSchema>;
export type MorphStep = z.output<typeof morphStepSchema>;
export type Phase = keyof MorphTemplate;

/** Steps that run a program, and where. */
export const PLACES = { guestExec: "in the guest", hostExec: "on the host" } as const;
export type ProgramKind = keyof typeof PLACES;

/** In the order in which they run. */
export const PHASES = ["preMigration", "hotUnplug", "hotPlug", "postMigration"] as const satisfies Phase[];

/** Where vCPUs and memory change where a template does not say: what goes before what comes, memory before vCPUs in need of it. */
const DEFAULT_PLACES = { hotUnplug: ["vcpus", "memory"], hotPlug: ["memory", "vcpus"] } as const;

/** The template with the machine's own changes put where it does not name them: in front, so that its programs find them done. */
export function completed(template: MorphTemplate = {}): Record<Phase, MorphStep[][]> {
	const groups = (name: Phase) => groupsOf(template[name] ?? []);
	const withOwn = (name: keyof typeof DEFAULT_PLACES) => {
		const given = groups(name);
		const missing = DEFAULT_PLACES[name].filter((kind) => !given.flat().some((step) => step.kind === kind));
		return [...missing.map((kind) => [morphStepSchema.parse({ kind })]), ...given];
	};
	return {
		preMigration: groups("preMigration"),
		hotUnplug: withOwn("hotUnplug"),
		hotPlug: withOwn("hotPlug"),
		postMigration: groups("postMigration"),
	};
}

/** A step that is `parallel` runs at the same time as the one before. */
function groupsOf(steps: ReadonlyArray<MorphStep>): MorphStep[][] {
	const groups: MorphStep[][] = [];
	for (const step of steps) {
		if (step.parallel && groups.length > 0) groups.at(-1)!.push(step);
		else groups.push([step]);
	}
	return groups;
}

export const morphRules: ReadonlyArray<Rule<{ morph?: MorphTemplate | undefined }>> = [
	{ property: "morph", needs: ["morph"], check: ({ morph = {} }) => firstComplaint(morph) },
];

function firstComplaint(morph: MorphTemplate): string | undefined {
	for (const name of PHASES) {
		const kinds = new Set<string>();
		for (const [index, step] of (morph[name] ?? []).entries()) {
			const complaint = complaintAbout(step, name) ?? (isOwn(step) && kinds.has(step.kind) ? TWICE : undefined);
			if (complaint !== undefined) return `${name}[${index}]: got kind "${step.kind}" ${complaint}`;
			kinds.add(step.kind);
		}
	}
	return undefined;
}

const TWICE = "twice; allowed is once in each of hotUnplug and hotPlug, as there is one change of it";

function complaintAbout(step: MorphStep, phase: Phase): string | undefined {
	if (!isOwn(step)) return step.exec === undefined ? "without exec; give the program and its arguments" : undefined;
	if (phase !== "hotUnplug" && phase !== "hotPlug") return `in ${phase}; allowed is it in hotUnplug and hotPlug`;
	if (step.exec !== undefined || step.undo !== undefined)
		return "with exec or undo, which are those of guestExec and hostExec";
	return step.onFailure === "continue"
		? 'with onFailure "continue"; allowed are compensate and abort, as the machine would not be of its type'
		: undefined;
}

function isOwn({ kind }: MorphStep): boolean {
	return kind === "vcpus" || kind === "memory";
}
