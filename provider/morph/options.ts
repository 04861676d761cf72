/**
 * Which instance types a machine, or a set of machines, can change to, here or on another host, how, and which machine
 * excludes the rest. Pure.
 */
import type { Obstacle } from "../move/obstacles";
import type { InstanceType } from "./instance-types";
import { memoryGoal } from "./memory";
import { type MorphPlan, planMorph } from "./planner";
import type { Shape } from "./shape";
import { MEMORY_WAYS, type MemoryWay } from "./template";

/** What QEMU takes beside the guest's memory: 43 to 57 MiB were measured, of small guests without KVM. */
export const QEMU_MIB = 64;

/** It changes its memory faster than that is sent. */
export interface TooFast {
	mode: "save-restore";
	reason: string;
}

/** A machine as it is now. */
export interface Machine {
	name: string;
	/** Undefined for one that is off. */
	running: Shape | undefined;
	memoryMiB: number;
	/** Where it is asked for another host: what keeps it from going there as it is. */
	obstacles?: ReadonlyArray<Obstacle | TooFast>;
}

/** From the best to the worst; a set can do what the worst of its machines can. */
const MODES = ["none", "live", "start", "paused", "save-restore", "reboot", "impossible"] as const;

/**
 * `none`: is of that size; `live`: changes, and moves, while it runs; `start`: is off, and has it from its next start on;
 * `paused`: stands still while its memory is sent to the other host; `save-restore`: while it is saved and brought there;
 * `reboot`: by a restart.
 */
export type MorphMode = (typeof MODES)[number];

export interface MorphOption {
	/** The instance type's name. */
	type: string;
	/** How large that is. */
	size: InstanceType;
	/** What the change would be. */
	mode: MorphMode;
	/** By what all of them that run come to its memory while they do; none where one of them does not. */
	memoryBy: MemoryWay[];
	/** Why it is no better: each names its machine, or none where it is about all of them together. */
	reasons: Array<{ machine?: string; reason: string }>;
}

/**
 * @param availableMiB memory that the host, or the one that they are to go to, still has; undefined where it does not say
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
		const moreMiB = machines.reduce((sum, machine) => sum + moreFor(machine, size), 0);
		const beyond = availableMiB !== undefined && moreMiB > availableMiB;
		if (beyond) reasons.push({ reason: `the host has ${availableMiB} MiB for ${moreMiB} MiB more` });
		const mode = beyond ? "impossible" : worst(each.map((one) => one.mode));
		return { type, size, mode, memoryBy: waysOf(machines, size), reasons };
	});
}

function waysOf(machines: ReadonlyArray<Machine>, { memoryMiB }: InstanceType): MemoryWay[] {
	return MEMORY_WAYS.filter((by) =>
		machines.every(
			({ running }) =>
				!running || (canSpare(running, memoryMiB) && typeof memoryGoal(running.memory, memoryMiB, by) !== "string"),
		),
	);
}

/** Without its agent no guest is asked. */
function canSpare({ barred, memory }: Shape, memoryMiB: number): boolean {
	return barred === undefined || memoryMiB >= memory.presentMiB;
}

/** One that comes from another host needs all of it. */
function moreFor({ running, memoryMiB, obstacles }: Machine, size: InstanceType): number {
	if (!running) return 0;
	return obstacles ? size.memoryMiB + QEMU_MIB : Math.max(0, size.memoryMiB - memoryMiB);
}

type Option = Pick<MorphPlan, "reasons"> & { mode: MorphMode };

function optionOf(machine: Machine, size: InstanceType): Option {
	const change = changeOf(machine, size);
	if (!machine.obstacles) return change;
	const moves = change.mode === "none" ? "live" : change.mode;
	return {
		mode: worst([moves, ...machine.obstacles.map(({ mode }) => mode)]),
		reasons: [...change.reasons, ...machine.obstacles.map(({ reason }) => reason)],
	};
}

function changeOf({ running, memoryMiB }: Machine, size: InstanceType): Option {
	if (running) return planMorph(running, size);
	return { mode: "start", reasons: [`it is off, with ${memoryMiB} MiB`] };
}

function worst(modes: ReadonlyArray<MorphMode>): MorphMode {
	return MODES[Math.max(0, ...modes.map((mode) => MODES.indexOf(mode)))]!;
}
