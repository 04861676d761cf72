/**
 * Children that go on from a parent against clones of the same image that boot, each with a host name, ssh host keys and
 * an address of its own, and against QEMU alone. See bench/README.md.
 */
import { interleaved, median, progress, time } from "../measure";
import type { Benchmark, Numbers, Options, Result } from "../result";
import type { RawChild } from "./raw";
import { chart, tables } from "./show";
import { type Kind, type Machine, type Point, Stand } from "./stand";

export const fork: Benchmark = { run, chart, tables };

const MIB = 1024 * 1024;
/** As many machines are made at the same time: the engine's parallelism on two cores. */
const PARALLEL = 8;
/** As many are turned on by the host at the same time, when there is nothing to do in a guest. */
const ALL = 32;

/**
 * How many machines at once each way, and how often. 32 boots of Debian at once take two cores beyond the 30 s within which
 * a guest's agent has to answer.
 */
interface Scope {
	rounds: number;
	boot: number[];
	fork: number[];
	warm: number[];
	/** QEMU alone, and the host's part of warm children. */
	host: number[];
}

const ALL_COUNTS = [1, 4, 16, ALL];
const FULL: Record<Kind, Scope> = {
	micro: { rounds: 3, boot: [1, 4, 16, 32], fork: [1, 4, 16, 32], warm: [1, 4, 16, 32], host: [1, ALL] },
	debian: { rounds: 3, boot: [1, 4, 16], fork: [1, 4, 16, 32], warm: [1, 4], host: [1, ALL] },
};
const QUICK: Scope = { rounds: 1, boot: [1], fork: [1], warm: [1], host: [1, 4] };

async function run({ quick }: Options): Promise<Result> {
	const micro = await measure("micro", quick ? QUICK : FULL.micro);
	const debian = quick ? undefined : await measure("debian", FULL.debian);
	const most = Math.max(...(quick ? QUICK : FULL.micro).host);
	return {
		milliseconds: { micro: micro.milliseconds, ...(debian && { debian: debian.milliseconds }) },
		mebibytes: { micro: micro.mebibytes, ...(debian && { debian: debian.mebibytes }) },
		ratios: {
			boot_over_fork_micro_n1: of(micro, "boot", 1) / of(micro, "fork", 1),
			boot_over_warm_micro_n1: of(micro, "boot", 1) / of(micro, "warm", 1),
			fork_micro_warm_host_ms: of(micro, "host", 1),
			[`fork_micro_${most}_seconds`]: of(micro, "host", most) / 1000,
			host_over_raw_micro_n1: of(micro, "host", 1) / of(micro, "rawWarm", 1),
			guest_ram_micro_mib: micro.mebibytes.memory as number,
			...(debian && {
				boot_over_fork_debian_n1: of(debian, "boot", 1) / of(debian, "fork", 1),
				boot_over_fork_debian_n4: of(debian, "boot", 4) / of(debian, "fork", 4),
				boot_over_warm_debian_n1: of(debian, "boot", 1) / of(debian, "warm", 1),
				boot_over_warm_debian_n4: of(debian, "boot", 4) / of(debian, "warm", 4),
				guest_ram_debian_mib: debian.mebibytes.memory as number,
			}),
		},
	};
}

interface Measured {
	milliseconds: Numbers;
	mebibytes: Numbers;
}

function of({ milliseconds }: Measured, way: string, count: number): number {
	return (milliseconds[way] as Record<string, number>)[`n${count}`]!;
}

