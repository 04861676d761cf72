/** Which instance types a machine, or a set of machines, can change to, how, and which machine excludes the rest. Pure. */
import type { InstanceType } from "./instance-types";
import { type MorphPlan, planMorph } from "./planner";
import type { Shape } from "./shape";

/** A machine as it is now. */
export interface Machine {
	name: string;
	/** Undefined for one that is off. */
	running: Shape | undefined;
	memoryMiB: number;
}

/** From the best to the worst; a set can do what the worst of its machines can. */
const MODES = ["none", "live", "start", "reboot", "impossible"] as const;

/**
 * `none`: is of that size; `live`: changes while it runs; `start`: is off, and has it from its next start on; `reboot`: by
 * a restart.
 */
export type MorphMode = (typeof MODES)[number];

export interface MorphOption {
	/** The instance type's name. */
	type: string;
	/** How large that is. */
	size: InstanceType;
	/** What the change would be. */
	mode: MorphMode;
	/** Why it is no better: each names its machine, or none where it is about all of them together. */
	reasons: Array<{ machine?: string; reason: string }>;
}

/**
 * @param availableMiB memory that the host still has for machines; undefined where it does not say
 * @returns one for each type, in their order
 */
export function optionsOf(
	machines: ReadonlyArray<Machine>,
	types: Readonly<Record<string, InstanceType>>,
	availableMiB: number | undefined,
): MorphOption[] {
	return Object.entries(types).map(([type, size]) => {
		const each = machines.map((machine) => ({ machine, ...optionOf(machine, size) }));
		const reasons: MorphOption["reasons"] = each.flatMap(({ machine, reasons }) =>
			reasons.map((reason) => ({ machine: machine.name, reason })),
		);
		const growthMiB = machines.reduce((sum, { running, memoryMiB }) => {
			return sum + (running ? Math.max(0, size.memoryMiB - memoryMiB) : 0);
		}, 0);
		const beyond = availableMiB !== undefined && growthMiB > availableMiB;
		if (beyond) reasons.push({ reason: `the host has ${availableMiB} MiB for ${growthMiB} MiB more` });
		const mode = beyond ? "impossible" : worst(each.map((one) => one.mode));
		return { type, size, mode, reasons };
	});
}

function optionOf(
	{ running, memoryMiB }: Machine,
	size: InstanceType,
): Pick<MorphPlan, "reasons"> & { mode: MorphMode } {
	if (running) return planMorph(running, size);
	return { mode: "start", reasons: [`it is off, with ${memoryMiB} MiB`] };
}

function worst(modes: ReadonlyArray<MorphMode>): MorphMode {
	return MODES[Math.max(0, ...modes.map((mode) => MODES.indexOf(mode)))]!;
}
