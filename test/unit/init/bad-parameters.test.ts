import assert from "node:assert/strict";
import fc from "fast-check";
import { compileParameters, parameterProblems } from "../../../provider/init/parameters";
import { InputError } from "../../../provider/lifecycle";

/** Of the parameter "role": what it is, and the property and the message after `parameters.role`. */
type Cause = readonly [what: string, given: unknown, complaint: string];

/** What is wrong with the template, and what is allowed. */
const template = (what: string, source: string, complaint: string): Cause => [
	what,
	source,
	`: got ${JSON.stringify(source)}: ${complaint}`,
];
const VALUE = 'allowed is a number, text in quotes, instance, id, byte(), number(), hash(), "-" or "("';

const TEMPLATES: Cause[] = [
	template("a brace that nothing closes", "web-{instance", 'character 14 is the end; allowed is an operator, ":" and'),
	template("a brace that nothing opens", "web-}", 'character 5 is "}" without a "{" before it; allowed is }}'),
	template("braces with nothing in them", "a{}", `character 3 is "}"; ${VALUE}`),
	template("an operator without its right side", "{instance +}", `character 12 is "}"; ${VALUE}`),
	template("an operator that there is not", "{1 & 2}", 'character 4 is "&"; allowed are numbers, text in quotes, inst'),
	template("a number with a fraction", "{1.5}", 'character 3 is "."; allowed are numbers'),
	template("a name that means nothing", "é{name}", `character 3 is "name"; ${VALUE}`),
	template("two values side by side", "{1 2}", 'character 4 is "2"; allowed is an operator'),
	template("a parenthesis that nothing closes", "{(1}", 'character 4 is "}"; allowed is an operator or ")"'),
	template("a quote that nothing closes", "{'abc}", "character 2 is a ' that nothing closes; allowed is text between"),
	template("zeros before a number", "{007}", 'character 2 is "007"; allowed are numbers without zeros before them'),
	template(
		"a number that is too large",
		"{9007199254740992}",
		'character 2 is "9007199254740992"; allowed are numbers up',
	),
	template("a comparison as the value", "{1 == 2}", "character 2 is a comparison; allowed is a number or text"),
	template("a comparison of a comparison", "{1 < 2 < 3}", "character 2 is a comparison; allowed is a number or text"),
	template("a comparison as a summand", "{(1 < 2) + 3}", 'character 10 is "+" with a comparison; allowed are numbers'),
	template("a choice by a number", "{instance ? 1 : 2}", "character 2 is a number; allowed is a comparison before ?"),
	template("half a choice", "{1 == 1 ? 2}", 'character 12 is "}"; allowed is ":" and the value for when'),
	template(
		"a choice of a number or text",
		"{1 == 1 ? 2 : 'a'}",
		"character 15 is text; allowed is a number, as before",
	),
	template("sums of text", "{id + 1}", 'character 5 is "+" with text; allowed are numbers'),
	template("a minus before text", "{-id}", 'character 2 is "-" with text; allowed are numbers'),
	template(
		"text that is less than other text",
		"{'a' < 'b'}",
		'character 6 is "<" between text and text; allowed are co',
	),
	template("a number that is equal to text", "{1 == 'a'}", 'character 4 is "==" between a number and text; allowed'),
	template("a byte without its place", "{byte}", "character 2 is byte(); allowed is a number from -32 to 31"),
	template("a byte of no id", "{byte(32)}", "character 2 is byte(32); allowed is a number from -32 to 31"),
	template(
		"a byte at a computed place",
		"{byte(instance)}",
		'character 7 is "instance"; allowed is a number, or an id',
	),
	template("bytes in the wrong order", "{number(3, 1)}", "character 2 is number(3, 1); allowed are the first and the"),
	template(
		"too many bytes",
		"{number(-7, -1)}",
		"character 2 is number(-7, -1); allowed are the first and the last byte",
	),
	template("a hash below zero", "{hash(0)}", "character 2 is hash(0); allowed is a number from 1 to 281474976710656"),
	template(
		"an instance with a number",
		"{instance(1)}",
		'character 2 is instance(1); allowed is instance, or instance("',
	),
	template(
		"an identifier that there is not",
		"{id('nic')}",
		'character 2 is id() of "nic"; allowed are mac, mac N, uuid',
	),
	template(
		"an identifier that lacks a part",
		"{id('oem')}",
		'character 2 is id() of "oem"; allowed are mac, mac N, uuid',
	),
	template("arguments without a comma", "{byte(1 'mac')}", 'character 9 is "mac"; allowed is "," or ")"'),
	template("a format of spaces", "{instance:3}", 'character 11 is the format "3"; allowed are 0 and a width from 1'),
	template("an empty format", "{instance:}", 'character 11 is the format ""; allowed are 0 and a width from 1 to 64'),
	template(
		"a format that is too wide",
		"{instance:065}",
		'character 11 is the format "065"; allowed are 0 and a width',
	),
	template("a format of text", "{id:02}", "character 4 is a format after text; allowed are formats of numbers"),
	template("two lines", "a\nb", "character 2 is a control character, or half of one; allowed is text on one line"),
	["half a character", "\ud800", ': got "\\ud800": character 1 is a control character, or half of one'],
	["a template that is too long", "x".repeat(1025), "has 1025 characters; allowed are at most 1024"],
	[
		"too many parentheses",
		`{${"(".repeat(33)}1${")".repeat(33)}}`,
		"character 35 is nested too deep; allowed are at most 32",
	],
	["too many minus signs", `{${"-".repeat(33)}1}`, "character 34 is nested too deep; allowed are at most 32"],
];

