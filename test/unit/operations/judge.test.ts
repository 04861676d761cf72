import assert from "node:assert/strict";
import type { Ask } from "../../../operations/decide";
import { beside, refuseContrary, refusePending, type Step } from "../../../operations/judge";

const desk = { urn: "urn:desk", name: "desk", machines: ["desk-ann", "desk-bob"] };
const step = (operation: string, name: string, type = "Domain", parent = desk.urn): Step => ({
	urn: `${type}:${name}`,
	parent,
	name,
	type,
	operation,
});
const names = (steps: Step[]) => steps.map(({ operation, name }) => `${operation} ${name}`);

describe("what a preview shows", () => {
	it("is asked for where it is of the machines that are named, and their disks", () => {
		const steps = [
			step("update", "desk-ann"),
			step("replace", "desk-ann", "Volume"),
			step("replace", "desk-ann-data-0", "Volume"),
			step("update", "desk-bob"),
			step("update", "desk-ann", "Domain", "urn:other"),
			step("delete", "desk-ann"),
		];
		const reset = { operation: "reset", trigger: "2" } as const;
		const others = beside(steps, desk, ["desk-ann"], reset);
		assert.deepEqual(names(others), ["update desk-bob", "update desk-ann", "delete desk-ann"]);
		const destroyed = beside(steps, desk, ["desk-ann"], { operation: "destroy" });
		assert.equal(destroyed.length, 5);
	});

	it("is asked for where it is new, or goes", () => {
		const steps = [step("create", "desk-2"), step("delete", "desk-1"), step("create", "lan", "Network", "")];
		assert.deepEqual(names(beside(steps, desk, undefined, { operation: "create", count: 3 })), [
			"delete desk-1",
			"create lan",
		]);
		assert.deepEqual(names(beside(steps, desk, undefined, { operation: "destroy", count: 1 })), [
			"create desk-2",
			"create lan",
		]);
	});

	it("is not asked for by a number where it is of named ones, nor by a name where it is of others", () => {
		const lost = [step("delete", "desk-1"), step("delete", "desk-1-data-0", "Volume"), step("delete", "desk-bob")];
		const byNumber = { operation: "destroy", count: 1 } as const;
		assert.deepEqual(names(beside(lost, desk, undefined, byNumber)), ["delete desk-bob"]);
		const made = [step("create", "desk-eve"), step("create", "desk-eve-data-0", "Volume"), step("create", "desk-2")];
		const byName: Ask = { operation: "create", children: ["eve"] };
		assert.deepEqual(names(beside(made, desk, undefined, byName)), ["create desk-2"]);
		const other = { ...desk, name: "office" };
		assert.deepEqual(names(beside(lost, other, undefined, byNumber)), ["delete desk-bob"]);
		assert.deepEqual(names(beside(made, other, undefined, byName)), ["create desk-2"]);
	});

	it("is refused where others have changed it, and not where it follows from what was asked for", () => {
		const others = [step("create", "kiosk-1"), step("update", "desk-bob")];
		refusePending("dev", others, []);
		refusePending("dev", others, [step("delete", "kiosk-1"), step("update", "desk-ann")]);
		assert.throws(
			() => refusePending("dev", others, [step("create", "kiosk-1")]),
			/program of dev has changes that nobody has brought about yet: create kiosk-1 \(Domain\)\. Run pulumi up first/,
		);
	});

	it("is refused where a number comes to the contrary, or to nothing", () => {
		const created = [step("create", "desk-2"), step("create", "desk-2", "Volume")];
		refuseContrary(created, desk, { operation: "create", count: 3 });
		refuseContrary([step("delete", "desk-bob")], desk, { operation: "destroy", count: 1 });
		refuseContrary(created, desk, { operation: "destroy", children: ["ann"] });
		const refusal = (steps: Step[], operation: "create" | "destroy", count: number) => () =>
			refuseContrary(steps, desk, { operation, count });
		assert.throws(
			refusal(created, "destroy", 3),
			/count: got 3, which would create desk-2; allowed is that with create/,
		);
		assert.throws(
			refusal([step("delete", "desk-bob")], "create", 1),
			/count: got 1, which would destroy desk-bob; allowed is that with destroy/,
		);
		assert.throws(
			refusal([], "create", 2),
			/got 2; desk has 2 children, and there is nothing to create: allowed is more/,
		);
		assert.throws(refusal([step("update", "desk-ann")], "destroy", 2), /nothing to destroy: allowed is less/);
	});
});
