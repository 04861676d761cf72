/**
 * A sample of `npm run test:faults`: each step of a stack's life and each victim, at points that the seed chooses. Machines
 * run among the forked ones.
 */
import { describeCycle } from "./cycle";
import { VICTIMS } from "./fault";
import { describeForks, FORK_VICTIMS } from "./forks";
import { Random, seedOr } from "./random";
import { describeUnrecorded } from "./unrecorded";

const seed = seedOr(1);
const random = new Random(seed);

describe(`kill -9, a sample (CLONES_FAULT_SEED=${seed})`, () => {
	describeCycle({ victims: random.shuffled(VICTIMS), checkpoints: random.shuffled([true, false]) }, random);
	describeUnrecorded(random);
	describeForks(random.shuffled(FORK_VICTIMS), random, "a few forked machines");
});
