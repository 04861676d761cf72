import assert from "node:assert/strict";
import { changedSettings } from "../../../provider/domain/drift";
import { parse } from "../../../provider/xml/element";
import { readDomain } from "../../../provider/xml/read-domain";
import { inputsOf, stateOf } from "./inputs";

const MODEL = { mode: "custom" as const, model: "EPYC" };
const cpuOf = (features: string) =>
	`<cpu mode="custom" match="exact" check="partial"><model fallback="forbid">EPYC</model><vendor>AMD</vendor>${features}</cpu>`;

/** What is told of the CPU of a machine with another one in its definition. */
function told(given: object, features = "") {
	const xml = `<domain type="kvm"><name>web</name>${cpuOf(features)}<devices/></domain>`;
	return changedSettings(readDomain(parse(xml)), stateOf(inputsOf({ cpu: { ...MODEL, ...given } }))).cpu;
}

describe("the CPU of a definition", () => {
	it("is the one that was asked for, whatever libvirt has filled in", () => {
		for (const given of [{}, { features: {} }, { check: "partial" }]) assert.equal(told(given), undefined);
		const avx2 = '<feature policy="disable" name="avx2"/>';
		assert.equal(told({ features: { avx2: "disable" } }, avx2), undefined);
		assert.equal(told({}, avx2), undefined);
	});

	it("is told with what somebody has taken out of it, or put into it", () => {
		const given = { features: { avx2: "disable" } };
		assert.deepEqual(told(given), { ...MODEL, features: {} });
		const other = '<feature policy="require" name="avx2"/>';
		assert.deepEqual(told(given, other), { ...MODEL, features: { avx2: "require" } });
		assert.deepEqual(told({ features: {} }, other), { ...MODEL, features: { avx2: "require" } });
		assert.deepEqual(told({ check: "full" }), { ...MODEL, check: "partial" });
	});
});
