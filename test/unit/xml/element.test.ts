import assert from "node:assert/strict";
import fc from "fast-check";
import {
	attribute,
	child,
	childInNamespace,
	children,
	element,
	parse,
	serialize,
	setAttribute,
	text,
	XmlError,
} from "../../../provider/xml/element";
import { bareRecordElement, type Recorded, recordedIn, setRecord } from "../../../provider/xml/metadata";

/** Any text that XML can hold, rich in what has to be escaped. */
const xmlText = fc
	.array(
		fc.oneof(
			fc.constantFrom(
				"<",
				">",
				"&",
				"'",
				'"',
				"]]>",
				"<!--",
				"&amp;",
				"\n",
				"\t",
				"\r",
				"é",
				"😀",
				" ",
				"\u0085",
				"\u2028",
				"\ufffd",
			),
			fc.string({ unit: "grapheme" }),
		),
	)
	.map((parts) => parts.join(""))
	// biome-ignore lint/suspicious/noControlCharactersInRegex: what XML cannot hold is tested below
	.map((value) => value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, ""));

describe("XML elements", () => {
	it("bring back every text and attribute that XML can hold", () => {
		fc.assert(
			fc.property(xmlText, xmlText, (content, value) => {
				const root = parse(serialize(element("a", { value }, element("b", {}, content))));
				assert.equal(attribute(root, "", "value"), value);
				assert.equal(text(root, "b"), content);
			}),
		);
	});

	it("refuse what XML cannot hold, and say where", () => {
		assert.throws(() => element("name", {}, "a\u0001"), /<name> has the character U\+0001 at position 1/);
		assert.throws(() => element("a", { b: "\ud800" }), /attribute b of <a> has the character U\+D800/);
		assert.throws(() => element("a", {}, "\uffff"), XmlError);
	});

	it("leave out what is undefined, and write booleans as libvirt does", () => {
		const made = element("a", { x: undefined, y: true, z: false, n: 3 }, undefined, element("b"), 7);
		assert.equal(serialize(made), '<a y="yes" z="no" n="3"><b/>7</a>');
		setAttribute(made, "y", undefined);
		assert.equal(attribute(made, "", "y"), undefined);
	});

	it("are found by path, by name and by namespace", () => {
		const root = parse('<d xmlns:q="urn:q"><a><b n="1">x</b><b n="2"/></a><q:c>y</q:c></d>');
		assert.equal(text(root, "a/b"), "x");
		assert.equal(attribute(root, "a/b", "n"), "1");
		assert.deepEqual(
			children(child(root, "a"), "b").map((item) => attribute(item, "", "n")),
			["1", "2"],
		);
		assert.equal(childInNamespace(root, "urn:q", "c")?.textContent, "y");
		assert.equal(text(root, "a/none"), undefined);
		assert.equal(attribute(root, "none", "n"), undefined);
	});

	const malformed: Array<[string, string, RegExp]> = [
		["an open element", "<a>\n<b></a>", /near line 2: Opening and ending tag mismatch/],
		["nothing", "", /missing root element/],
		["text alone", "text", /missing root element/],
		["two roots", "<a/><b/>", /near line 1/],
		["an unquoted attribute", "<a x=1/>", /near line 1: attribute "1" missed quot/],
		["an attribute twice", '<a x="1" x="2"/>', /Attribute x redefined/],
		["an unknown entity", "<a>\n\n&foo;</a>", /entity not found:&foo;/],
		["an undeclared prefix", "<a>\n<q:b/></a>", /near line 2.*prefix/],
	];
	for (const [what, xml, complaint] of malformed) {
		it(`are not read from ${what}`, () => {
			assert.throws(
				() => parse(xml, "extraXml"),
				(error: Error) =>
					error instanceof XmlError &&
					/^extraXml is not well-formed/.test(error.message) &&
					complaint.test(error.message),
			);
		});
	}
});

describe("the record in the metadata", () => {
	const recorded = fc.record<Recorded>(
		{
			owner: xmlText.filter((value) => value !== ""),
			lineage: fc.record({ base: xmlText, baseContentId: xmlText }, { noNullPrototype: true }),
			underlay: xmlText,
			pending: fc.record(
				{
					properties: fc.array(fc.constantFrom("memoryMiB", "disks[1]", "cpu"), { minLength: 1 }),
					liveId: fc.stringMatching(/^[1-9][0-9]{0,3}$/),
				},
				{ noNullPrototype: true },
			),
			guard: fc.stringMatching(/^[0-9a-f]{8}$/),
			setUp: fc.constant(true),
			retain: fc.constant(true),
			forked: xmlText,
			preemptible: fc.nat(),
			preempted: fc.constant(true),
		},
		{ requiredKeys: ["owner"], noNullPrototype: true },
	);

	it("comes back as it was written, and leaves that of others alone", () => {
		fc.assert(
			fc.property(recorded, recorded, (first, second) => {
				const root = parse('<domain><metadata><o:x xmlns:o="urn:o">1</o:x></metadata></domain>');
				setRecord(root, first);
				setRecord(root, second);
				const back = parse(serialize(root));
				assert.deepEqual(recordedIn(back), second);
				assert.equal(childInNamespace(child(back, "metadata"), "urn:o", "x")?.textContent, "1");
				assert.equal(children(child(back, "metadata")).length, 2);
			}),
		);
	});

	it("is nobody's where there is none", () => {
		assert.equal(recordedIn(parse("<domain/>")), undefined);
		assert.equal(recordedIn(parse("<domain><metadata><x/></metadata></domain>")), undefined);
	});

	it("has no namespace for libvirt, which adds it", () => {
		assert.equal(serialize(bareRecordElement({ owner: "a/b" })), "<object><owner>a/b</owner></object>");
	});
});
