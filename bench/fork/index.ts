/**
 * Children that go on from a parent against clones of the same image that boot, each with a host name, ssh host keys and
 * an address of its own. See bench/README.md.
 */
import { barChart } from "../chart";
import { interleaved, median, progress, time } from "../measure";
import type { Benchmark, Numbers, Options, Result } from "../result";
import { markdownTable } from "../tables";
import { type Kind, type Machine, type Point, Stand } from "./stand";

export const fork: Benchmark = { run, chart, tables };

const MIB = 1024 * 1024;
/** As many machines are made at the same time: the engine's parallelism on two cores. */
const PARALLEL = 8;

async function run({ quick }: Options): Promise<Result> {
	const micro = await measure(
		"micro",
		quick ? { rounds: 1, counts: [1], many: [] } : { rounds: 3, counts: [1, 4], many: [16, 32] },
	);
	const debian = quick ? undefined : await measure("debian", { rounds: 1, counts: [1, 4], many: [16] });
	const of = ({ milliseconds }: Measured, way: string, count: number) =>
		(milliseconds[way] as Record<string, number>)[`n${count}`]!;
	return {
		milliseconds: { micro: micro.milliseconds, ...(debian && { debian: debian.milliseconds }) },
		mebibytes: { micro: micro.mebibytes, ...(debian && { debian: debian.mebibytes }) },
		ratios: {
			boot_over_fork_micro_n1: of(micro, "boot", 1) / of(micro, "fork", 1),
			fork_micro_cold_host_ms: hostSide(micro),
			guest_ram_micro_mib: micro.mebibytes.memory as number,
			...(debian && {
				boot_over_fork_debian_n1: of(debian, "boot", 1) / of(debian, "fork", 1),
				boot_over_fork_debian_n4: of(debian, "boot", 4) / of(debian, "fork", 4),
				fork_micro_32_seconds: of(micro, "fork", 32) / 1000,
				guest_ram_debian_mib: debian.mebibytes.memory as number,
			}),
		},
	};
}

interface Measured {
	milliseconds: Numbers;
	mebibytes: Numbers;
}

/** @param many numbers of children for which nobody wants to wait for as many boots */
async function measure(
	kind: Kind,
	{ rounds, counts, many }: { rounds: number; counts: number[]; many: number[] },
): Promise<Measured> {
	const stand = await Stand.start(kind);
	try {
		const point = await stand.point();
		progress(`${kind}: the fork point is there`);
		const children: Machine[] = [];
		const forked = (count: number) =>
			timed(
				stand,
				count,
				() => stand.fork(point),
				(machines) => children.push(...machines),
			);
		const measurements = Object.fromEntries([
			...counts.map((count) => [`boot n${count}`, () => timed(stand, count, () => stand.boot())]),
			...counts.map((count) => [`fork n${count}`, () => forked(count)]),
		]) as Record<string, () => Promise<number>>;
		const taken = await interleaved(rounds, measurements);
		const more = await interleaved(1, Object.fromEntries(many.map((count) => [`fork n${count}`, () => forked(count)])));
		const timings = children.map(({ domain }) => domain.forked!.timings);
		const steps = Object.fromEntries(
			(["startMs", "loadMs", "identityMs", "connectMs"] as const).map((step) => [
				step.replace("Ms", ""),
				median(timings.slice(0, rounds).map((own) => own[step] ?? 0)),
			]),
		);
		return {
			milliseconds: { ...grouped({ ...taken, ...more }), parent: { ...point.timings }, steps },
			mebibytes: await footprint(stand, point),
		};
	} finally {
		await stand.stop();
	}
}

/** Milliseconds from "machines are wanted" to the last that shows its own identity. They are gone afterwards. */
async function timed(
	stand: Stand,
	count: number,
	make: () => Promise<Machine>,
	done: (machines: Machine[]) => void = () => {},
): Promise<number> {
	const machines: Machine[] = [];
	let wanted = count;
	const lane = async () => {
		while (wanted-- > 0) machines.push(await make());
	};
	const all = await time(() => Promise.all(Array.from({ length: Math.min(PARALLEL, count) }, lane)));
	done(machines);
	for (const machine of machines) await stand.remove(machine);
	return all;
}

async function footprint(stand: Stand, point: Point): Promise<Numbers> {
	const machine = await stand.fork(point);
	const { memory, disk } = await stand.ownBytes(point, machine);
	await stand.remove(machine);
	return { memory: memory / MIB, disk: disk / MIB };
}

/** `{ "fork n4": 5 }` as `{ fork: { n4: 5 } }` */
function grouped(values: Record<string, number>): Numbers {
	const groups: Record<string, Record<string, number>> = {};
	for (const [name, value] of Object.entries(values)) {
		const [way, count] = name.split(" ") as [string, string];
		groups[way] = { ...groups[way], [count]: value };
	}
	return groups;
}

/** QEMU's start, the load and the NIC's plug are the host's; the rest is the guest's, which emulation slows down. */
function hostSide({ milliseconds }: Measured): number {
	const { start, load } = milliseconds.steps as Record<string, number>;
	return start! + load!;
}

const WAYS = { boot: "boots", fork: "goes on from its parent" } as const;

function chart({ milliseconds }: Result): string {
	const groups = Object.entries(milliseconds!).flatMap(([kind, ways]) =>
		(["boot", "fork"] as const).map((way) => ({
			name: `${kind} ${WAYS[way]}`,
			bars: Object.entries((ways as Record<string, Record<string, number>>)[way]!).map(([count, value]) => ({
				name: `${count.slice(1)} machines`,
				value: value / 1000,
			})),
		})),
	);
	return barChart({
		title: "From wanting machines to the last that is somebody",
		note: "Seconds, without KVM, on a logarithmic scale",
		unit: "s",
		groups,
	});
}

function tables({ milliseconds, mebibytes }: Result): Record<string, string> {
	const counts = ["n1", "n4", "n16", "n32"];
	const rows = Object.entries(milliseconds!).flatMap(([kind, ways]) =>
		(["boot", "fork"] as const).map((way) => {
			const own = (ways as Record<string, Record<string, number>>)[way]!;
			return [
				`${kind}, ${WAYS[way]}`,
				...counts.map((count) => (own[count] === undefined ? undefined : own[count] / 1000)),
			];
		}),
	);
	const steps = Object.entries(milliseconds!).map(([kind, ways]) => {
		const { start, load, identity, connect } = (ways as Record<string, Record<string, number>>).steps!;
		const { memory, disk } = mebibytes![kind] as Record<string, number>;
		return [kind, start, load, identity, connect, memory, disk];
	});
	return {
		fork: markdownTable(["seconds for all of them", "1 machine", "4", "16", "32"], rows),
		"fork-steps": markdownTable(
			["one child", "start ms", "load ms", "identity ms", "connect ms", "own memory MiB", "own disk MiB"],
			steps,
		),
	};
}
