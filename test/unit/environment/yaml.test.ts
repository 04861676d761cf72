import assert from "node:assert/strict";
import { complaintsOf, loadObject, loadYaml } from "./helpers";

const complaints = (text: string): string[] => complaintsOf(() => loadYaml(text));

describe("files that are not well-formed", () => {
	it("say where, once", () => {
		const [only, ...more] = complaints("networks:\n  - x\n y: 2");
		assert.match(only!, /^clones\.yaml:3:1: not well-formed YAML: /);
		assert.deepEqual(more, []);
	});

	it("tell that a variable has to be quoted inside braces", () => {
		const [only, ...more] = complaints("components:\n  web: { count: ${machines}, kind: Domain }");
		assert.match(
			only!,
			/^clones\.yaml:2:18: not well-formed YAML: .*; inside { } and \[ \] a variable has to be quoted: "\$\{name\}"$/,
		);
		assert.deepEqual(more, []);
	});

	it("name doubled keys, unknown tags, unknown anchors and several documents", () => {
		const [twice, tag] = complaints("a: 1\na: 2\nb: !foo 3");
		assert.match(twice!, /^clones\.yaml:2:1: .*unique/);
		assert.match(tag!, /^clones\.yaml:3:4: .*!foo/);
		assert.match(
			complaints("networks: *n")[0]!,
			/^clones\.yaml:1:11: networks: got \*n; there is no anchor &n above it/,
		);
		assert.match(complaints("hosts: {}\n---\npools: {}")[0]!, /document/);
	});

	it("are refused where aliases contain themselves, or grow without end", () => {
		assert.match(complaints("hosts: &a\n  x: *a")[0]!, /hosts\.x: contains itself through an alias/);
		const lines = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`);
		assert.match(complaints(`a0: &a0 [x]\n${lines.join("\n")}`).join("\n"), /more than 200000 values/);
	});

	it("are named where they are not there", () => {
		assert.throws(
			() => loadYaml("", { file: "no/such.yaml" }),
			(error: Error) =>
				error.message.includes('file: got "no/such.yaml"; there is no such file; it is looked for from /'),
		);
	});
});

describe("the outline of a definition", () => {
	it("has sections with named groups", () => {
		assert.deepEqual(
			complaints("networks: [lab]\npools: { images: /images, 'a b': {} }\nstacks: { prod: 1 }"),
			[
				'clones.yaml:1:1: networks: got ["lab"]; allowed is a group of names with a value each',
				'clones.yaml:2:18: pools.images: got "/images"; allowed is a group of properties',
				'clones.yaml:2:27: pools.a b: got the name "a b"; allowed are 1 to 63 letters, digits, dots, underscores and hyphens, starting with a letter or digit',
				"clones.yaml:2:27: pools.a b.path: is required; allowed is an absolute path without '..' and control characters",
				"clones.yaml:3:17: stacks.prod: got 1; allowed is a group of sections",
			].sort((a, b) => a.localeCompare(b)),
		);
		assert.match(complaints("just text")[0]!, /got no sections/);
	});

	it("has components of known types", () => {
		assert.deepEqual(complaints("components: { a: {}, b: { kind: Domian }, c: { kind: 5 } }"), [
			"clones.yaml:1:15: components.a.kind: is required; allowed are ThinClonePool and ClonedInstanceWithInit and ForkedVMSet and TemplateCatalog and MorphMigration and Domain",
			'clones.yaml:1:33: components.b.kind: got "Domian"; allowed are ThinClonePool and ClonedInstanceWithInit and ForkedVMSet and TemplateCatalog and MorphMigration and Domain; did you mean "Domain"?',
			"clones.yaml:1:54: components.c.kind: got 5; allowed are ThinClonePool and ClonedInstanceWithInit and ForkedVMSet and TemplateCatalog and MorphMigration and Domain",
		]);
	});

	it("tells to quote what YAML takes for a number", () => {
		const text = `
components:
  web:
    kind: ThinClonePool
    base: { existing: /a }
    pool: { existing: p }
    count: 1
    customize: { files: [{ path: /a, content: x, mode: 0644 }] }
`;
		assert.deepEqual(complaints(text), [
			'clones.yaml:8:56: components.web.customize.files[0].mode: got 644; allowed is an octal mode such as 0644; write it in quotes: "0644"',
		]);
	});

	it("is either a file or an object", () => {
		assert.throws(() => loadObject({}, { file: "x.yaml" }), /got both file and definition; allowed is one of them/);
		assert.throws(() => loadObject({}, { definition: undefined }), /got neither file and definition/);
	});
});
