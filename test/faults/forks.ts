/** The life of a set of forked machines, with a fault in each of its steps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Bench, leftOn, startBench } from "../e2e/hosts";
import { choosePoint, describePoint, type Point, strike, VICTIMS } from "./fault";
import { ask, assertForksSettled, type Wanted } from "./fork-settled";
import type { Random } from "./random";

/**
 * The steps of a life.
 * @param children at first, at most and at last
 * @param steps how many the engine makes at least, in each of them
 */
function lifeOf(children: readonly [number, number, number], steps: readonly [number, number, number, number, number]) {
	const [first, most, last] = children;
	return [
		{ name: "the first creation", want: { parent: 1, children: first }, steps: steps[0], mostMs: 1200 },
		{ name: "growing", want: { parent: 1, children: most }, steps: steps[1], mostMs: 400 },
		{ name: "another parent", want: { parent: 2, children: most }, steps: steps[2], mostMs: 1000 },
		{ name: "shrinking", want: { parent: 2, children: last }, steps: steps[3], mostMs: 20 },
		{ name: "destroying", want: undefined, steps: steps[4], mostMs: 20 },
	];
}

/** `mostMs` is how far into a step the fault may come. */
const LIVES = {
	"forked machines": lifeOf([2, 4, 1], [10, 5, 10, 7, 8]),
	"a few forked machines": lifeOf([1, 2, 1], [8, 4, 7, 4, 8]),
};

/** Of CLI, provider, libvirtd, and the QEMU of a machine. */
export const FORK_VICTIMS = [...VICTIMS, "QEMU"] as const;

/** Defines one test for each step. @param victims of the steps in turn */
export function describeForks(
	victims: ReadonlyArray<(typeof FORK_VICTIMS)[number]>,
	random: Random,
	life: keyof typeof LIVES = "forked machines",
): void {
	describe(life, function () {
		this.timeout(900_000);
		let bench: Bench;
		let broken = false;

		before(async () => {
			bench = await startBench({ program: "test/faults/fixtures/forks" });
		});
		after(() => bench?.stop());

		for (const [index, { name, want, steps, mostMs }] of LIVES[life].entries()) {
			// A machine whose QEMU is killed while it is removed is gone all the same.
			const victim = victims[index % victims.length]!;
			const chosen = choosePoint(random, steps, mostMs);
			// Machines are the first to go; later there is none to kill.
			const isEarly = victim === "QEMU" && want === undefined;
			const point: Point = isEarly ? { kind: "lines", count: 1, moreMs: 0 } : chosen;
			const restartMs = random.between(100, 500);
			it(`${name}: the ${victim} after ${describePoint(point)}`, async () => {
				assert.ok(!broken, "a step before has failed");
				broken = true;
				const { project } = bench;
				const path = join(project.directory, "../identities.sqlite");
				const wanted: Wanted | undefined = want && { ...want, identities: { store: { sqlite: { path } } } };
				if (wanted) await ask(bench, wanted);
				await strike(bench, { command: wanted ? "up" : "destroy", victim, point, restartMs });
				if (victim === "CLI") await project.unlock();
				if (wanted) {
					// A machine that went off after it was made shows in a refresh only.
					await project.up(victim === "QEMU" ? ["--refresh"] : []);
					// Until then the command line does not say who holds what.
					if (victim === "CLI") await project.refresh(["--clear-pending-creates"]);
					await assertForksSettled(bench, wanted, { mostBooted: victim === "QEMU" ? 1 : 0 });
				} else {
					await project.destroy();
					assert.deepEqual(await leftOn(bench), []);
				}
				broken = false;
			});
		}
	});
}
