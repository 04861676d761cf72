import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Subject } from "../../../provider/init/expression/machine";
import { givenMac } from "../../../provider/init/given-ids";
import { hashOf } from "../../../provider/init/identifiers";
import { compileParameters, evaluate, outcomes } from "../../../provider/init/parameters";
import type { ParameterMapping, Parameters } from "../../../provider/init/parameters-schema";
import { InputError } from "../../../provider/lifecycle";
import { AWKS, facts, runAwk } from "./awk";

const UUID = "6f9619ff-8b86-8011-8fa3-00c0ffee0102";
const machine: Subject = {
	identifier: ["mac 0"],
	hardware: {
		"mac 0": "52:54:be:ef:01:0b",
		uuid: UUID,
		serial: "web-12",
		"oem clone=": "é and  spaces 7",
		"disk-serial 0": "vol",
	},
};

/** The values, once all agree on them. */
function valuesOn(subject: Subject, parameters: Parameters): Record<string, string | undefined> {
	const compiled = compileParameters(parameters);
	const values = evaluate(compiled, subject);
	const lines = Object.entries(values).map(([name, value]) => `${name} ${value}`);
	for (const awk of AWKS) {
		assert.deepEqual(runAwk(awk, facts(subject) + compiled.text), { lines, status: 0, complaints: "" }, awk.join(" "));
	}
	return values;
}

