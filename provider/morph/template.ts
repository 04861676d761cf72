/** What happens around and while a running machine changes its shape, in the user's words. */
import { z } from "zod";
import type { Rule } from "../lifecycle";
import { absolutePath, mebibytes, wholeText } from "../schema";
import { MEMORY_ROOMS } from "../xml/room";
import { complaintAboutTools, toolsSchema } from "./tool";

const command = z
	.array(wholeText.max(65_536, "allowed are at most 65536 characters"))
	.min(1)
	.max(256)
	.refine(([program]) => program !== "", "allowed is a program and its arguments; the program is empty");

/** Where a program runs: in the guest, or on the host where the machine is then, or was, or is to be. */
const PLACES = ["guest", "host", "source", "target"] as const;
export type Place = (typeof PLACES)[number];

/** By what a guest is given memory, and gives it back. */
export const MEMORY_WAYS = [...MEMORY_ROOMS, "balloon"] as const;
export type MemoryWay = (typeof MEMORY_WAYS)[number];

/**
 * One step. `guestExec` runs a program in the guest, by its agent and without a shell, `hostExec` one on a host; `custom` one
 * in either, and another one tells whether it has had its effect; `growFilesystem` has a file system of the guest take all
 * of its disk; `vcpus`, `memory`, `disk`, `nic` and `device` say where the machine's own changes take place among the others.
 */
export const morphStepSchema = z.strictObject({
	kind: z
		.enum(["guestExec", "hostExec", "custom", "growFilesystem", "vcpus", "memory", "disk", "nic", "device"])
		.default("guestExec"),
	exec: command.optional(),
	undo: command.optional(),
	check: command.optional(),
	on: z.enum(PLACES).optional(),
	checkOn: z.enum(PLACES).optional(),
	by: z.enum(MEMORY_WAYS).optional(),
	mountPoint: absolutePath.optional(),
	diskMiB: mebibytes.optional(),
	parallel: z.boolean().default(false),
	timeoutSeconds: z.number().min(1).max(86_400).default(60),
	onFailure: z.enum(["compensate", "abort", "continue"]).default("compensate"),
});

const phase = z.array(morphStepSchema).max(64);

export const morphSchema = z.strictObject({
	tools: toolsSchema.optional(),
	preMigration: phase.optional(),
	hotUnplug: phase.optional(),
	migration: z.strictObject({ duringMigration: phase.optional() }).optional(),
	hotPlug: phase.optional(),
	postMigration: phase.optional(),
});

/** A stored template, of which the class takes the steps: nothing is left of it for a check. */
export const storedTemplate = z.never("allowed is a MorphTemplate");

export type MorphTemplate = z.output<typeof morphSchema>;
export type MorphStep = z.output<typeof morphStepSchema>;

/** In the order in which they run. */
export const PHASES = ["preMigration", "hotUnplug", "duringMigration", "hotPlug", "postMigration"] as const;
export type Phase = (typeof PHASES)[number];

/** Those before a machine that moves is on its new host. */
export const BEFORE_MOVE: ReadonlyArray<Phase> = ["preMigration", "hotUnplug"];

/** Where a phase's steps are in a template, as errors name it. */
export const pathOf = (phase: Phase) => (phase === "duringMigration" ? `migration.${phase}` : phase);

export function stepsIn({ migration, tools: _, ...phases }: MorphTemplate, phase: Phase): ReadonlyArray<MorphStep> {
	return (phase === "duringMigration" ? migration?.duringMigration : phases[phase]) ?? [];
}

export function hasStep(template: MorphTemplate = {}, kind: MorphStep["kind"]): boolean {
	return PHASES.some((phase) => stepsIn(template, phase).some((step) => step.kind === kind));
}

/** How memory is to change in a phase; undefined where that is left to what the machine has. */
export function memoryWay(template: MorphTemplate = {}, phase: Phase): MemoryWay | undefined {
	return stepsIn(template, phase).find(({ kind }) => kind === "memory")?.by;
}

