import assert from "node:assert/strict";
import { type Place, placeOf, type Sight } from "../../../provider/move/place";

const SIGHTS: Sight[] = ["none", "off", "runs", "between"];

describe("where a machine is that moves", () => {
	const told: Array<[Sight, Sight, Place]> = [
		["none", "none", "gone"],
		["off", "none", "there"],
		["runs", "none", "there"],
		["between", "none", "there"],
		["none", "off", "here"],
		["none", "runs", "here"],
		["off", "runs", "here"],
		["runs", "between", "moving"],
		["between", "between", "moving"],
		["between", "runs", "moving"],
	];
	for (const [there, here, place] of told) {
		it(`is ${place} when the former host shows ${there} and the new one ${here}`, () =>
			assert.equal(placeOf(there, here), place));
	}
	it("cannot be told in all other cases", () => {
		const others = SIGHTS.flatMap((there) => SIGHTS.map((here) => [there, here] as const)).filter(
			([there, here]) => !told.some(([before, now]) => before === there && now === here),
		);
		assert.equal(others.length, 6);
		for (const [there, here] of others) assert.equal(placeOf(there, here), "unclear", `${there} ${here}`);
	});
});
