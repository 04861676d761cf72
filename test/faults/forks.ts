/** The life of a set of forked machines, with a fault in each of its steps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Bench, leftOn, startBench } from "../e2e/hosts";
import { choosePoint, describePoint, type Point, strike, VICTIMS } from "./fault";
import { ask, assertForksSettled, type Wanted } from "./fork-settled";
import type { Random } from "./random";

/** `steps` is how many the engine makes at least, `mostMs` how far into one the fault may come. */
const LIVES = {
	"forked machines": [
		{ name: "the first creation", want: { parent: 1, children: 2 }, steps: 10, mostMs: 3000 },
		{ name: "growing", want: { parent: 1, children: 4 }, steps: 5, mostMs: 800 },
		{ name: "another parent", want: { parent: 2, children: 4 }, steps: 10, mostMs: 1500 },
		{ name: "shrinking", want: { parent: 2, children: 1 }, steps: 7, mostMs: 20 },
		{ name: "destroying", want: undefined, steps: 8, mostMs: 20 },
	],
	"a few forked machines": [
		{ name: "the first creation", want: { parent: 1, children: 1 }, steps: 8, mostMs: 3000 },
		{ name: "growing", want: { parent: 1, children: 2 }, steps: 4, mostMs: 800 },
		{ name: "another parent", want: { parent: 2, children: 2 }, steps: 7, mostMs: 1500 },
		{ name: "shrinking", want: { parent: 2, children: 1 }, steps: 4, mostMs: 20 },
		{ name: "destroying", want: undefined, steps: 8, mostMs: 20 },
	],
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
