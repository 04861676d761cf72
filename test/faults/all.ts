/**
 * `npm run test:faults`: a fault in every step of a stack's life, for everything that can be killed; and what else takes too
 * long for every run.
 */

import "./dimms";
import "./init-seed";
import "./init-servers";
import "./init-source";
import "./init-state";
import "./init-sysv";
import "./init-tpm";
import "./init-windows";
import "./utilisation";
import { describeMany } from "../host/fork-many";
import { describeTorture } from "../identity/torture";
import { describeCycle } from "./cycle";
import { VICTIMS } from "./fault";
import { describeForkNeeds } from "./fork-needs";
import { describeForks, FORK_VICTIMS } from "./forks";
import { describeForksAtOnce } from "./forks-at-once";
import { describeInjection } from "./injection";
import { describeMorphMoves } from "./morph-moves";
import { describeMoves } from "./moves";
import { Random, seedOr } from "./random";
import { describeSets } from "./sets";
import { describeShared } from "./shared";
import { describeUnrecorded } from "./unrecorded";
import { describeWays } from "./ways";
import { describeWebWorkers } from "./web-workers";

const seed = seedOr(Date.now() % 1_000_000);
const random = new Random(seed);

describe(`kill -9 (CLONES_FAULT_SEED=${seed})`, () => {
	for (const victim of VICTIMS) {
		for (const checkpoints of [true, false]) describeCycle({ victims: [victim], checkpoints: [checkpoints] }, random);
	}
	describeCycle({ victims: random.shuffled(VICTIMS), checkpoints: [true], running: true }, random);
	describeUnrecorded(random);
	for (const victim of FORK_VICTIMS) describeForks([victim], random);
	for (let round = 0; round < 2; round++) describeForks(random.shuffled(FORK_VICTIMS), random);
	describeForkNeeds(random);
	describeInjection(2, random);
	describeMorphMoves();
	describeWays();
	describeShared();
});

describe(`moves (CLONES_FAULT_SEED=${seed})`, () => {
	describeMoves(random);
	describeSets(random);
});

describe(`stores of identities, under kill -9 (CLONES_FAULT_SEED=${seed})`, () => {
	describeTorture({ leases: 10_000, clientAfter: [10, 40], serverAfter: [200, 600] }, random);
});

describe("forks", () => {
	describeForksAtOnce();
	describeWebWorkers();
	describeMany({ children: 200, alive: 32 });
});
