import assert from "node:assert/strict";
import { guard } from "../../../provider/guard/lifecycle";
import { connect } from "../../../provider/libvirt";

const given = { uri: "test:///default", ownerId: "o/p/s/guard" };
const context = { host: connect(given.uri), log: () => {} };

describe("the guard", () => {
	it("keeps in mind what was retained once, as it may be there after its resource has gone", async () => {
		const olds = { ...given, retained: ["data"] };
		const news = { ...given, retained: ["more"] };
		assert.deepEqual(
			guard.changes(olds, news).map(({ property, effect }) => [property, effect]),
			[["retained", "live"]],
		);
		const state = await guard.update("guard", olds, news, context);
		assert.deepEqual(state.retained, ["data", "more"]);
		assert.deepEqual(guard.changes(state, news), []);
		assert.deepEqual(guard.changes(state, given), []);
	});
});
