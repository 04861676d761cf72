import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { Module } from "node:module";
import { plainStacksOfSdk, shortStacks } from "../../../provider/short-stacks";

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

	describe("of the SDK alone", () => {
		const { prepareStackTrace } = Error;
		const sdk = new Module("sdk") as Module & { _compile(text: string, file: string): void };
		sdk._compile(
			"exports.stack = () => new Error('here').stack;" +
				"exports.stackLater = async () => { await null; return new Error('here').stack; };",
			"/program/node_modules/@pulumi/pulumi/runtime/x.js",
		);
		/** What a function of the SDK gets as the stack of an error, called by the program or by nobody. */
		const inSdk = sdk.exports as { stack(): string; stackLater(): Promise<string> };
		before(() => {
			Error.prepareStackTrace = () => "mapped";
			plainStacksOfSdk();
		});
		after(() => {
			if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
			else Reflect.deleteProperty(Error, "prepareStackTrace");
		});

		it("are not looked up in source maps", async () => {
			// What waits for the function itself would be in its stack.
			const heard = new EventEmitter();
			setImmediate(() => inSdk.stackLater().then((stack) => heard.emit("stack", stack)));
			const [stack] = await once(heard, "stack");
			assert.match(stack, /^Error: here\n {4}at .*@pulumi/);
		});

		it("are, where the program is in them", () => {
			assert.equal(inSdk.stack(), "mapped");
		});
	});
});
