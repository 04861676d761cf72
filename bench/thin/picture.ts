/** How the results are shown: a chart, and tables for the guides. */
import { type Bars, barChart } from "../chart";
import type { Numbers, Result } from "../result";
import { markdownTable } from "../tables";
import type { ByCount } from "./index";

const WAYS: Record<string, string> = {
	bare: "bare loop over libvirt.so",
	empty: "the engine alone, empty resources",
	clones: "this package, pulumi up",
	virsh: "loop over virsh",
	bridged: "bridged provider, pulumi up",
};

/** Ways that were measured, with their times for each clone. */
function measured({ milliseconds }: Result): Array<[string, ByCount]> {
	const perClone = milliseconds!.per_clone as Record<string, ByCount>;
	return Object.entries(WAYS).flatMap(([way, name]): Array<[string, ByCount]> => {
		const byCount = perClone[way];
		return byCount ? [[name, byCount]] : [];
	});
}

export function chart(result: Result): string {
	const groups: Bars["groups"] = measured(result).map(([name, byCount]) => ({
		name,
		bars: Object.entries(byCount)
			.reverse()
			// Noise can make the difference of two short runs negative.
			.map(([key, value]) => ({ name: `${key.slice(1)} at once`, value: Math.max(value, 0.1) })),
	}));
	return barChart({
		title: "Thin clones: time for each (disk made and machine defined)",
		note: "milliseconds, start-up of the engine apart; logarithmic scale; shorter is better",
		unit: "ms",
		groups,
	});
}

export function tables(result: Result): Record<string, string> {
	const ways = measured(result);
	const counts = Object.keys(ways[0]![1]);
	const head = ["milliseconds for each clone", ...counts.map((key) => `${key.slice(1)} at once`)];
	return {
		"thin-ways": markdownTable(
			head,
			ways.map(([name, byCount]) => [name, ...counts.map((key) => byCount[key])]),
		),
		"thin-large": large(result),
		"thin-disks": markdownTable(
			["one disk", "milliseconds"],
			Object.entries(result.milliseconds!.disk as ByCount).map(([name, value]) => [name.replace("_", "-"), value]),
		),
	};
}

function large({ milliseconds, mebibytes }: Result): string {
	const seconds = (...path: string[]) => {
		const value = path.reduce<number | Numbers | undefined>(
			(inner, key) => (typeof inner === "object" ? inner[key] : undefined),
			milliseconds,
		);
		return typeof value === "number" ? `${Number((value / 1000).toPrecision(2))} s` : "";
	};
	const head = ["machines", "`up`", "`up` without checkpoints", "preview", "`destroy` without checkpoints", "memory"];
	const rows = Object.entries(mebibytes!).map(([key, memory]) => {
		const { provider, workers_together } = memory as Record<string, number>;
		const life = [`without_checkpoints_${key}`, "clones"];
		const usual = seconds(`with_checkpoints_${key}`, "clones", "up") || seconds("whole_run", "clones", key);
		return [
			key.slice(1),
			usual,
			seconds(...life, "up"),
			seconds(...life, "preview"),
			seconds(...life, "destroy"),
			`${provider} + ${workers_together} MiB`,
		];
	});
	return markdownTable(head, rows);
}
