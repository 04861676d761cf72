/** What every benchmark does: take times, repeat, say how far it is. */

/** Milliseconds that the work takes. */
export async function time(work: () => unknown): Promise<number> {
	const started = performance.now();
	await work();
	return performance.now() - started;
}

export function median(values: ReadonlyArray<number>): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Takes each measurement once a round, one after the other, so that a busy minute of the machine is nobody's alone.
 * @returns the medians, in the unit that the measurements return
 */
export async function interleaved<Name extends string>(
	rounds: number,
	measurements: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
	const names = Object.keys(measurements) as Name[];
	const taken = new Map<Name, number[]>(names.map((name) => [name, []]));
	for (let round = 1; round <= rounds; round++) {
		for (const name of names) {
			const value = await measurements[name]();
			taken.get(name)!.push(value);
			progress(`${name}, ${round} of ${rounds}: ${Math.round(value)} ms`);
		}
	}
	return Object.fromEntries([...taken].map(([name, values]) => [name, median(values)])) as Record<Name, number>;
}

let began: number | undefined;

/** A line on stderr with the seconds since the first. */
export function progress(text: string): void {
	began ??= performance.now();
	console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}
