/** Shapes of machines, by what matters of them. */
import type { Shape } from "../../../provider/morph/shape";
import { element } from "../../../provider/xml/element";

export interface Given {
	accelerator: "kvm" | "qemu";
	agent: boolean;
	hotPlug: boolean;
	balloon: boolean;
	present: number;
	inUse: number;
	max: number;
	bootMiB: number;
	presentMiB: number;
	sizeMiB: number;
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
};

export function shape(given: Partial<Given> = {}): Shape {
	const all = { ...usual, ...given };
	const requestedMiB = Math.max(0, all.presentMiB - all.bootMiB);
	return {
		accelerator: all.accelerator,
		agent: all.agent,
		vcpus: { present: all.present, max: all.max, hotPlug: all.hotPlug, ...(all.agent && { inUse: all.inUse }) },
		memory: {
			presentMiB: all.presentMiB,
			balloon: all.balloon,
			room: {
				bootMiB: all.bootMiB,
				maxMemoryMiB: all.bootMiB + all.sizeMiB,
				device: {
					element: element("memory"),
					sizeMiB: all.sizeMiB,
					requestedMiB,
					currentMiB: requestedMiB,
					blockMiB: 4,
				},
			},
		},
		lacks: [],
	};
}