const row = { "0": "a" };
const MAPPINGS: Cause[] = [
	[
		"what is no mapping",
		5,
		": got 5; allowed is text or a group of properties (table, list, ranges, at, of and default)",
	],
	["a misspelt property", { tabel: row }, '.tabel: there is no such property; did you mean "table"?'],
	["a mapping without values", { default: "a" }, ": got none of table, list and ranges; allowed is exactly one of"],
	[
		"two mappings in one",
		{ table: row, list: ["a"] },
		": got table and list; allowed is exactly one of table, list and",
	],
	["a table without rows", { table: {} }, ".table: got a table without rows; allowed is one with at least one row"],
	[
		"a table with a place",
		{ table: row, at: "0" },
		'.at: got "0" with table; allowed is of, the number that is looked',
	],
	["a list with a number", { list: ["a"], of: "0" }, '.of: got "0" with list; allowed is at, the place in the list'],
	["a value that is no text", { table: { "0": 5 } }, ".table.0: got 5; allowed is text"],
	["a value that is wrong", { table: { "0": "{x}" } }, `.table.0: got "{x}": character 2 is "x"; ${VALUE}`],
	["a default that is wrong", { list: ["a"], default: "{" }, `.default: got "{": character 2 is the end; ${VALUE}`],
	["an empty key", { table: { "": "a" } }, '.table.: got the key ""; allowed is an instance or an id'],
	["a key of two lines", { table: { "a\n": "a" } }, '.table.a\n: got the key "a\\n"; allowed is an instance or an id'],
	[
		"two spellings of one key",
		{ table: { "52:54:00:AA:00:01": "a", "52-54-00-aa-00-01": "b" } },
		'.table.52-54-00-aa-00-01: got the key "52-54-00-aa-00-01", which is the same as "52:54:00:AA:00:01"; allowed is one',
	],
	[
		"a key that is no number",
		{ table: { a: "b" }, of: "0" },
		'.table.a: got the key "a"; allowed is a whole number, as',
	],
	["an empty list", { list: [] }, ".list: got []; allowed is a list of 1 to 4096 entries"],
	["a list that is too long", { list: Array(4097).fill("") }, "allowed is a list of 1 to 4096 entries"],
	["a place that is text", { list: ["a"], at: "id" }, '.at: got "id": the expression is text; allowed is a number'],
	["a place in braces", { list: ["a"], at: "{0}" }, '.at: got "{0}": character 1 is "{"; allowed are numbers'],
	["an empty expression", { list: ["a"], at: "" }, `.at: got "": character 1 is the end; ${VALUE}`],
	[
		"more after the expression",
		{ list: ["a"], at: "0 }" },
		'.at: got "0 }": character 3 is "}"; allowed is an operator',
	],
	["no ranges", { ranges: [] }, ".ranges: got []; allowed is a list of 1 to 4096 entries"],
	[
		"a range that ends before it starts",
		{ ranges: [{ from: 5, to: 1, value: "a" }] },
		'.ranges[0]: got "5 to 1", which ends before it starts; allowed is a range from its first number to its last',
	],
	[
		"ranges that overlap",
		{
			ranges: [
				{ from: 5, to: 9, value: "a" },
				{ from: 0, to: 5, value: "b" },
			],
		},
		'.ranges[0]: got "5 to 9", which overlaps "0 to 5" (parameters.role.ranges[1]); allowed are ranges that have no num',
	],
	[
		"a range without an end",
		{ ranges: [{ from: 0, value: "a" }] },
		".ranges[0].to: is required; allowed is a whole num",
	],
	[
		"a part of a number",
		{ ranges: [{ from: 0.5, to: 1, value: "a" }] },
		".ranges[0].from: got 0.5; allowed is a whole",
	],
];

