import type { CloneInstance } from "../../components/thin-clone-pool";

/** Prints name, address and the time of each step of every machine. */
export function printTable(machines: CloneInstance[]): void {
	const ms = (value: number | undefined) => (value === undefined ? "-" : `${value.toFixed(0)} ms`);
	const rows = machines.map(({ name, addresses, macs, timings }) => [
		name,
		addresses.join(" ") || "-",
		macs[0] ?? "-",
		ms(timings.volumeMs),
		ms(timings.defineMs),
		ms(timings.startMs),
		ms(timings.firstGuestActionMs),
	]);
	const header = ["machine", "address", "MAC", "disk", "define", "start", "first guest action"];
	const widths = header.map((title, column) =>
		Math.max(...[title, ...rows.map((row) => row[column]!)].map((c) => c.length)),
	);
	for (const row of [header, ...rows]) {
		console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd());
	}
}
