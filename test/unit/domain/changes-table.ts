/** Tables of what each change of a domain comes to. */
import assert from "node:assert/strict";
import { changes } from "../../../provider/domain/changes";
import type { DomainFacts } from "../../../provider/domain/schema";
import { UNKNOWN } from "../../../provider/unknown";
import { type Given, inputsOf, stateOf } from "./inputs";

export const disk = (volume: string, more: object = {}) => ({ volume, ...more });

/** What each change of one property comes to; `effects` lists "property: effect". */
export interface Case {
	what: string;
	olds?: Given;
	news?: Given;
	facts?: Partial<DomainFacts>;
	effects: string[];
	note?: RegExp;
}

/** One test for each. */
export function testCases(cases: ReadonlyArray<Case>): void {
	for (const { what, olds, news, facts, effects, note } of cases) {
		it(`${what}: ${effects.join(", ") || "nothing"}`, () => {
			const before = inputsOf(olds);
			const unknown = Object.fromEntries(
				Object.entries(news ?? {}).filter(([, value]) => JSON.stringify(value).includes(UNKNOWN)),
			);
			const known = Object.fromEntries(Object.entries(news ?? {}).filter(([key]) => !(key in unknown)));
			const filled = fillUnknown(unknown);
			const after = { ...inputsOf({ ...olds, ...dropped(olds, news), ...known }), ...filled };
			const found = changes(stateOf(before, facts), after);
			assert.deepEqual(found.map(({ property, effect }) => `${property}: ${effect}`).sort(), [...effects].sort());
			if (note) assert.match(found.map((change) => change.note).join("\n"), note);
			for (const change of found) assert.ok(change.note.length > 10, `${change.property} says why`);
		});
	}
}

/** Inputs that were given before and are not any more. */
function dropped(olds: Given = {}, news: Given = {}): Given {
	return Object.fromEntries(
		Object.keys(olds).flatMap((key) => (key in news || key === "uri" ? [] : [[key, undefined]])),
	);
}

/** The schema's defaults inside of what has an unknown. */
function fillUnknown(unknown: Given): object {
	const fill = (item: unknown, defaults: object) => (typeof item === "object" ? { ...defaults, ...item } : item);
	return Object.fromEntries(
		Object.entries(unknown).map(([key, value]) => [
			key,
			Array.isArray(value)
				? value.map((item) =>
						fill(item, key === "nics" ? { model: "virtio" } : { device: "disk", readOnly: false, cache: "default" }),
					)
				: value,
		]),
	);
}
