import assert from "node:assert/strict";
import fc from "fast-check";
import type { Outcome, Subject } from "../../../provider/init/expression/machine";
import type { Piece, Tree } from "../../../provider/init/expression/syntax";
import { givenMac } from "../../../provider/init/given-ids";
import { compileParameters, evaluate, outcomes } from "../../../provider/init/parameters";
import type { ParameterMapping, Parameters } from "../../../provider/init/parameters-schema";
import { AWKS, facts, runAwk } from "./awk";
import { numberTree, sourceOf, subject, template, templateSource } from "./random";
import { idOf, instanceOf, NotKnown, resultOf, treeValue, Wrong } from "./reference";

/** The same in every run. */
const SEED = 20_240;

interface Case {
	subject: Subject;
	mapping: ParameterMapping;
	/** What it comes to by its description; throws `Wrong` or `NotKnown`. */
	meaning: () => string;
}

function outcomeOf(meaning: () => string): Outcome {
	try {
		return { value: meaning() };
	} catch (error) {
		if (error instanceof Wrong) return { error: error.message };
		if (error instanceof NotKnown) return { unknown: true };
		throw error;
	}
}

/** All that compute parameters come to the same, errors included. */
function agree(cases: ReadonlyArray<Case>): Outcome[] {
	const input: string[] = [];
	const all: Outcome[] = [];
	const printed: string[] = [];
	for (const [index, { subject: machine, mapping, meaning }] of cases.entries()) {
		const name = `p${index}`;
		const compiled = compileParameters({ [name]: mapping });
		const outcome = outcomes(compiled, machine)[name]!;
		assert.deepEqual(outcome, outcomeOf(meaning), JSON.stringify({ machine, mapping }));
		all.push(outcome);
		if ("unknown" in outcome) continue;
		// The guest knows its TPM. What a preview can tell without it is the same.
		const hardware = { tpm: "0".repeat(64), ...machine.hardware };
		input.push(facts({ ...machine, hardware }), compiled.text);
		printed.push("value" in outcome ? `${name} ${outcome.value}` : `error ${name} ${outcome.error}`);
	}
	for (const awk of AWKS) {
		const { lines, status, complaints } = runAwk(awk, input.join(""));
		assert.equal(complaints, "", awk.join(" "));
		const index = lines.findIndex((line, each) => line !== printed[each]);
		const { subject: machine, mapping } = cases[Number(/p(\d+)/.exec(printed[index] ?? "p0")![1])]!;
		assert.equal(lines[index], printed[index], `${awk.join(" ")}: ${JSON.stringify({ machine, mapping })}`);
		assert.equal(lines.length, printed.length, awk.join(" "));
		assert.equal(status, printed.some((line) => line.startsWith("error ")) ? 1 : 0, awk.join(" "));
	}
	return all;
}

/** Of both kinds there have to be many, or the agreement says little. */
function countOf(all: ReadonlyArray<Outcome>, kind: "value" | "error"): number {
	return all.filter((outcome) => kind in outcome).length;
}

function casesOf<Given>(
	given: fc.Arbitrary<Given>,
	numRuns: number,
	describe: (given: Given, machine: Subject) => Pick<Case, "mapping" | "meaning"> | undefined,
): Case[] {
	return fc.sample(fc.tuple(given, subject), { numRuns, seed: SEED }).flatMap(([each, machine]) => {
		const described = describe(each, machine);
		return described ? [{ subject: machine, ...described }] : [];
	});
}

