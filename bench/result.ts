/** What every benchmark gives, and what it is told. */

/** Numbers in groups of any depth, in the unit that the group's name says. */
export interface Numbers {
	[name: string]: number | Numbers;
}

export interface Result {
	/** What was measured: `milliseconds`, `mebibytes`. */
	[unit: string]: Numbers;
	/** What the numbers are for, flat: each has a target. */
	ratios: Record<string, number>;
}

export interface Options {
	/** Small numbers and one round, to see that the benchmark works. */
	quick: boolean;
}

export interface Benchmark {
	run(options: Options): Promise<Result>;
	/** Root of the QEMU that it is run with. @default the machine's own */
	qemu?(): Promise<string | undefined>;
	/** The picture of a result, as SVG. */
	chart?(result: Result): string;
	/** Tables for the guides, by the name of their place: see `tables.ts`. */
	tables?(result: Result): Record<string, string>;
}
