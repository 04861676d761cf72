/** "Did you mean": finds what somebody most probably wanted to type. */

/**
 * @returns `; did you mean "disks"?`, or nothing where no candidate is close
 */
export function didYouMean(typed: string, candidates: Iterable<string>): string {
	const close = closest(typed, candidates);
	return close === undefined ? "" : `; did you mean ${JSON.stringify(close)}?`;
}

/**
 * The candidate that differs least, if it differs by no more than a third of the letters; else one that
 * goes on where the typed word ends, as `memoryMiB` does after `memory`.
 */
export function closest(typed: string, candidates: Iterable<string>): string | undefined {
	const all = [...candidates];
	return (
		nearest(typed, all) ?? all.find((name) => typed.length > 2 && name.toLowerCase().startsWith(typed.toLowerCase()))
	);
}

function nearest(typed: string, candidates: ReadonlyArray<string>): string | undefined {
	const limit = Math.floor(typed.length / 3);
	let best: { candidate: string; edits: number } | undefined;
	for (const candidate of candidates) {
		if (Math.abs(candidate.length - typed.length) > limit) continue;
		const edits = distance(typed.toLowerCase(), candidate.toLowerCase());
		if (edits <= limit && (best === undefined || edits < best.edits)) best = { candidate, edits };
	}
	return best?.candidate;
}

/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours count one each. */
function distance(a: string, b: string): number {
	let beforeLast: number[] = [];
	let last = Array.from({ length: b.length + 1 }, (_, column) => column);
	for (let row = 1; row <= a.length; row++) {
		const current = [row];
		for (let column = 1; column <= b.length; column++) {
			const same = a[row - 1] === b[column - 1];
			let edits = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
			const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
			if (swapped) edits = Math.min(edits, beforeLast[column - 2]! + 1);
			current.push(edits);
		}
		beforeLast = last;
		last = current;
	}
	return last[b.length]!;
}
