/** A sample of what `npm run test:faults` does to the stores of identities. */
import { Random, seedOr } from "../faults/random";
import { describeTorture } from "./torture";

const seed = seedOr(1);

describe(`stores of identities, under kill -9, a sample (CLONES_FAULT_SEED=${seed})`, () => {
	describeTorture({ leases: 100, clientAfter: [5, 15], serverAfter: [30, 50] }, new Random(seed));
});
