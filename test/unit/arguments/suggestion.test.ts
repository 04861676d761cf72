import assert from "node:assert/strict";
import { closest, didYouMean } from "../../../provider/suggestion";

describe("closest", () => {
	const names = ["memoryMiB", "maxMemoryMiB", "disks", "nics", "web"];

	it("takes what differs by few letters: swapped, missing, doubled or of another case", () => {
		assert.equal(closest("memroyMiB", names), "memoryMiB");
		assert.equal(closest("disk", names), "disks");
		assert.equal(closest("NICS", names), "nics");
		assert.equal(closest("wbe", names), "web");
	});

	it("takes a longer name that begins in the same way", () => {
		assert.equal(closest("memory", names), "memoryMiB");
	});

	it("does not guess wildly", () => {
		assert.equal(closest("cpu", names), undefined);
		assert.equal(closest("x", names), undefined);
		assert.equal(closest("", names), undefined);
	});

	it("takes the nearest of several", () => {
		assert.equal(closest("staging-2", ["staging-10", "staging-1", "staging-2x"]), "staging-1");
		assert.equal(closest("prod2", ["prod", "prod1", "prod2a"]), "prod");
	});
});

describe("didYouMean", () => {
	it("is a clause, or nothing", () => {
		assert.equal(didYouMean("disk", ["disks"]), '; did you mean "disks"?');
		assert.equal(didYouMean("cpu", ["disks"]), "");
	});
});
