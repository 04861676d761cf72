import assert from "node:assert/strict";
import fc from "fast-check";
import {
	CompensatedError,
	type EngineStep,
	InterruptedError,
	runSteps,
	takeBack,
} from "../../../provider/morph/engine";
import { type MorphRecord, parseRecord, printRecord, stateOf } from "../../../provider/morph/record";

class Crash extends Error {}

/** A machine and a host that keeps its record; both outlive the driver. */
class World {
	size: Record<string, number> = { vcpus: 1, memory: 128 };
	ran: string[] = [];
	kept: string | undefined;
	logged: string[] = [];
	/** Events that this driver has lived through; it dies at the one of number `diesAt`. */
	private events = 0;
	private diesAt = Number.POSITIVE_INFINITY;

	/** Another driver. @returns whether it died */
	async drive(diesAt: number, work: () => Promise<unknown>): Promise<boolean> {
		this.events = 0;
		this.diesAt = diesAt;
		try {
			await work();
			return false;
		} catch (error) {
			if (this.events < this.diesAt) throw error;
			return true;
		}
	}

	/** Something happens, and before and after it the driver may die; once dead it does nothing any more. */
	async event<T>(work: () => T): Promise<T> {
		if (++this.events >= this.diesAt) throw new Crash();
		await Promise.resolve();
		const result = work();
		if (++this.events >= this.diesAt) throw new Crash();
		return result;
	}

	get around() {
		return {
			journal: {
				read: () => this.event(() => parseRecord(this.kept)),
				write: (record: MorphRecord) =>
					this.event(() => {
						this.kept = printRecord(record);
					}),
			},
			log: (line: string) => void this.logged.push(line),
		};
	}

	get record(): MorphRecord {
		return parseRecord(this.kept)!;
	}

	/** What the caller does: goes on with the record that is there. */
	async run(groups: EngineStep[][]): Promise<void> {
		const found = await this.around.journal.read();
		await runSteps(groups, found ?? FRESH, this.around);
	}
}

const FRESH: MorphRecord = {
	goal: "2 vCPUs, 256 MiB",
	direction: "forward",
	origin: { vcpus: 1, memoryMiB: 128 },
	steps: [],
};

const common = { timeoutSeconds: 5, onFailure: "compensate" as const };

function sized(world: World, name: string, from: number, to: number, more: Partial<EngineStep> = {}): EngineStep {
	const bring = (value: number) =>
		world.event(() => {
			world.size[name] = value;
		});
	return {
		...common,
		id: name,
		what: `bring ${name} to ${to}`,
		isDone: () => world.event(() => world.size[name] === to),
		act: () => bring(to),
		undo: () => bring(from),
		...more,
	};
}

function program(world: World, id: string, more: Partial<EngineStep> = {}): EngineStep {
	const ran = (what: string) => world.event(() => void world.ran.push(what));
	return { ...common, id, what: `run ${id}`, act: () => ran(id), undo: () => ran(`undo ${id}`), ...more };
}

const plan = (world: World): EngineStep[][] => [
	[program(world, "before")],
	[sized(world, "memory", 128, 256), sized(world, "vcpus", 1, 2)],
	[program(world, "after"), program(world, "beside")],
];

const failing = (world: World, onFailure: EngineStep["onFailure"]): EngineStep[][] => {
	const fails = program(world, "fails", { onFailure, act: () => world.event(() => assert.fail("no")) });
	return [...plan(world).slice(0, 2), [fails], [program(world, "after")]];
};

const times = (world: World, what: string) => world.ran.filter((item) => item === what).length;

/** Lets a driver die at every event of its life, and hands the world to `check` each time. @returns how many there are */
async function dyingEverywhere(plans: (world: World) => EngineStep[][], check: (world: World) => Promise<void>) {
	for (let diesAt = 1; ; diesAt++) {
		const world = new World();
		const died = await world
			.drive(diesAt, () => world.run(plans(world)))
			.catch((error) => assert.ok(error instanceof CompensatedError, String(error)));
		if (!died) return diesAt;
		await check(world);
	}
}

