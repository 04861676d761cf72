import assert from "node:assert/strict";
import { tailOf } from "../../../provider/domain/health";

describe("what a health check said", () => {
	it("is shown whole when it is short", () => {
		assert.equal(tailOf(""), "nothing");
		assert.equal(tailOf("down"), "down");
		assert.equal(tailOf("a\nb"), "a\n  b");
	});

	it("is cut to its end when it is long", () => {
		const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
		assert.equal(tailOf(lines.join("\n")), `...${lines.slice(-10).join("\n  ")}`);
		const long = tailOf("x".repeat(5000));
		assert.deepEqual([long.length, long.slice(0, 4)], [1003, "...x"]);
	});
});
