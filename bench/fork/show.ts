/** The picture of the benchmark of forks, and its tables. */
import { barChart } from "../chart";
import type { Result } from "../result";
import { markdownTable } from "../tables";

const WAYS = {
	boot: "boots",
	fork: "goes on from its parent",
	warm: "waited, and goes on",
	host: "the host's part of that",
	rawCold: "QEMU alone, started",
	rawWarm: "QEMU alone, waited",
} as const;

type Ways = Record<keyof typeof WAYS | "steps", Record<string, number>>;

/** One row for each kind of guest and way. */
function rowsOf({ milliseconds }: Result): Array<{ name: string; times: Record<string, number> }> {
	return Object.entries(milliseconds!).flatMap(([kind, ways]) =>
		Object.entries(WAYS).map(([way, what]) => ({
			name: `${kind}: ${what}`,
			times: (ways as unknown as Ways)[way as keyof typeof WAYS],
		})),
	);
}

export function chart(result: Result): string {
	return barChart({
		title: "From wanting machines to the last that is somebody",
		note: "Seconds, without KVM, on a logarithmic scale; the host's part and QEMU alone: to the guest's next instruction",
		unit: "s",
		groups: rowsOf(result).map(({ name, times }) => ({
			name,
			bars: Object.entries(times).map(([count, value]) => ({
				name: `${count.slice(1)} machine${count === "n1" ? "" : "s"}`,
				value: value / 1000,
			})),
		})),
	});
}

export function tables(result: Result): Record<string, string> {
	const rows = rowsOf(result).map(({ name, times }) => [
		name,
		...["n1", "n4", "n16", "n32"].map((count) => (times[count] === undefined ? undefined : times[count] / 1000)),
	]);
	const steps = Object.entries(result.milliseconds!).map(([kind, ways]) => {
		const { start, load, identity, plug, connect } = (ways as unknown as Ways).steps;
		const { memory, disk, memoryConnected } = result.mebibytes![kind] as Record<string, number>;
		return [kind, start, load, identity, plug, connect, memory, memoryConnected, disk];
	});
	return {
		fork: markdownTable(["seconds for all of them", "1 machine", "4", "16", "32"], rows),
		"fork-steps": markdownTable(
			[
				"one child",
				...["start ms", "load ms", "identity ms", "plug ms", "connect ms"],
				...["own memory MiB, with its identity", "and its network", "own disk MiB"],
			],
			steps,
		),
	};
}
