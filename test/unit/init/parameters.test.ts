import assert from "node:assert/strict";
import type { Subject } from "../../../provider/init/expression/machine";
import { compileParameters, evaluate } from "../../../provider/init/parameters";
import type { Parameters } from "../../../provider/init/parameters-schema";
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
});
