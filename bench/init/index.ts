/**
 * Clones that compute who they are against plain thin clones, and against cloud-init with a seed for each. See
 * bench/README.md.
 */
import { barChart } from "../chart";
import { interleaved, median, progress, time } from "../measure";
import type { Benchmark, Options, Result } from "../result";
import { markdownTable } from "../tables";
import { type Disk, type Machine, Stand } from "./stand";

export const init: Benchmark = { run, chart, tables };

interface Scope {
	kind: "micro" | "debian";
	/** How often scripts are put into an image. */
	injections: number;
	/** Rounds of `clones` machines that are defined. */
	rounds: number;
	clones: number;
	boots: number;
}

const FULL: Scope = { kind: "debian", injections: 3, rounds: 11, clones: 10, boots: 3 };
const QUICK: Scope = { kind: "micro", injections: 1, rounds: 1, clones: 2, boots: 1 };

async function run({ quick }: Options): Promise<Result> {
	const scope = quick ? QUICK : FULL;
	const stand = await Stand.start(scope.kind);
	try {
		const { image, injectionMs } = await injections(stand, scope.injections);
		const define = await interleaved(scope.rounds, {
			plain: () => defined(stand, stand.gold, scope.clones),
			init: () => defined(stand, image.path, scope.clones),
		});
		const inGuest: number[] = [];
		const ways: Record<string, () => Promise<number>> = {
			init: () => untilFirst(stand, () => stand.start(image.path), inGuest),
			bootcmd: () => untilFirst(stand, () => stand.startWithSeed(stand.gold, "bootcmd")),
			runcmd: () => untilFirst(stand, () => stand.startWithSeed(stand.gold, "runcmd")),
		};
		// The small guest has no cloud-init.
		const first = await interleaved(scope.boots, quick ? { init: ways.init! } : ways);
		return {
			milliseconds: {
				injection: { n1: injectionMs, n100: injectionMs / 100 },
				define,
				firstCommand: first,
				scripts: { nameAndAddress: median(inGuest) * 1000 },
			},
			ratios: {
				clone_extra_ms: define.init - define.plain,
				inject_seconds: injectionMs / 1000,
				guest_seconds: median(inGuest),
				...(!quick && {
					cloudinit_over_ours_first_command: first.runcmd! / first.init!,
					cloudinit_bootcmd_over_ours_first_command: first.bootcmd! / first.init!,
				}),
			},
		};
	} finally {
		await stand.stop();
	}
}

/** The last image stays. */
async function injections(stand: Stand, count: number): Promise<{ image: Disk; injectionMs: number }> {
	const images: Disk[] = [];
	const taken: number[] = [];
	for (let round = 1; round <= count; round++) {
		taken.push(await time(async () => images.push(await stand.image())));
		progress(`injection, ${round} of ${count}: ${Math.round(taken.at(-1)!)} ms`);
	}
	for (const image of images.slice(0, -1)) await stand.removeDisk(image);
	return { image: images.at(-1)!, injectionMs: median(taken) };
}

/** Milliseconds for each of some machines, defined one after the other. */
async function defined(stand: Stand, base: string, count: number): Promise<number> {
	const machines: Machine[] = [];
	const all = await time(async () => {
		for (let number = 0; number < count; number++) machines.push(await stand.define(base));
	});
	for (const machine of machines) await stand.remove(machine);
	return all / count;
}

/** Milliseconds from wanting a machine to its first command that is the user's. */
async function untilFirst(stand: Stand, start: () => Promise<Machine>, inGuest?: number[]): Promise<number> {
	const began = performance.now();
	const machine = await start();
	await stand.untilFirstCommand(machine);
	const taken = performance.now() - began;
	inGuest?.push(await stand.secondsOfScripts(machine));
	await stand.remove(machine);
	return taken;
}

const WAYS = { init: "computed in the guest", bootcmd: "cloud-init, bootcmd", runcmd: "cloud-init, runcmd" } as const;

function firstOf({ milliseconds }: Result): Array<[name: string, seconds: number]> {
	const first = milliseconds!.firstCommand as Record<string, number>;
	return Object.entries(WAYS).flatMap(([way, name]) => (first[way] === undefined ? [] : [[name, first[way] / 1000]]));
}

function chart(result: Result): string {
	return barChart({
		title: "From wanting a clone to its first command",
		note: "Seconds, without KVM, on a logarithmic scale; name and address are set before that command",
		unit: "s",
		groups: firstOf(result).map(([name, value]) => ({ name, bars: [{ name: "", value }] })),
	});
}

function tables(result: Result): Record<string, string> {
	const { injection, define } = result.milliseconds as Record<string, Record<string, number>>;
	return {
		"init-first": markdownTable(["name and address", "seconds to the first command"], firstOf(result)),
		"init-host": markdownTable(
			["on the host", "ms"],
			[
				["scripts put into the image, once", injection!.n1],
				["the same for each of 100 clones", injection!.n100],
				["a plain thin clone, defined", define!.plain],
				["a clone with scripts, defined", define!.init],
			],
		),
	};
}