describe("steps of a change", () => {
	it("are run in order, each of them once, and recorded as done", async () => {
		const world = new World();
		await world.run(plan(world));
		assert.deepEqual(world.size, { vcpus: 2, memory: 256 });
		assert.equal(world.ran[0], "before");
		assert.deepEqual([...world.ran].sort(), ["after", "before", "beside"]);
		for (const id of ["before", "memory", "vcpus", "after", "beside"]) assert.equal(stateOf(world.record, id), "done");
	});

	it("come to the same end wherever a driver dies and the next one goes on", async () => {
		const events = await dyingEverywhere(plan, async (world) => {
			await world.drive(Number.POSITIVE_INFINITY, () => world.run(plan(world)));
			assert.deepEqual(world.size, { vcpus: 2, memory: 256 });
			for (const id of ["before", "after", "beside"]) {
				assert.ok([1, 2].includes(times(world, id)), `${id} ran ${times(world, id)} times`);
				assert.equal(times(world, `undo ${id}`), 0);
			}
		});
		assert.ok(events > 30, `${events} events`);
	});

	it("come to the same end when several drivers die one after the other", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 45 }), { maxLength: 6 }), async (deaths) => {
				const world = new World();
				for (const diesAt of deaths) await world.drive(diesAt, () => world.run(plan(world)));
				await world.drive(Number.POSITIVE_INFINITY, () => world.run(plan(world)));
				assert.deepEqual(world.size, { vcpus: 2, memory: 256 });
				for (const id of ["before", "after", "beside"]) assert.ok(times(world, id) >= 1);
			}),
			{ numRuns: 200 },
		);
	});

	it("that a driver has seen done and recorded are not run again", async () => {
		const world = new World();
		const steps = plan(world);
		await world.run(steps.slice(0, 2));
		await world.run(steps);
		assert.equal(times(world, "before"), 1);
	});

	it("that were done behind the record's back are found out", async () => {
		const world = new World();
		await world.run(plan(world));
		world.size.memory = 128;
		await world.run(plan(world));
		assert.equal(world.size.memory, 256);
	});

	it("are taken back in the other order when one fails, and the error says which", async () => {
		const world = new World();
		await assert.rejects(world.run(failing(world, "compensate")), (error: Error) => {
			assert.ok(error instanceof CompensatedError);
			assert.match(error.message, /could not run fails: no\nWhat was done before has been taken back\./);
			return true;
		});
		assert.deepEqual(world.size, { vcpus: 1, memory: 128 });
		assert.deepEqual(world.ran, ["before", "undo fails", "undo before"]);
		assert.equal(world.record.direction, "back");
	});

	it("are taken back wherever a driver dies over it, and nothing runs after the failure", async () => {
		await dyingEverywhere(
			(world) => failing(world, "compensate"),
			async (world) => {
				await assert.rejects(
					world.drive(Number.POSITIVE_INFINITY, () => world.run(failing(world, "compensate"))),
					CompensatedError,
				);
				assert.deepEqual(world.size, { vcpus: 1, memory: 128 });
				assert.equal(times(world, "after"), 0);
				const last = world.ran.filter((what) => what.endsWith("before")).at(-1);
				assert.equal(last, "undo before");
			},
		);
	});

	it("succeed in a second run after the cause of a failure is gone, also when the first one died on its way back", async () => {
		await dyingEverywhere(
			(world) => failing(world, "compensate"),
			async (world) => {
				const mended = [...plan(world).slice(0, 2), [program(world, "fails")], [program(world, "after")]];
				await world.drive(Number.POSITIVE_INFINITY, () => world.run(mended));
				assert.deepEqual(world.size, { vcpus: 2, memory: 256 });
				assert.ok(world.ran.lastIndexOf("before") > world.ran.lastIndexOf("undo before"));
				assert.equal(times(world, "after"), 1);
			},
		);
	});

	it("leave what was there before they began when all is taken back", async () => {
		const world = new World();
		world.size.memory = 256;
		const undone: string[] = [];
		const there = sized(world, "memory", 128, 256, { undo: async () => void undone.push("memory") });
		const groups = [[there], ...failing(world, "compensate").slice(2)];
		await assert.rejects(world.run(groups), CompensatedError);
		assert.deepEqual([world.size.memory, undone], [256, []]);
	});

	it("fail like any other when they cannot be looked at, and nothing is done then", async () => {
		const world = new World();
		const blind = { isDone: () => Promise.reject(new Error("no sight")) };
		await assert.rejects(
			world.run([[sized(world, "vcpus", 1, 2)], [sized(world, "memory", 128, 256, blind)]]),
			/could not bring memory to 256: no sight\nWhat was done before has been taken back/,
		);
		assert.deepEqual(world.size, { vcpus: 1, memory: 128 });
		await world.run([[sized(world, "memory", 128, 256, { ...blind, onFailure: "continue" })], plan(world)[2]!]);
		assert.equal(world.size.memory, 128);
		assert.equal(times(world, "after"), 1);
	});

	it("stay as they are when one fails that aborts, and the next run goes on there", async () => {
		const world = new World();
		await assert.rejects(world.run(failing(world, "abort")), /could not run fails: no$/);
		assert.deepEqual(world.size, { vcpus: 2, memory: 256 });
		assert.equal(world.record.direction, "forward");
		await world.run([...plan(world).slice(0, 2), [program(world, "fails")]]);
		assert.deepEqual(world.ran, ["before", "fails"]);
	});

	it("go on without one that may fail, which is not tried again", async () => {
		const world = new World();
		await world.run(failing(world, "continue"));
		await world.run(failing(world, "continue"));
		assert.deepEqual(world.ran, ["before", "after"]);
		assert.equal(world.logged.length, 1);
		assert.match(world.logged[0]!, /could not run fails: no; goes on without/);
	});

	it("fail when what was asked for does not come about", async () => {
		const world = new World();
		const idle = sized(world, "memory", 128, 256, { act: async () => {} });
		await assert.rejects(
			world.run([[idle]]),
			/could not bring memory to 256: it was asked for, but has not come about/,
		);
	});

	it("fail when they take longer than they may, and are told so", async () => {
		const world = new World();
		let told: unknown;
		const slow = program(world, "slow", {
			timeoutSeconds: 0.02,
			act: (ending) =>
				new Promise<void>((resolve) => {
					ending.addEventListener("abort", () => {
						told = ending.reason;
						resolve();
					});
				}),
		});
		await assert.rejects(world.run([[slow]]), /could not run slow: it has not come to an end within 0.02 s/);
		assert.ok(told instanceof Error);
	});

	it("let those that run beside a failing one come to their end before all are taken back", async () => {
		const world = new World();
		const fails = program(world, "fails", { act: () => Promise.reject(new Error("no")) });
		const beside = program(world, "beside");
		await assert.rejects(world.run([[fails, beside]]), CompensatedError);
		assert.deepEqual(world.ran.slice(0, 1), ["beside"]);
		assert.deepEqual(world.ran.slice(1).sort(), ["undo beside", "undo fails"]);
	});

	it("keep in the record what could not be taken back, and try that again", async () => {
		const world = new World();
		const stuck = program(world, "stuck", { undo: () => Promise.reject(new Error("locked")) });
		const fails = program(world, "fails", { act: () => Promise.reject(new Error("no")) });
		await assert.rejects(
			world.run([[stuck], [fails]]),
			/no\nAnd what was done before could not be taken back: "run stuck": locked/,
		);
		assert.equal(stateOf(world.record, "stuck"), "done");
		await assert.rejects(world.run([[program(world, "stuck")], [fails]]), CompensatedError);
		assert.equal(times(world, "undo stuck"), 2);
	});

	it("begin nothing new once the driver is to end", async () => {
		const world = new World();
		const ending = new AbortController();
		const first = program(world, "first", { act: async () => ending.abort() });
		const groups = [[first], [program(world, "second")]];
		await assert.rejects(
			runSteps(groups, FRESH, { ...world.around, signal: ending.signal }),
			(error: Error) => error instanceof InterruptedError && /the next run goes on/.test(error.message),
		);
		await world.run([[program(world, "first")], [program(world, "second")]]);
		assert.deepEqual(world.ran, ["second"]);
	});

	it("are taken back as well when they could not be recorded once", async () => {
		const world = new World();
		const { journal, ...around } = world.around;
		let fails = true;
		const write = async (record: MorphRecord) => {
			if (fails && stateOf(record, "second") === "begun") {
				fails = false;
				throw new Error("the connection was lost");
			}
			return journal.write(record);
		};
		const steps = [[program(world, "first")], [program(world, "second")]];
		await assert.rejects(runSteps(steps, FRESH, { ...around, journal: { ...journal, write } }), CompensatedError);
		assert.equal(stateOf(world.record, "first"), "undone");
		assert.equal(times(world, "undo first"), 1);
	});

	it("of another change are taken back as far as they are known", async () => {
		const world = new World();
		await world.run(plan(world).slice(0, 1));
		await takeBack([[program(world, "before")]], world.record, world.around);
		assert.deepEqual(world.ran, ["before", "undo before"]);
		assert.equal(stateOf(world.record, "before"), "undone");
	});

	it("that are in the template no more are named when the others are taken back", async () => {
		const world = new World();
		await world.run([[program(world, "kept")], [program(world, "dropped")]]);
		await takeBack([[program(world, "kept")]], world.record, world.around);
		assert.deepEqual(world.ran, ["kept", "dropped", "undo kept"]);
		assert.ok(world.logged.includes("dropped is not taken back: the template has it no more"), world.logged.join());
	});
});

describe("the record of a change", () => {
	it("is read as it was written", () => {
		assert.deepEqual(parseRecord(printRecord(FRESH)), FRESH);
	});

	it("is no longer than a definition can be, whatever a program said", () => {
		const text = printRecord({ ...FRESH, reason: '"\n'.repeat(4_000_000) });
		assert.ok(text.length < 20_000);
		assert.equal(parseRecord(text)?.goal, FRESH.goal);
	});

	it("is none when it is of another making", () => {
		for (const text of [undefined, "", "{", "[]", '{"goal":1}']) assert.equal(parseRecord(text), undefined);
	});
});
