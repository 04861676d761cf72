import assert from "node:assert/strict";
import { inLane } from "../../../provider/lanes";
import { Undo } from "../../../provider/undo";

describe("Undo", () => {
	it("takes steps back in reverse order and rethrows the error", async () => {
		const seen: string[] = [];
		const failing = Undo.around(async (undo) => {
			undo.add("remove a", async () => seen.push("a"));
			undo.add("remove b", async () => seen.push("b"));
			throw new Error("disk full");
		});
		await assert.rejects(failing, /^Error: disk full$/);
		assert.deepEqual(seen, ["b", "a"]);
	});

	it("goes on when an undo step fails, and says so", async () => {
		const seen: string[] = [];
		const failing = Undo.around(async (undo) => {
			undo.add("remove a", async () => seen.push("a"));
			undo.add("remove b", () => Promise.reject(new Error("busy")));
			throw new Error("disk full");
		});
		await assert.rejects(failing, /disk full\nAnd while undoing it: could not remove b: busy/);
		assert.deepEqual(seen, ["a"]);
	});

	it("undoes nothing after success", async () => {
		const result = await Undo.around(async (undo) => {
			undo.add("fail", () => Promise.reject(new Error("must not run")));
			return 42;
		});
		assert.equal(result, 42);
	});
});

describe("inLane", () => {
	it("runs at most as many at a time as the lane is wide, all of them, in order", async () => {
		let running = 0;
		let most = 0;
		const started: number[] = [];
		const one = (index: number) =>
			inLane({ name: "test", width: 3 }, async () => {
				started.push(index);
				most = Math.max(most, ++running);
				await new Promise((resolve) => setTimeout(resolve, 2));
				running--;
				if (index === 4) throw new Error("one fails");
			});
		const results = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => one(index)));
		assert.equal(most, 3);
		assert.equal(results.filter(({ status }) => status === "rejected").length, 1);
		assert.deepEqual(
			started,
			Array.from({ length: 12 }, (_, index) => index),
		);
	});

	it("does not limit without a lane", async () => {
		assert.equal(await inLane(undefined, async () => 1), 1);
	});
});