describe("parameters of a machine", () => {
	it("are templates with expressions about its ids", () => {
		assert.deepEqual(
			valuesOn(machine, {
				hostname: "web-{instance + 1:02}",
				address: "10.0.{byte(-2)}.{byte(-1)}",
				mac: "{id}",
				"other-id": "<{id('oem clone=')}> {id('disk-serial')}",
				braces: "{{{instance}}}",
				hex: "{instance:x} {instance:06x} {number(0, 5):x} {-5:03} {0:x}",
				numbers: "{instance('uuid')} {number(-2, -1, 'uuid')} {instance('serial')} {instance('oem clone=')}",
				hash: "{hash(1)} {hash(1000000)} {hash(281474976710656, 'serial')}",
				arithmetic: "{7 / 2} {-7 / 2} {-7 % 3} {7 % -3} {-(2 - 5) * 4} {0 * -1}",
				large: "{9007199254740991} {9007199254740991 / 7} {-9007199254740991 % 10} {94906265 * 94906265}",
				role: "{instance % 2 == 0 ? 'server' : \"client\"}{id == '52:54:be:ef:01:0b' ? '!' : '?'}",
				lazy: "{instance == 0 ? 1 / 0 : 5}{1 <= 2 ? 1 : 9007199254740991 + 1}",
				empty: "",
				spaces: "  a  b  ",
			}),
			{
				hostname: "web-268",
				address: "10.0.1.11",
				mac: "52:54:be:ef:01:0b",
				"other-id": "<é and  spaces 7> vol",
				braces: "{267}",
				hex: "10b 00010b 5254beef010b -05 0",
				numbers: "4293787906 258 12 7",
				hash: "0 921206 95845969033800",
				arithmetic: "3 -4 2 -2 12 0",
				large: "9007199254740991 1286742750677284 9 9007199136250225",
				role: "client!",
				lazy: "51",
				empty: "",
				spaces: "  a  b  ",
			},
		);
	});

	it("end in an error that names the numbers, or the id that is not there", () => {
		const causes: ReadonlyArray<readonly [template: ParameterMapping, error: string]> = [
			["{1 / (instance - 267)}", "1 / 0 divides by zero"],
			["{-3 % 0}", "-3 % 0 divides by zero"],
			["{9007199254740991 + 1}", "9007199254740991 + 1 is beyond 9007199254740991, the largest number allowed"],
			["{-9007199254740991 - 1}", "-9007199254740991 - 1 is beyond 9007199254740991, the largest number allowed"],
			["{94906267 * 94906266}", "94906267 * 94906266 is beyond 9007199254740991, the largest number allowed"],
			["{0 - 1:x}", "-1 is below zero, which has no hexadecimal form"],
			["{byte(6)}", "mac 0 has 6 bytes, and no byte 6"],
			["{number(-2, 0)}", "byte -2 to byte 0 of mac 0 are 0 bytes; allowed are 1 to 6"],
			["{number(2, -1, 'uuid')}", "byte 2 to byte -1 of uuid are 14 bytes; allowed are 1 to 6"],
			["{byte(0, 'serial')}", "serial has no bytes"],
			["{instance('disk-serial')}", "disk-serial 0 has no instance number"],
			["{instance('tpm')}", "tpm has no instance number"],
			["{id('mac 1')}", "this machine has no mac 1"],
			["{hash(2, 'mac 1')}", "this machine has no mac 1"],
			["x".repeat(1007) + "{id}!", "the value has 1025 bytes; allowed are at most 1024"],
			[{ table: { "1": "a" } }, "got 52:54:be:ef:01:0b; allowed are the keys of the table: add a row or a default"],
			[{ list: ["a", "b"], at: "instance" }, "got 267; allowed are places in the list from 0 to 1: add a default"],
			[
				{ ranges: [{ from: 0, to: 9, value: "" }] },
				"got 267; allowed are numbers in one of the ranges: add a range or a default",
			],
		];
		const parameters = Object.fromEntries(causes.map(([mapping], index) => [`p${index}`, mapping]));
		const compiled = compileParameters({ ...parameters, good: "{instance}" });
		for (const [index, [mapping, error]] of causes.entries()) {
			const property = `parameters.p${index}`;
			assert.deepEqual(outcomes(compiled, machine)[`p${index}`], { error });
			assert.throws(
				() => evaluate(compileParameters({ [`p${index}`]: mapping }), machine),
				(thrown: unknown) => thrown instanceof InputError && thrown.property === property && thrown.message === error,
			);
		}
		const lines = [...causes.map(([, error], index) => `error p${index} ${error}`), "good 267"];
		for (const awk of AWKS) {
			assert.deepEqual(
				runAwk(awk, facts(machine) + compiled.text),
				{ lines, status: 1, complaints: "" },
				awk.join(" "),
			);
		}
	});

	it("may have 1024 bytes", () => {
		assert.equal(valuesOn(machine, { long: "x".repeat(1007) + "{id}" }).long!.length, 1024);
		assert.equal(valuesOn(machine, { long: "é".repeat(503) + "{id} " }).long!.length, 521);
	});

	it("are of a combination of ids", () => {
		const combined: Subject = { ...machine, identifier: ["disk-serial 0", "serial", "uuid"] };
		assert.deepEqual(
			valuesOn(combined, {
				own: "{id}",
				number: "{instance}",
				byte: "{byte(0):x}",
				table: { table: { [`vol/web-12/${UUID.toUpperCase()}`]: "this one", "12": "another" } },
			}),
			{ own: `vol/web-12/${UUID}`, number: "12", byte: "6f", table: "this one" },
		);
	});

	it("are not known where they depend on a TPM that nobody has seen", () => {
		const compiled = compileParameters({
			own: "{id}",
			part: "{instance == 12 ? 'known' : id('tpm')}",
			"by-number": { table: { "12": "known" } },
			"by-id": { table: { "12": "known", "web-12/abc": "other" } },
			bytes: "{byte(0)}",
		});
		assert.deepEqual(evaluate(compiled, { ...machine, identifier: ["serial", "tpm"] }), {
			own: undefined,
			part: "known",
			"by-number": "known",
			"by-id": undefined,
			bytes: undefined,
		});
	});

	it("prefer an id in a table to its instance", () => {
		const table = { "267": "by number", "52-54-BE-EF-01-0B": "by id" };
		assert.deepEqual(valuesOn(machine, { role: { table } }), { role: "by id" });
		assert.deepEqual(valuesOn(machine, { role: { table: { "267": "by number", "52:54:be:ef:01:0c": "" } } }), {
			role: "by number",
		});
	});

	it("keep the ids of their tables from who reads the image", () => {
		const { text } = compileParameters({ role: { table: { "52:54:be:ef:01:0b": "server" } } });
		assert.ok(!/52:54/i.test(text), text);
		assert.ok(text.includes(hashOf("52:54:be:ef:01:0b")), text);
	});

	it("tell which other ids they ask for", () => {
		const { identifiers } = compileParameters({
			a: "{id} {id('uuid')} {instance('mac')} {byte(0, 'mac 1')} {hash(5, 'serial')} push-id",
			b: { list: ["{number(0, 1, 'tpm')}"], at: "instance('uuid')" },
		});
		assert.deepEqual(identifiers, ["uuid", "mac 0", "mac 1", "serial", "tpm"]);
	});

	it("have as many rows as are allowed", () => {
		const table = Object.fromEntries(Array.from({ length: 4096 }, (_, n) => [givenMac("o/p/s/c", n), `row ${n}`]));
		const subject: Subject = { identifier: ["mac 0"], hardware: { "mac 0": givenMac("o/p/s/c", 4095) } };
		assert.deepEqual(valuesOn(subject, { role: { table } }), { role: "row 4095" });
	});

	it("are what the guide says", () => {
		const guide = readFileSync(path.resolve(__dirname, "../../../../docs/init-parameters.md"), "utf8");
		const rows = [...guide.matchAll(/^\| `([^`]+)` \| `([^`]+)` \|$/gm)];
		assert.ok(rows.length >= 10, guide);
		const templates = Object.fromEntries(rows.map(([, template], index) => [`p${index}`, template!]));
		assert.deepEqual(
			Object.values(valuesOn(machine, templates)),
			rows.map(([, , value]) => value),
		);
	});
});