/** Where the programs of a step run; none of the machine's own changes. */
function placesOf({ kind, on, checkOn }: Pick<MorphStep, "kind" | "on" | "checkOn">): Place[] {
	if (kind === "custom") return [on ?? "guest", checkOn ?? on ?? "guest"];
	if (kind === "hostExec") return [on ?? "host"];
	return kind === "guestExec" || kind === "growFilesystem" ? ["guest"] : [];
}

/** Where a step's program runs, and where what tells whether it has had its effect. */
export function placeOf(step: MorphStep): { exec: Place; check: Place } {
	const [exec = "guest", check = exec] = placesOf(step);
	return { exec, check };
}

const somewhere = (template: MorphTemplate, is: (place: Place) => boolean) =>
	PHASES.some((phase) => stepsIn(template, phase).some((step) => placesOf(step).some(is)));

export function hasPrograms(template: MorphTemplate = {}): boolean {
	return somewhere(template, () => true);
}

/** The first that the guest's agent is needed for: "preMigration[0], of kind guestExec". */
export function firstInGuest(template: MorphTemplate = {}): string | undefined {
	const [tool] = template.tools ?? [];
	if (tool) return `tools[0], "${tool.name}"`;
	for (const phase of PHASES) {
		const steps = stepsIn(template, phase);
		const index = steps.findIndex((step) => placesOf(step).includes("guest"));
		if (index >= 0) return `${pathOf(phase)}[${index}], of kind ${steps[index]!.kind}`;
	}
	return undefined;
}

export function runsOnHosts(template: MorphTemplate = {}): boolean {
	return somewhere(template, (place) => place !== "guest");
}

/** Of a machine that stands still on its new host: what needs nothing of its guest. */
export function isForPause(step: MorphStep): boolean {
	return !placesOf(step).includes("guest");
}

/** Whether a machine that moves stands still on its new host for steps of the hosts. */
export function pausesFor(template: MorphTemplate = {}): boolean {
	return stepsIn(template, "duringMigration").some(isForPause);
}

/** Where a step's program runs, for those who read it. */
export function whereOf(step: MorphStep): string {
	const { exec } = placeOf(step);
	if (exec === "guest") return "in the guest";
	return exec === "host" ? "on the host" : `on the ${exec} host`;
}

/** What a step does that is none of the machine's own changes: completes "could not ...". Undefined for those. */
export function deedOf(step: MorphStep): string | undefined {
	if (step.exec) return `run ${step.exec[0]} ${whereOf(step)}`;
	return step.kind === "growFilesystem" ? `grow the file system on ${step.mountPoint} ${whereOf(step)}` : undefined;
}

/** Steps that grow a file system onto a disk of a size which another template had not: then all of it is to run. */
export function growthsOf(template: MorphTemplate = {}, before: MorphTemplate = {}): MorphStep[] {
	const sized = (one: MorphTemplate) =>
		PHASES.flatMap((phase) => stepsIn(one, phase)).filter(({ diskMiB }) => diskMiB !== undefined);
	const known = sized(before);
	return sized(template).filter(
		({ mountPoint, diskMiB }) => !known.some((step) => step.mountPoint === mountPoint && step.diskMiB === diskMiB),
	);
}

/**
 * Where the machine changes where a template does not say: what goes before what comes, and memory before vCPUs (see the planner).
 * Of disks, NICs and devices only where it names them in the other phase: else they change before the first step, or by a
 * restart.
 */
const DEFAULT_PLACES = {
	hotUnplug: ["device", "nic", "disk", "memory", "vcpus"],
	hotPlug: ["memory", "vcpus", "disk", "nic", "device"],
} as const;