describe("bad parameters", () => {
	for (const [what, given, complaint] of [...TEMPLATES, ...MAPPINGS]) {
		it(`refuses ${what}`, () => {
			const problems = parameterProblems({ role: given }).map(({ property, message }) => `${property}: ${message}`);
			assert.equal(problems.length, 1, problems.join("\n"));
			const [problem] = problems as [string];
			assert.ok(problem.startsWith("parameters.role"), problem);
			assert.ok(problem.slice("parameters.role".length).includes(complaint), problem);
			assert.match(problem, /allowed (is|are) |did you mean/);
			assert.ok(problem.length < 500, problem);
		});
	}

	it("refuses names that are none, or that scripts get anyway", () => {
		const problems = parameterProblems({ Role: "", a_b: "", "": "", id: "", error: "", "0a": "", ok: "" }, "own");
		assert.deepEqual(
			problems.map(({ property }) => property),
			["own.Role", "own.a_b", "own.", "own.id", "own.error", "own.0a"],
		);
		for (const { message } of problems) {
			assert.match(message, /^got the name ".*"; allowed are (names of 1 to 63 lower|other names than id, inst)/);
		}
	});

	it("refuses more than the image should carry", () => {
		const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`p${index}`, ""]));
		const table = Object.fromEntries(Array.from({ length: 4097 }, (_, index) => [`k${index}`, ""]));
		const long = { list: Array(2000).fill("x".repeat(1000)) };
		for (const [given, complaint] of [
			[many, "parameters: got 65 parameters; allowed are at most 64"],
			[{ role: { table } }, "parameters.role.table: got 4097 rows; allowed are at most 4096"],
			[{ role: long }, /^parameters: got parameters that take \d{7} bytes in the image; allowed are at most 1048576/],
		] as const) {
			const [problem] = parameterProblems(given);
			const text = `${problem?.property}: ${problem?.message}`;
			if (typeof complaint === "string") assert.equal(text, complaint);
			else assert.match(text, complaint);
		}
	});

	it("are all told at once", () => {
		assert.throws(
			() => compileParameters({ a: "{", b: "", c: { list: ["}"], default: "{x}" } }, "scripts[0].parameters"),
			(error: unknown) => {
				assert.ok(error instanceof InputError);
				assert.equal(error.property, "scripts[0].parameters.a");
				const [first, ...others] = error.message.split("\n  ");
				assert.match(first!, /^got "\{": character 2 is the end/);
				assert.match(others[0]!, /^scripts\[0\]\.parameters\.c\.list\[0\]: got "\}"/);
				assert.match(others[1]!, /^scripts\[0\]\.parameters\.c\.default: got "\{x\}"/);
				assert.equal(others.length, 2);
				return true;
			},
		);
	});

	it("refuses any nonsense with a short complaint", () => {
		const words = ["{", "}", "{{", "(", ")", "?", ":", "==", "<", "+", "-", "%", "/", "0", "7", "byte", "number(0, 1)"];
		const more = ["instance", "id", "hash(", ",", "'", '"', "uuid", " ", "\u0000", "\ud800", "é", "constructor"];
		const nonsense = fc.array(fc.constantFrom(...words, ...more), { maxLength: 60 }).map((all) => all.join(""));
		let refused = 0;
		for (const source of fc.sample(nonsense, { numRuns: 1000, seed: 7 })) {
			const problems = [
				...parameterProblems({ a: `{${source}` }),
				...parameterProblems({ b: { list: [""], at: source } }),
			];
			refused += problems.length;
			for (const { message } of problems) {
				assert.match(message, /^got ".*: (character \d+ is|the expression is) .*allowed (is|are) /s);
				assert.ok(message.length < 500, message);
			}
		}
		assert.ok(refused > 1500, String(refused));
	});
});
