/** @param rows of as many cells each; the first is the head. @returns a line for each, with columns of one width */
export function table(rows: ReadonlyArray<ReadonlyArray<string>>): string[] {
	const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
	return rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column]!))
			.join("  ")
			.trimEnd(),
	);
}
