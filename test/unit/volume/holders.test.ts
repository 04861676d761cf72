import assert from "node:assert/strict";
import { isOfOther, type Mark, markIn } from "../../../provider/volume/holders";

const [A, B] = ["a".repeat(32), "b".repeat(32)];
const mark = (turn: number, host: string, kind: Mark["kind"]): Mark =>
	markIn(`web.qcow2.${turn}-${host}-01234567.${kind}`)!;

describe("whose a file is on storage that hosts share", () => {
	it("is told by names alone", () => {
		assert.deepEqual(mark(12, A, "held"), {
			name: `web.qcow2.12-${A}-01234567.held`,
			volume: "web.qcow2",
			turn: 12,
			host: A,
			kind: "held",
		});
		for (const name of ["web.qcow2", "web.held", `web.qcow2.1-${A}.held`, `web.qcow2.1-${A}-01234567.taken`]) {
			assert.equal(markIn(name), undefined, name);
		}
	});

	const cases: Array<[string, Mark[], string, boolean, boolean]> = [
		["nobody has marked it", [], A, true, false],
		["its machine is on the other host", [mark(1, B, "held")], A, false, true],
		["its machine is here", [mark(1, B, "held")], B, true, false],
		["it is to go, and is recorded there", [mark(1, B, "claimed")], A, true, true],
		["it was to go, and that is recorded nowhere", [mark(1, B, "claimed")], A, false, false],
		["it is to come back, and is recorded there", [mark(1, B, "held"), mark(2, A, "claimed")], B, true, true],
		["it was to come back", [mark(1, B, "held"), mark(2, A, "claimed")], B, false, false],
		["it is not here yet", [mark(1, B, "held"), mark(2, A, "claimed")], A, true, true],
		["it has come here, and the former mark is still there", [mark(1, B, "held"), mark(2, A, "held")], A, true, false],
		["it has left, and the former mark is still there", [mark(2, A, "held"), mark(1, B, "held")], B, false, true],
		["an older claim is left", [mark(1, A, "claimed"), mark(2, B, "held")], B, true, false],
	];
	for (const [what, marks, own, isElsewhere, expected] of cases) {
		it(`is ${expected ? "the other's" : "its own"} where ${what}`, () => {
			assert.equal(isOfOther(marks, own, isElsewhere), expected);
			assert.equal(isOfOther(marks.toReversed(), own, isElsewhere), expected);
		});
	}
});
