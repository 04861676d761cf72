/** Shapes of machines, by what matters of them. */
import { barredShape } from "../../../provider/morph/agent-policy";
import type { Shape } from "../../../provider/morph/shape";
import { element } from "../../../provider/xml/element";

export interface Given {
	accelerator: "kvm" | "qemu";
	agent: boolean;
	/** Whether the agent may not be used. */
	barred?: boolean;
	hotPlug: boolean;
	balloon: boolean;
	present: number;
	inUse: number;
	max: number;
	bootMiB: number;
	presentMiB: number;
	sizeMiB: number;
	/** Sizes of DIMMs, where its room is for these. */
	modules?: number[];
	slots: number;
}

const usual: Given = {
	accelerator: "qemu",
	agent: true,
	hotPlug: true,
	balloon: true,
	present: 2,
	inUse: 2,
	max: 4,
	bootMiB: 256,
	presentMiB: 256,
	sizeMiB: 1024,
	slots: 7,
};

export function shape(given: Partial<Given> = {}): Shape {
	const all = { ...usual, ...given };
	const requestedMiB = Math.max(0, all.presentMiB - all.bootMiB);
	const modules = (all.modules ?? []).map((sizeMiB) => ({ element: element("memory"), sizeMiB }));
	const leftMiB = modules.reduce((left, { sizeMiB }) => left - sizeMiB, all.sizeMiB);
	const looked: Shape = {
		accelerator: all.accelerator,
		agent: all.agent,
		vcpus: { present: all.present, max: all.max, hotPlug: all.hotPlug, ...(all.agent && { inUse: all.inUse }) },
		memory: {
			presentMiB: all.presentMiB,
			balloon: all.balloon,
			bootMiB: all.bootMiB,
			room: {
				bootMiB: all.bootMiB,
				maxMemoryMiB: all.bootMiB + all.sizeMiB,
				device: all.modules
					? undefined
					: {
							element: element("memory"),
							sizeMiB: all.sizeMiB,
							requestedMiB,
							currentMiB: requestedMiB,
							blockMiB: 4,
						},
				modules,
				free: { slots: all.slots - modules.length, memoryMiB: all.modules ? leftMiB : 0 },
			},
		},
		lacks: [],
	};
	return all.barred ? barredShape(looked) : looked;
}
