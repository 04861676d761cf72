/**
 * A running machine that changes its size, its place, or both, against plain `virsh migrate` and against turning it off. See
 * bench/README.md.
 */
import { ensureNewerQemu } from "../../tools/qemu";
import { interleaved, median } from "../measure";
import type { Benchmark, Options, Result } from "../result";
import { markdownTable } from "../tables";
import { Stand, type Taken } from "./stand";

export const morph: Benchmark = { run, tables, qemu: () => ensureNewerQemu("9.0") };

const ROUNDS = 11;
const WAYS = ["virsh", "move", "moveAndMorph", "morph", "restart"] as const;
type Way = (typeof WAYS)[number];

const LABELS: Record<Way, string> = {
	virsh: "virsh migrate",
	move: "moves",
	moveAndMorph: "moves and changes its size",
	morph: "changes its size where it is",
	restart: "turned off, changed, and started",
};

async function run({ quick }: Options): Promise<Result> {
	const stand = await Stand.start();
	try {
		const pauses = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
		const measured = (way: Way, take: () => Promise<Taken>) => async () => {
			const { wallMs, pauseMs } = await take();
			pauses.get(way)!.push(pauseMs);
			return wallMs;
		};
		const wall = await interleaved(quick ? 1 : ROUNDS, {
			virsh: measured("virsh", () => stand.virsh()),
			move: measured("move", () => stand.move()),
			moveAndMorph: measured("moveAndMorph", () => stand.moveAndMorph()),
			morph: measured("morph", () => stand.morph()),
			restart: measured("restart", () => stand.restart()),
		});
		const pause = Object.fromEntries(WAYS.map((way) => [way, median(pauses.get(way)!)])) as Record<Way, number>;
		return {
			milliseconds: { wall, pause },
			ratios: {
				pause_over_virsh: pause.move / pause.virsh,
				added_pause_ms: pause.move - pause.virsh,
				added_wall_seconds: (wall.move - wall.virsh) / 1000,
				restart_over_morph_pause: pause.restart / pause.morph,
			},
		};
	} finally {
		await stand.stop();
	}
}

function tables({ milliseconds }: Result): Record<string, string> {
	const { wall, pause } = milliseconds as { wall: Record<Way, number>; pause: Record<Way, number> };
	const rows = WAYS.map((way) => [LABELS[way], wall[way], pause[way]]);
	return { morph: markdownTable(["a running machine", "in all, ms", "it stood still for, ms"], rows) };
}
