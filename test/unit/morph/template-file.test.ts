import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { morphCheck } from "../../../cli/morph";
import { morphTemplate } from "../../../index";

describe("a template in a file", () => {
	let folder: string;
	before(() => {
		folder = mkdtempSync(join(tmpdir(), "morph-template-"));
	});
	after(() => rmSync(folder, { recursive: true, force: true }));
	const file = (text: string) => {
		const path = join(folder, "template.yaml");
		writeFileSync(path, text);
		return path;
	};

	const GOOD = `
preMigration:
  - exec: [/sbin/drain]
    undo: [/sbin/serve]
  - { kind: hostExec, exec: [logger, goes], parallel: true, onFailure: continue }
hotPlug:
  - kind: memory
postMigration: []
`;

	it("is read as it is written, with what it leaves out", () => {
		const { preMigration, hotPlug, postMigration } = morphTemplate(file(GOOD));
		const usual = { kind: "guestExec", parallel: false, timeoutSeconds: 60, onFailure: "compensate" };
		assert.deepEqual(preMigration, [
			{ ...usual, exec: ["/sbin/drain"], undo: ["/sbin/serve"] },
			{ ...usual, kind: "hostExec", exec: ["logger", "goes"], parallel: true, onFailure: "continue" },
		]);
		assert.deepEqual([hotPlug, postMigration], [[{ ...usual, kind: "memory" }], []]);
		assert.deepEqual(morphTemplate(file('{"hotPlug": [{"exec": ["a"]}]}')).hotPlug, [{ ...usual, exec: ["a"] }]);
		assert.deepEqual(morphTemplate(file("")), {});
	});

	it("is told step by step", async () => {
		const path = file(GOOD);
		assert.deepEqual(await morphCheck({ uri: "", names: [path] }), [
			`${path}:`,
			"preMigration",
			'  run ["/sbin/drain"] in the guest, within 60 s, on failure compensate; taken back by ["/sbin/serve"]',
			'  beside that: run ["logger","goes"] on the host, within 60 s, on failure continue',
			"hotUnplug",
			"  change memory, within 60 s, on failure compensate",
			"  change vcpus, within 60 s, on failure compensate",
			"migration.duringMigration",
			"hotPlug",
			"  change vcpus, within 60 s, on failure compensate",
			"  change memory, within 60 s, on failure compensate",
			"postMigration",
		]);
	});

	const bad: Array<[string, RegExp]> = [
		["- exec: [a]", /got \[\{"exec":\["a"\]\}\]; allowed is a group with tools, preMigration, hotUnplug/],
		["drain", /got "drain"; allowed is a group/],
		["hotPlug: {", /template\.yaml: .*at line 1/s],
		["hotplug: []", /: hotplug: there is no such property.*hotPlug/],
		["hotPlug: [{ kind: gpu }]", /: hotPlug\[0\]\.kind: got "gpu"; allowed are/],
		["hotPlug: [{ timeoutSeconds: 0, exec: [a] }]", /: hotPlug\[0\]\.timeoutSeconds: got 0/],
		["preMigration: [{ kind: memory }]", /: preMigration\[0\]: got kind "memory" in preMigration/],
		["hotPlug: [{ kind: hostExec }]", /: hotPlug\[0\]: got kind "hostExec" without exec/],
	];
	for (const [text, expected] of bad) {
		it(`is refused with ${JSON.stringify(text)}`, () => {
			assert.throws(() => morphTemplate(file(text)), expected);
		});
	}

	it("is refused when it is not there", async () => {
		assert.throws(
			() => morphTemplate("/no/template"),
			/template \/no\/template: there is no such file; give its path from/,
		);
		await assert.rejects(morphCheck({ uri: "", names: [] }), /name at least one file/);
	});
});
