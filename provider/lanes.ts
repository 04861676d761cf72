/**
 * Lets at most so many operations of one lane run at the same time, in the order they came. Those that wait hold slots of
 * the engine's, which those that run have already and need no other: so they go on, however few slots there are.
 */
interface Lane {
	running: number;
	waiting: Array<() => void>;
}

const lanes = new Map<string, Lane>();

/** @param lane name and width; undefined does not limit */
export async function inLane<T>(lane: { name: string; width: number } | undefined, work: () => Promise<T>): Promise<T> {
	if (!lane) return work();
	const state = lanes.get(lane.name) ?? { running: 0, waiting: [] };
	lanes.set(lane.name, state);
	if (state.running >= lane.width) await new Promise<void>((resolve) => state.waiting.push(resolve));
	else state.running++;
	try {
		return await work();
	} finally {
		// The place is handed on, so that nobody who comes now gets in between.
		const next = state.waiting.shift();
		if (next) next();
		else state.running--;
	}
}
