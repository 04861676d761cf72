/** From a machine's present shape to the wanted one: which steps, and whether it can go on running. Pure. */
import { BARRED } from "./agent-policy";
import type { Size } from "./instance-types";
import { memoryGoal, waysTo } from "./memory";
import type { Shape } from "./shape";
import { type MorphTemplate, memoryWay } from "./template";

/** One change of vCPUs or memory. */
export interface SizeStep {
	kind: "vcpus" | "memory";
	phase: "hotUnplug" | "hotPlug";
	from: number;
	to: number;
	/** How, as a clause for the preview. */
	how: string;
}

export interface MorphPlan {
	/** `reboot` when something needs a start of the machine; `none` when it is as wanted. */
	mode: "none" | "live" | "reboot";
	/** Of mode `live`, those that give back first. */
	steps: SizeStep[];
	/** Why it cannot go on running, of mode `reboot`. */
	reasons: string[];
}

/** For those whose size stays. */
export const NOTHING: MorphPlan = { mode: "none", steps: [], reasons: [] };

/** @param template says by what memory is to change, where that is not left to what the machine has */
export function planMorph(shape: Shape, wanted: Size, template?: MorphTemplate): MorphPlan {
	const sides = [vcpuStep(shape, wanted.vcpus), memoryStep(shape, wanted.memoryMiB, template)];
	const reasons = sides.flatMap((side) => side.reasons);
	if (reasons.length > 0) return { mode: "reboot", steps: [], reasons };
	const steps = sides.flatMap(({ step }) => step ?? []);
	// Memory first, either way: a guest that frees it with one vCPU stands still for that, and vCPUs want some of their own.
	const order = ["hotUnplug memory", "hotUnplug vcpus", "hotPlug memory", "hotPlug vcpus"];
	const rank = ({ phase, kind }: SizeStep) => order.indexOf(`${phase} ${kind}`);
	steps.sort((a, b) => rank(a) - rank(b));
	return { mode: steps.length === 0 ? "none" : "live", steps, reasons };
}

interface Side {
	step?: SizeStep;
	reasons: string[];
}

const refused = (...reasons: string[]): Side => ({ reasons });

function vcpuStep({ vcpus, agent, barred, accelerator }: Shape, wanted: number): Side {
	const { present, max, inUse = present } = vcpus;
	if (wanted > max) return refused(`${wanted} vCPUs are beyond the ${max} that it was started with room for`);
	const step = (phase: SizeStep["phase"], from: number, how: string): Side => ({
		step: { kind: "vcpus", phase, from, to: wanted, how },
		reasons: [],
	});
	if (wanted > present) {
		if (!vcpus.hotPlug) return refused("its board takes no vCPUs while it runs");
		const how = agent ? "hot plug, put to use by the guest agent" : "hot plug; the guest puts them to use";
		return step("hotPlug", inUse, how);
	}
	if (accelerator === "kvm" && wanted < present) return step("hotUnplug", present, "hot unplug");
	if (wanted > inUse && barred)
		return refused(`a vCPU that was left aside is put to use again by the guest agent, ${BARRED}`);
	if (wanted > inUse) return step("hotPlug", inUse, "put to use again by the guest agent");
	if (wanted === inUse) return refused();
	// QEMU's emulation does not survive that a vCPU is taken out: the guest leaves it aside until the next start.
	if (!agent) {
		const why = barred ? BARRED : "which does not answer";
		return refused(`without KVM a vCPU is only left aside, by the guest agent, ${why}`);
	}
	return step("hotUnplug", inUse, "left aside by the guest agent, as no vCPU can be unplugged without KVM");
}

function memoryStep({ memory, barred }: Shape, wanted: number, template: MorphTemplate | undefined): Side {
	const { presentMiB } = memory;
	if (presentMiB === wanted) return refused();
	const phase = wanted > presentMiB ? "hotPlug" : "hotUnplug";
	// A guest that gives back what it needs ends programs.
	if (barred && phase === "hotUnplug")
		return refused(`what its guest can spare is asked of the guest agent, ${BARRED}`);
	const goal = memoryGoal(memory, wanted, memoryWay(template, phase));
	if (typeof goal === "string") return refused(goal);
	return { step: { kind: "memory", phase, from: presentMiB, to: wanted, how: waysTo(memory, goal) }, reasons: [] };
}

/** "vCPUs 1 to 2: hot plug, put to use by the guest agent" */
export function stepLine({ kind, from, to, how }: SizeStep): string {
	return kind === "vcpus" ? `${from} to ${to} vCPUs: ${how}` : `${from} to ${to} MiB: ${how}`;
}