async function measure(kind: Kind, scope: Scope): Promise<Measured> {
	const stand = await Stand.start(kind);
	try {
		const point = await stand.point();
		progress(`${kind}: the fork point is there`);
		const raw = await stand.raw(point);
		/** Of children that were made one at a time. */
		const facts: Array<NonNullable<Machine["domain"]["forked"]>> = [];
		const ways: Record<string, (count: number) => Promise<number>> = {
			boot: (count) => made(stand, count, () => stand.boot()),
			fork: (count) =>
				made(
					stand,
					count,
					() => stand.fork(point),
					([one]) => count === 1 && facts.push(one!.domain.forked!),
				),
			warm: (count) => turnedOn(stand, point, count, PARALLEL, (machine) => stand.turnOn(machine)),
			host: (count) => turnedOn(stand, point, count, ALL, (machine) => stand.hostSide(machine)),
			rawCold: (count) => rawCold(raw, count),
			rawWarm: (count) => rawWarm(raw, count),
		};
		const { rounds, ...numbers } = scope;
		const counts: Record<string, number[]> = { ...numbers, rawCold: scope.host, rawWarm: scope.host };
		// What is compared stands next to each other: after minutes of work a machine may be slower.
		const takenOf = (isMany: boolean) =>
			Object.fromEntries(
				ALL_COUNTS.filter((count) => count > 4 === isMany).flatMap((count) =>
					Object.entries(ways)
						.filter(([way]) => counts[way]!.includes(count))
						.map(([way, take]) => [`${way} n${count}`, () => take(count)]),
				),
			);
		// What the first child of a point has to read, the others find in memory.
		await ways.fork!(1);
		facts.length = 0;
		const few = await interleaved(rounds, takenOf(false));
		// What stands behind these is many machines already.
		const many = await interleaved(1, takenOf(true));
		const steps = (["startMs", "loadMs", "identityMs", "plugMs", "connectMs"] as const).map((step) => [
			step.replace("Ms", ""),
			median(facts.map(({ timings }) => timings[step] ?? 0)),
		]);
		const { privateMemoryBytes, diskBytes } = await stand.usageOfSomebody(point);
		const connected = median(facts.map(({ usage }) => usage.privateMemoryBytes!));
		return {
			milliseconds: {
				...grouped({ ...few, ...many }),
				parent: { ...point.timings },
				steps: Object.fromEntries(steps),
			},
			mebibytes: {
				memory: privateMemoryBytes! / MIB,
				disk: diskBytes / MIB,
				memoryConnected: connected / MIB,
			},
		};
	} finally {
		await stand.stop();
	}
}

/** Milliseconds from "machines are wanted" to the last that shows its own identity. They are gone afterwards. */
async function made(
	stand: Stand,
	count: number,
	make: () => Promise<Machine>,
	done: (machines: Machine[]) => unknown = () => {},
): Promise<number> {
	const machines: Machine[] = [];
	const wanted = Array.from({ length: count }, (_, index) => index);
	const all = await time(() => atOnce(wanted, PARALLEL, async () => machines.push(await make())));
	done(machines);
	await atOnce(machines, PARALLEL, (machine) => stand.remove(machine));
	return all;
}

/** The same of children that wait already. */
async function turnedOn(
	stand: Stand,
	point: Point,
	count: number,
	width: number,
	work: (machine: Machine) => Promise<unknown>,
): Promise<number> {
	const machines: Machine[] = [];
	await atOnce(Array.from({ length: count }), PARALLEL, async () => machines.push(await stand.waiting(point)));
	const all = await time(() => atOnce(machines, width, work));
	await atOnce(machines, PARALLEL, (machine) => stand.remove(machine));
	return all;
}

/** From the start of QEMU to the guest's next instruction. */
async function rawCold(start: () => Promise<RawChild>, count: number): Promise<number> {
	const children: RawChild[] = [];
	const wanted = Array.from({ length: count }, (_, index) => index);
	const all = await time(() =>
		atOnce(wanted, PARALLEL, async () => {
			const child = await start();
			children.push(child);
			await child.goOn();
		}),
	);
	await Promise.all(children.map((child) => child.stop()));
	return all;
}

async function rawWarm(start: () => Promise<RawChild>, count: number): Promise<number> {
	const children: RawChild[] = [];
	await atOnce(Array.from({ length: count }), PARALLEL, async () => children.push(await start()));
	const all = await time(() => Promise.all(children.map((child) => child.goOn())));
	await Promise.all(children.map((child) => child.stop()));
	return all;
}

async function atOnce<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
	const left = [...items];
	const lane = async () => {
		while (left.length > 0) await work(left.shift()!);
	};
	await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
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
