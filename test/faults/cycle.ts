/** The life of a stack, with a fault in each of its steps. */
import assert from "node:assert/strict";
import { choosePoint, describePoint, type Struck, strike, type Victim } from "./fault";
import type { Random } from "./random";
import { assertDestroyed, assertSettled } from "./settled";
import { assertMarks, type Stand, startStand, type Wanted, writeMarks } from "./stand";

export interface Cycle {
	/** Of the steps in turn. */
	victims: ReadonlyArray<Victim>;
	/** Whether the engine writes its state after each step, or once in the end; of the steps in turn. */
	checkpoints: ReadonlyArray<boolean>;
	/** Guests that run, on an image that boots. */
	running?: boolean;
}

interface Step {
	name: string;
	command: "up" | "destroy";
	want: (stand: Stand) => Partial<Wanted>;
	/** How many steps the engine has to make at least. */
	steps: number;
	/** Which disks (or running machines) have to hold what was written to them. */
	keeps: (name: string) => boolean;
}

const RESTING: Step[] = [
	{
		name: "the first creation",
		command: "up",
		want: ({ golds }) => ({ gold: golds[0]!, web: 3, kept: 2 }),
		steps: 20,
		keeps: none,
	},
	{ name: "growing", command: "up", want: () => ({ web: 5, kept: 2 }), steps: 8, keeps: all },
	{
		name: "a change of base",
		command: "up",
		want: ({ golds }) => ({ gold: golds[1]! }),
		steps: 16,
		keeps: (name) => /^kept|-data-/.test(name),
	},
	{
		name: "shrinking",
		command: "up",
		want: () => ({ web: 2 }),
		steps: 12,
		keeps: (name) => /^kept|^web-[01]-/.test(name),
	},
	{ name: "destroying", command: "destroy", want: () => ({}), steps: 14, keeps: none },
];

const RUNNING: Step[] = [
	{ name: "the first creation", command: "up", want: () => ({ web: 1, kept: 1 }), steps: 6, keeps: none },
	{ name: "growing", command: "up", want: () => ({ web: 2 }), steps: 2, keeps: all },
	{ name: "shrinking", command: "up", want: () => ({ web: 1 }), steps: 2, keeps: (name) => name !== "web-1" },
	{ name: "destroying", command: "destroy", want: () => ({}), steps: 6, keeps: none },
];

function all(): boolean {
	return true;
}
function none(): boolean {
	return false;
}

/** Defines one test for each step. The points are chosen now, so that a filter changes none of them. */
export function describeCycle({ victims, checkpoints, running = false }: Cycle, random: Random): void {
	describe(running ? "machines that run" : "machines that are off", function () {
		this.timeout(300_000);
		let stand: Stand;
		/** A step goes on from where the one before has come to. */
		let broken = false;
		before(async () => {
			stand = await startStand({ running });
		});
		after(() => stand?.stop());

		for (const [index, step] of (running ? RUNNING : RESTING).entries()) {
			const victim = victims[index % victims.length]!;
			const isWritten = checkpoints[index % checkpoints.length]!;
			const point = choosePoint(random, step.steps);
			const restartMs = random.between(100, 500);
			const how = `${isWritten ? "with" : "without"} checkpoints`;
			it(`${step.name}, ${how}: the ${victim} after ${describePoint(point)}`, async () => {
				assert.ok(!broken, "a step before has failed");
				broken = true;
				if (step.name !== "the first creation") await writeMarks(stand);
				await stand.want(step.want(stand));
				const env = isWritten ? {} : { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "true" };
				const struck = await strike(stand, { command: step.command, victim, point, restartMs }, env);
				await recover(stand, victim);
				const said = await next(stand, step.command, struck);
				if (step.command === "destroy") await assertDestroyed(stand, said);
				else {
					await assertMarks(stand, step.keeps);
					await assertSettled(stand);
				}
				if (victim === "CLI" && step.command === "up") await clearPending(stand);
				broken = false;
			});
		}
	});
}

/** What the guide says is to be done before the next run. */
export async function recover({ project }: Stand, victim: Victim): Promise<void> {
	if (victim === "CLI") await project.unlock();
}

async function next({ project }: Stand, command: "up" | "destroy", struck: Struck): Promise<string> {
	const { stdout } = await (command === "up" ? project.up() : project.destroy());
	return struck.output + stdout;
}

/** Silences the warning of pending operations, and finds everything as it is recorded. */
async function clearPending({ project }: Stand): Promise<void> {
	if ((await project.state()).deployment.pending_operations?.length) {
		await project.refresh(["--clear-pending-creates", "--expect-no-changes"]);
	}
}
