import assert from "node:assert/strict";
import { shortStacks } from "../../../provider/short-stacks";

/** As the SDK asks for the stack when a resource is registered: with a limit of its own, from its fifth frame on. */
function registered(): string[] {
	const limit = Error.stackTraceLimit;
	Error.stackTraceLimit = Number.POSITIVE_INFINITY;
	const { stack } = new Error();
	Error.stackTraceLimit = limit;
	return stack!.split("\n").slice(1);
}
const nested = (depth: number): string[] => (depth === 0 ? registered() : nested(depth - 1));

describe("short stacks", () => {
	it("keep of a resource's the line of the program that made it", () => {
		const restore = shortStacks();
		try {
			const frames = nested(6);
			assert.equal(frames.length, 6);
			assert.match(frames[5]!, /short-stacks\.test/);
		} finally {
			restore();
		}
	});

	it("are none for everything else, until they end", () => {
		const { stackTraceLimit, prepareStackTrace } = Error;
		const restore = shortStacks();
		const { stack } = new Error("a promise's");
		restore();
		assert.equal(stack, "Error: a promise's");
		assert.deepEqual([Error.stackTraceLimit, Error.prepareStackTrace], [stackTraceLimit, prepareStackTrace]);
		assert.match(new Error("later").stack!, /short-stacks\.test/);
	});
});
