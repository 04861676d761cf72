import assert from "node:assert/strict";
import { reach } from "../../../provider/identity/store/away";
import { StoreError, StoreUnavailableError } from "../../../provider/identity/store/errors";

describe("a store that could not be reached", () => {
	const failing = (error: Error) => {
		let tries = 0;
		return { open: () => Promise.reject(error).finally(() => tries++), tries: () => tries };
	};

	it("is not waited for again by the next who looks, and others are", async () => {
		const { open, tries } = failing(new StoreUnavailableError("cannot be reached for 30 s"));
		for (let look = 0; look < 5; look++) await assert.rejects(reach("first", open), /cannot be reached for 30 s/);
		assert.equal(tries(), 1);
		assert.equal(await reach("second", async () => "open"), "open");
	});

	it("is asked again when it has refused something", async () => {
		const { open, tries } = failing(new StoreError("permission denied"));
		for (let look = 0; look < 2; look++) await assert.rejects(reach("third", open), /permission denied/);
		assert.equal(tries(), 2);
	});
});
