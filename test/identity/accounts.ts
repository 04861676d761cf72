/** Many accounts at once. */

/** "web-001" and so on. */
export function named(prefix: string, count: number): string[] {
	return Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(3, "0")}`);
}

/** Does the same for each name, eight at a time. @returns the results in the order of the names */
export async function eachOf<T>(names: ReadonlyArray<string>, work: (name: string) => Promise<T>): Promise<T[]> {
	const results = new Array<T>(names.length);
	let next = 0;
	const worker = async () => {
		while (next < names.length) {
			const index = next++;
			results[index] = await work(names[index]!);
		}
	};
	await Promise.all(Array.from({ length: 8 }, worker));
	return results;
}