describe("parameters in previews and in the guest", () => {
	it("are the same for thousands of random templates and machines", () => {
		const cases = casesOf(template, 2400, (pieces, machine) => {
			const source = templateSource(pieces);
			return source.length > 1024 ? undefined : { mapping: source, meaning: () => resultOf(pieces, machine) };
		});
		const all = agree(cases);
		assert.ok(countOf(all, "value") > 1000, String(countOf(all, "value")));
		assert.ok(countOf(all, "error") > 500, String(countOf(all, "error")));
	});

	it("are the same for random tables", () => {
		const given = fc.record({
			keys: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 4 }),
			/** What of this machine is among the keys. */
			known: fc.subarray(["id", "instance"] as const),
			fallback: fc.option(short, { nil: undefined }),
			value: short,
		});
		const cases = casesOf(given, 600, ({ keys, known, fallback, value }, machine) => {
			const rows: Record<string, Piece[]> = Object.fromEntries(keys.map((key) => [key, [{ text: `row ${key}` }]]));
			const id = outcomeOf(() => idOf(machine));
			const instance = outcomeOf(() => String(instanceOf(machine)));
			if (known.includes("instance") && "value" in instance) rows[instance.value] = [...value, { text: "!" }];
			// A number alone would be an instance.
			const isNamed = known.includes("id") && "value" in id && !/^\d+$/.test(id.value);
			if (isNamed) rows[spelledOtherwise(machine, id.value)] = value;
			return {
				mapping: { table: sources(rows), default: fallback && templateSource(fallback) },
				meaning: () => {
					checkPresent(machine);
					if (isNamed) return resultOf(value, machine);
					const row = "value" in instance ? rows[instance.value] : undefined;
					const chosen = row ?? fallback;
					if (chosen) return resultOf(chosen, machine);
					throw new Wrong(`got ${idOf(machine)}; allowed are the keys of the table: add a row or a default`);
				},
			};
		});
		const all = agree(cases);
		assert.ok(countOf(all, "value") > 300 && countOf(all, "error") > 50);
	});

	it("are the same for random tables of numbers, lists and ranges", () => {
		const given = fc.record({
			values: fc.array(short, { minLength: 1, maxLength: 5 }),
			tree: fc.oneof(numberTree, { weight: 4, arbitrary: smallNumber }),
			fallback: fc.option(short, { nil: undefined }),
			start: fc.integer({ min: -3, max: 3 }),
			kind: fc.constantFrom("table", "list", "ranges", "shared" as const),
		});
		const cases = casesOf(given, 1000, ({ values, tree, fallback, start, kind }, machine) => {
			const of = sourceOf(tree);
			if (of.length > 1024) return undefined;
			const first = kind === "list" || kind === "shared" ? 0 : start;
			const width = kind === "ranges" ? 2 : 1;
			const count = values.length;
			const texts = values.map(templateSource);
			const mappings = {
				table: { table: Object.fromEntries(texts.map((text, index) => [String(first + index), text])), of },
				list: { list: texts, at: of },
				ranges: {
					// In any order.
					ranges: texts
						.map((value, index) => ({ from: first + 2 * index, to: first + 2 * index + 1, value }))
						.toReversed(),
					of,
				},
				shared: { list: texts },
			};
			const allowed = {
				table: "allowed are the keys of the table: add a row or a default",
				list: `allowed are places in the list from 0 to ${count - 1}: add a default`,
				ranges: "allowed are numbers in one of the ranges: add a range or a default",
				shared: "never",
			}[kind];
			return {
				mapping: { ...mappings[kind], default: fallback && templateSource(fallback) },
				meaning: () => {
					const number = kind === "shared" ? instanceOf(machine) % BigInt(count) : (treeValue(tree, machine) as bigint);
					const offset = Number(number) - first;
					const chosen = (offset >= 0 ? values[Math.floor(offset / width)] : undefined) ?? fallback;
					if (chosen) return resultOf(chosen, machine);
					throw new Wrong(`got ${number}; ${allowed}`);
				},
			};
		});
		const all = agree(cases);
		assert.ok(countOf(all, "value") > 500 && countOf(all, "error") > 100);
	});

	it("are the same on thousands of machines for the same image", () => {
		const parameters: Parameters = {
			hostname: "web-{instance:05}",
			address: "10.{byte(-3)}.{byte(-2)}.{byte(-1)}",
			shard: { list: ["red", "green", "blue"], at: "hash(3)" },
			size: { ranges: [{ from: 0, to: 999, value: "small" }], default: "large" },
			role: { table: { "0": "server", "52:54:00:00:00:07": "spare" }, default: "client of {instance / 100 * 100}" },
		};
		const compiled = compileParameters(parameters);
		const machines = Array.from({ length: 2000 }, (_, n): Subject => {
			const mac = givenMac("org/project/dev/web", n * 32);
			return { identifier: ["mac 0"], hardware: { "mac 0": n === 7 ? "52:54:00:00:00:07" : mac } };
		});
		const values = machines.map((machine) => evaluate(compiled, machine));
		assert.equal(values[1]!.hostname, "web-00032");
		assert.deepEqual([values[0]!.role, values[7]!.role, values[9]!.role], ["server", "spare", "client of 200"]);
		assert.equal(new Set(values.map(({ hostname }) => hostname)).size, machines.length);
		const shards = ["red", "green", "blue"].map((color) => values.filter(({ shard }) => shard === color).length);
		assert.ok(
			shards.every((size) => size > 550),
			String(shards),
		);
		const expected = values.flatMap((each) => Object.entries(each).map((entry) => entry.join(" ")));
		const input = machines.map((machine) => facts(machine) + compiled.text).join("");
		for (const awk of AWKS) assert.deepEqual(runAwk(awk, input).lines, expected, awk.join(" "));
	});
});

const short = template.filter((pieces) => templateSource(pieces).length < 200);

/** One that lies in small tables and lists, mostly. */
const smallNumber = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 3 })).map(
	([modulo, less]): Tree => ({
		op: "-",
		left: { op: "hash", modulo },
		right: { op: "literal", value: less },
	}),
);

function sources(rows: Record<string, Piece[]>): Record<string, string> {
	return Object.fromEntries(Object.entries(rows).map(([key, pieces]) => [key, templateSource(pieces)]));
}

/** As a user may write an id whose normal form is another. */
function spelledOtherwise({ identifier, hardware }: Subject, id: string): string {
	if (identifier.length > 1 || !/^(mac|uuid)/.test(identifier[0]!)) return id;
	const capitals = hardware[identifier[0]!]!.toUpperCase();
	return identifier[0] === "uuid" ? capitals : capitals.replaceAll(":", "-");
}

/** A TPM that nobody knows of may be there. */
function checkPresent({ identifier, hardware }: Subject): void {
	for (const part of identifier) {
		if (part !== "tpm" && hardware[part] === undefined) throw new Wrong(`this machine has no ${part}`);
	}
}