/** The template with the machine's own changes put where it does not name them: in front, so that its programs find them done. */
export function completed(template: MorphTemplate = {}): Record<Phase, MorphStep[][]> {
	const groups = (name: Phase) => groupsOf(stepsIn(template, name));
	const during = stepsIn(template, "duringMigration");
	const withOwn = (name: keyof typeof DEFAULT_PLACES) => {
		const given = groups(name);
		const missing = DEFAULT_PLACES[name]
			.filter((kind) => kind === "vcpus" || kind === "memory" || hasStep(template, kind))
			.filter((kind) => !given.flat().some((step) => step.kind === kind));
		return [...missing.map((kind) => [morphStepSchema.parse({ kind })]), ...given];
	};
	return {
		preMigration: groups("preMigration"),
		hotUnplug: withOwn("hotUnplug"),
		// While it stands still, and first thing when it goes on.
		duringMigration: [true, false].flatMap((paused) => groupsOf(during.filter((step) => isForPause(step) === paused))),
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

/** Steps are where one place says that they are. */
export const fileRule: Rule<{ morph?: { file?: string | undefined; template?: unknown } | undefined }> = {
	property: "morph.file",
	needs: ["morph"],
	check: ({ morph: { file, ...others } = {} }) => {
		const [other] = Object.keys(others);
		return file !== undefined && other !== undefined
			? `got "${file}" and ${other}; allowed is one of them: a file, a template, or the phases themselves`
			: undefined;
	},
};

function firstComplaint(morph: MorphTemplate): string | undefined {
	const wrong = complaintAboutTools(morph.tools);
	if (wrong !== undefined) return wrong;
	for (const name of PHASES) {
		const kinds = new Set<string>();
		for (const [index, step] of stepsIn(morph, name).entries()) {
			const complaint = complaintAbout(step, name) ?? (isOwn(step) && kinds.has(step.kind) ? TWICE : undefined);
			if (complaint !== undefined) return `${pathOf(name)}[${index}]: got kind "${step.kind}" ${complaint}`;
			kinds.add(step.kind);
		}
	}
	return undefined;
}

const TWICE = "twice; allowed is once in each of hotUnplug and hotPlug, as there is one change of it";

function complaintAbout(step: MorphStep, phase: Phase): string | undefined {
	const foreign = FIELDS.find(([name, kinds]) => step[name] !== undefined && !kinds.includes(step.kind));
	if (foreign)
		return `with ${foreign[0]}: ${JSON.stringify(step[foreign[0]])}, which is for ${foreign[1].join(" and ")}`;
	if (step.kind === "hostExec" && (step.on === "guest" || step.on === "host")) {
		return `with on: "${step.on}"; allowed are source and target. In the guest runs kind "guestExec"`;
	}
	if (step.kind === "growFilesystem") return complaintAboutGrowth(step, phase);
	if (!isOwn(step)) return complaintAboutProgram(step);
	if (phase !== "hotUnplug" && phase !== "hotPlug") return `in ${phase}; allowed is it in hotUnplug and hotPlug`;
	if (step.exec !== undefined || step.undo !== undefined) {
		return `${WITH_PROGRAM}: here the machine itself changes. Put the program into a step of its own, before or after this one`;
	}
	return step.onFailure === "continue"
		? 'with onFailure "continue"; allowed are compensate and abort, as the machine would not be of its type'
		: undefined;
}

/** Fields that some kinds have. */
const FIELDS: ReadonlyArray<
	[name: "on" | "check" | "checkOn" | "by" | "mountPoint" | "diskMiB", of: MorphStep["kind"][]]
> = [
	["on", ["hostExec", "custom"]],
	["check", ["custom"]],
	["checkOn", ["custom"]],
	["by", ["memory"]],
	["mountPoint", ["growFilesystem"]],
	["diskMiB", ["growFilesystem"]],
];

function complaintAboutProgram({ kind, exec, check }: MorphStep): string | undefined {
	if (exec === undefined) return "without exec; give the program and its arguments";
	return kind === "custom" && check === undefined
		? "without check; give the program that tells by exit code 0 that the step has had its effect"
		: undefined;
}

function complaintAboutGrowth({ mountPoint, exec, undo }: MorphStep, phase: Phase): string | undefined {
	if (phase !== "hotPlug" && phase !== "postMigration")
		return `in ${phase}; allowed is it in hotPlug and postMigration`;
	if (exec !== undefined || undo !== undefined) return WITH_PROGRAM;
	return mountPoint === undefined
		? "without mountPoint; give where the file system is mounted in the guest"
		: undefined;
}

const WITH_PROGRAM = "with exec or undo, which are those of guestExec, hostExec and custom";

function isOwn({ kind }: MorphStep): boolean {
	return ["vcpus", "memory", "disk", "nic", "device"].includes(kind);
}
