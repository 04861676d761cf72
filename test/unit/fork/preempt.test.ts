import assert from "node:assert/strict";
import { domainSchema } from "../../../provider/domain/schema";
import { forkChanges, preemptionChanges } from "../../../provider/fork/changes";
import { graceOf } from "../../../provider/fork/preempt";

describe("a preemptible child", () => {
	const inputs = (fork: object, more: object = {}) =>
		domainSchema.parse({
			uri: "test:///default",
			ownerId: "org/project/stack/blue",
			name: "blue",
			fork: { point: "p", hostname: "blue", preemptible: true, ...fork },
			...more,
		});
	const before = { ...inputs({}), nextStart: "fork" as const, preempted: false };

	it("is one that it was not, or the other way round, while it runs", () => {
		const [change, ...others] = forkChanges(inputs({ preemptible: false }), inputs({}));
		assert.deepEqual([change?.effect, others], ["live", []]);
		assert.match(change!.note, /^gives way from now on when the host runs short of memory/);
		assert.match(forkChanges(inputs({}), inputs({ preemptible: false }))[0]!.note, /^does not give way from now on/);
	});

	it("that has given way goes on when there is room, and is recorded as off until then", () => {
		const notes = (olds: object, fork: object) =>
			preemptionChanges({ ...before, ...olds } as never, inputs(fork)).map(
				({ property, note }) => `${property}: ${note}`,
			);
		assert.deepEqual(notes({}, {}), []);
		assert.deepEqual(notes({}, { preempted: "stays" }), ["running: recorded: it has given way, and is off"]);
		assert.deepEqual(notes({ preempted: true }, { preempted: "stays" }), []);
		assert.deepEqual(notes({ preempted: true }, { preempted: "goesOn" }), [
			"running: there is room for it again: goes on from its parent, with a fresh disk",
		]);
		assert.deepEqual(notes({ preempted: true }, {}), ["running: recorded: it runs again"]);
		assert.deepEqual(notes({ running: false, preempted: true }, { preempted: "goesOn" }), []);
		assert.deepEqual(forkChanges(before, inputs({ preempted: "stays" })), []);
	});

	it("shuts its guest down where that has a disk to come back to", () => {
		assert.equal(graceOf(inputs({}).fork), 30);
		assert.equal(graceOf(inputs({ powerOn: "refork" }).fork), 0);
		assert.equal(graceOf(inputs({ preemptible: false }).fork), undefined);
		assert.equal(graceOf(undefined), undefined);
	});
});
