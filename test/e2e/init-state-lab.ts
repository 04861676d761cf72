/** Clones that go on in the memory of a machine, of the program `init-state`. */
import { type Bench, inGuest, startBench } from "./hosts";

type Clones = Record<string, { instanceId: number }>;

export const TWO: Clones = { a: { instanceId: 0 }, b: { instanceId: 1 } };

export interface StateBench extends Bench {
	/** Runs a command in a clone. */
	inside(name: string, command: string): Promise<string>;
	want(clones: Clones): Promise<void>;
}

/** Two clones are wanted. */
export async function startStateBench(): Promise<StateBench> {
	const config = { clones: JSON.stringify(TWO) };
	const bench = await startBench({ program: "test/e2e/fixtures/init-state", config });
	return {
		...bench,
		inside: (name, command) => inGuest(bench.host, name, command),
		want: (clones) => bench.project.setConfig("clones", JSON.stringify(clones)),
	};
}
