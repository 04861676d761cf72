import assert from "node:assert/strict";
import type { Host, MemoryProgress } from "../../../provider/libvirt";
import { Convergence, nextStep, type Policy, pauseIn, policyOf } from "../../../provider/move/convergence";

const MIB = 2 ** 20;

describe("how a migration is brought to its end", () => {
	it("is by a pause of 300 ms and slowing the guest down, given up after two minutes, unless told", () => {
		assert.deepEqual(policyOf(undefined), { maxPauseMs: 300, onNoConvergence: "throttle", timeoutSeconds: 120 });
		assert.deepEqual(policyOf({ maxPauseMs: 50, onNoConvergence: "suspend", timeoutSeconds: 5 }), {
			maxPauseMs: 50,
			onNoConvergence: "suspend",
			timeoutSeconds: 5,
		});
	});

	for (const [maxPauseMs, pauses] of [
		[300, [75, 75, 150, 300, 300]],
		[1, [1, 1, 1, 1, 1]],
		[10, [3, 3, 5, 10, 10]],
	] as const) {
		it(`allows ${pauses} ms in the passes up to the fourth, where ${maxPauseMs} are the most`, () => {
			const policy = { ...policyOf(undefined), maxPauseMs };
			assert.deepEqual(
				[0, 1, 2, 3, 40].map((pass) => pauseIn(policy, pass)),
				pauses,
			);
		});
	}

	const policies: Array<[Policy["onNoConvergence"], "suspend" | "abort"]> = [
		["throttle", "abort"],
		["suspend", "suspend"],
		["abort", "abort"],
	];
	for (const [onNoConvergence, end] of policies) {
		it(`ends by ${end} where that is ${onNoConvergence}, and not before its time`, () => {
			const policy: Policy = { maxPauseMs: 300, onNoConvergence, timeoutSeconds: 10 };
			const at = (changedForSeconds: number) => nextStep(policy, { maxPauseMs: 300, changedForSeconds }, { pass: 9 });
			assert.equal(at(9.9), undefined);
			assert.equal(at(10), end);
		});
	}

	/** A migration of which each look shows what is next in the list. */
	async function seen(
		policy: Policy,
		passes: Array<Partial<MemoryProgress>>,
	): Promise<[string[], Convergence, string]> {
		const calls: string[] = [];
		const logged: string[] = [];
		const called =
			(name: string) =>
			async (_: string, ...args: unknown[]) =>
				void calls.push([name, ...args].join(" "));
		const domains = { setMaxDowntime: called("allow"), suspend: called("suspend"), abortJob: called("abort") };
		const machine = { uuid: "u", name: "m" };
		const convergence = new Convergence((line) => logged.push(line), { domains } as unknown as Host, machine, policy);
		await convergence.prepare();
		for (const pass of passes) {
			const memory: MemoryProgress = {
				pass: 0,
				remainingBytes: 0,
				sentBytesPerSecond: 0,
				dirtiedBytesPerSecond: 0,
				throttlePercent: 0,
				...pass,
			};
			await convergence.look({ isMigration: true, doneBytes: 0, totalBytes: 0, memory });
		}
		return [calls, convergence, logged.join("\n")];
	}

	it("takes each step once, and waits while the disks are sent", async () => {
		const passes = [0, 0, 1, 1, 2, 2, 3, 4, 5].map((pass) => ({ pass }));
		const [calls] = await seen(policyOf(undefined), passes);
		assert.deepEqual(calls, ["allow 75", "allow 150", "allow 300"]);
	});

	it("gives up once, and says by which numbers", async () => {
		const policy: Policy = { maxPauseMs: 40, onNoConvergence: "abort", timeoutSeconds: 0 };
		const late = { pass: 3, remainingBytes: 31 * MIB, sentBytesPerSecond: 50 * MIB, dirtiedBytesPerSecond: 80 * MIB };
		const [calls, { reason }] = await seen(policy, [late, late]);
		assert.deepEqual(calls, ["allow 10", "abort"]);
		assert.match(reason!, /m changes its memory faster .* 40 ms: pass 3: 31 MiB are left, 80 MiB\/s change, 50 MiB\/s/);
	});

	it("says by how much the guest is slowed down", async () => {
		const [, { reason }, logged] = await seen(policyOf(undefined), [
			{ pass: 2 },
			{ pass: 3, throttlePercent: 20 },
			{ pass: 3, throttlePercent: 20 },
			{ pass: 4, throttlePercent: 30 },
		]);
		assert.equal(reason, undefined);
		assert.deepEqual(logged.match(/slowed down by \d+ %/g), ["slowed down by 20 %", "slowed down by 30 %"]);
	});
});
