/** Random choices that can be repeated: the same seed gives the same faults. */
export class Random {
	private state: number;

	constructor(readonly seed: number) {
		this.state = seed >>> 0;
	}

	/** 0 to 1, without 1 (mulberry32). */
	next(): number {
		this.state = (this.state + 0x6d2b79f5) >>> 0;
		let bits = this.state;
		bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
		bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
		return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
	}

	/** A whole number; both ends are possible. */
	between(least: number, most: number): number {
		return least + Math.floor(this.next() * (most - least + 1));
	}

	shuffled<T>(items: ReadonlyArray<T>): T[] {
		const left = [...items];
		return items.map(() => left.splice(this.between(0, left.length - 1), 1)[0]!);
	}

	pick<T>(items: ReadonlyArray<T>): T {
		return items[this.between(0, items.length - 1)]!;
	}
}

/** `CLONES_FAULT_SEED`; without it the given one. @throws Error when it is no whole number */
export function seedOr(fallback: number): number {
	const given = process.env.CLONES_FAULT_SEED;
	if (given === undefined || given === "") return fallback;
	if (!/^\d{1,9}$/.test(given))
		throw new Error(`CLONES_FAULT_SEED is "${given}"; allowed is a number of 1 to 9 digits`);
	return Number(given);
}
