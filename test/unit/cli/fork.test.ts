import assert from "node:assert/strict";
import { argumentsOf } from "../../../cli/arguments";
import { onChildren } from "../../../cli/fork";

describe("commands for children", () => {
	const { signal } = new AbortController();
	const run = (...argv: string[]) =>
		onChildren(argumentsOf([...argv, "--stack", "dev"]), { log: () => {}, signal, interrupted: signal });

	it("refuse options of others, without which they would do more than was meant", async () => {
		const refusals: Array<[string[], RegExp]> = [
			[
				["fork", "power-off", "web", "--count", "2"],
				/^Error: --count: got "2" with fork power-off; allowed is it with fork create and fork destroy$/,
			],
			[["fork", "revert", "web", "--count", "0"], /^Error: --count: got "0" with fork revert; allowed/],
			[
				["fork", "destroy", "web", "0", "--on-reset", "boot"],
				/^Error: --on-reset: got "boot" with fork destroy; allowed/,
			],
		];
		for (const [argv, reason] of refusals) await assert.rejects(run(...argv), reason);
	});

	it("do nothing after Ctrl-C", async () => {
		const given = argumentsOf(["fork", "destroy", "web", "0", "--stack", "dev", "--project", "/nowhere", "--yes"]);
		const interrupted = AbortSignal.abort(new Error("ended by SIGINT"));
		await assert.rejects(onChildren(given, { log: () => {}, signal, interrupted }), /^Error: ended by SIGINT$/);
	});
});
