import assert from "node:assert/strict";
import { givenUp } from "../../../provider/morph/course";

const A = "qemu+ssh://root@a/system";
const B = "qemu+ssh://root@b/system";

describe("a change that is given up", () => {
	it("is taken back on the hosts that it was for", () => {
		const { source, target } = givenUp({ move: { from: A, to: "uuid-of-b", toUri: B } }, A);
		assert.deepEqual([source, target], [A, B]);
	});

	it("of a machine that stays is taken back where that is", () => {
		const { source, target } = givenUp({}, A);
		assert.deepEqual([source, target], [A, A]);
	});
});
