import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Lifecycle } from "../../../provider/lifecycle";
import { validate } from "../../../provider/problems";
import { handlerOf } from "../../../provider/resource";
import { commonShape } from "../../../provider/schema";
import { secretPaths } from "../../../provider/secret-inputs";
import { hiding, hidingError, overlaps } from "../../../provider/secrets";

describe("secretPaths", () => {
	it("finds secrets at any depth, and nothing where there are none", async () => {
		const args = {
			name: "web",
			mode: pulumi.output("nat"),
			boot: { cmdline: pulumi.secret("quiet") },
			files: [{ content: "a" }, { content: Promise.resolve(pulumi.secret("b")) }],
			source: pulumi.output({ userData: pulumi.secret("c") }),
			disks: [pulumi.output("d").apply((volume) => ({ volume, serial: pulumi.secret("e") }))],
		};
		assert.deepEqual(await secretPaths(args), [
			["boot", "cmdline"],
			["files", 1, "content"],
			["source"],
			["disks", 0, "serial"],
		]);
		assert.equal(await secretPaths({ name: "web", mode: pulumi.output("nat") }), undefined);
	});
});

describe("hiding", () => {
	const inputs = { name: "web", setup: { files: [{ path: "/etc/a", content: 'p"w\nd' }] }, pin: 123456, short: "abc" };

	it("hides the values at the paths, also as JSON and XML have them, and leaves everything else", () => {
		const hide = hiding({ ...inputs, xml: "a<b&c" }, [["setup", "files", 0, "content"], ["pin"], ["xml"]]);
		assert.equal(hide('web /etc/a p"w\nd 123456'), "web /etc/a [secret] [secret]");
		assert.equal(hide(`got ${JSON.stringify(inputs)}`).includes("w\\nd"), false);
		assert.equal(hide("<description>a&lt;b&amp;c</description>"), "<description>[secret]</description>");
	});

	it("hides all below a path, and what libvirt would cite of a piece of XML", () => {
		const hide = hiding({ setup: inputs.setup, extraXml: '<domain><a passwd="hunter2">text</a></domain>' }, [
			["setup"],
			["extraXml"],
		]);
		assert.equal(hide("/etc/a: invalid 'hunter2', 'text'"), "[secret]: invalid '[secret]', '[secret]'");
	});

	it("takes the longest first, and leaves what is too short to be a secret", () => {
		const hide = hiding({ a: "pass", b: "password", short: "abc" }, [["a"], ["b"], ["short"]]);
		assert.equal(hide("password pass abc"), "[secret] [secret] abc");
	});

	it("hides in errors and reasons, keeps what the engine needs, and leaves other errors alone", () => {
		const hide = hiding({ a: "hunter2" }, [["a"]]);
		const error = Object.assign(new Error("bad hunter2"), {
			id: "i",
			reasons: ["bad hunter2"],
			properties: { a: "hunter2" },
		});
		const hidden = hidingError(error, hide) as typeof error;
		assert.deepEqual([hidden.message, hidden.reasons, hidden.id], ["bad [secret]", ["bad [secret]"], "i"]);
		assert.deepEqual(hidden.properties, { a: "hunter2" });
		assert.doesNotMatch(hidden.stack!, /hunter2/);
		const other = new Error("other");
		assert.equal(hidingError(other, hide), other);
	});
});

describe("overlaps", () => {
	it("is true of a path and what leads to it or from it", () => {
		assert.ok(overlaps(["a"], ["a", 0]));
		assert.ok(overlaps(["a", 0, "b"], ["a", "0"]));
		assert.ok(!overlaps(["a", 0], ["a", 1]));
		assert.ok(!overlaps(["a"], ["b"]));
	});
});

describe("secret inputs", () => {
	const schema = z.strictObject({ ...commonShape, name: z.string().max(8), text: z.string().max(8).optional() });
	type Inputs = z.output<typeof schema>;
	const given = { uri: "test:///default", ownerId: "o/p/s/t", name: "web" };

	it("are not repeated by a complaint about them, whatever it cites of them", () => {
		const inputs = { ...given, text: "hunter2 & more" };
		const { problems } = validate(schema, inputs, [], [], [["text"]]);
		assert.deepEqual(
			problems.map(({ message }) => message),
			["got a value that is not shown; allowed is text of at most 8 characters"],
		);
		const rule = { property: "text", needs: [], check: ({ text }: Inputs) => `line 1: hunt ${text?.length}` };
		const broken = validate(schema, { ...given, text: "hunter2" }, [rule], [], [["text"]]);
		assert.match(broken.problems[0]!.message, /^is not acceptable\. What is wrong with it is not shown/);
		assert.equal(validate(schema, { ...given, text: "a" }, [rule]).problems[0]!.message, "line 1: hunt 1");
	});

	it("are hidden in plans and errors of the resource that they were given to, and are no input of it", async () => {
		const thing: Lifecycle<Inputs, object> = {
			name: "Thing",
			schema,
			changes: () => [],
			plan: async ({ text }) => [`made of ${text}`],
			create: async ({ text }) => Promise.reject(new Error(`cannot be made of ${text}`)),
			read: async (_id, state) => state,
			update: async (_id, _olds, news) => news,
			delete: async () => {},
		};
		const handler = handlerOf(thing);
		const { inputs } = await handler.check({}, { ...given, text: "hunter2", about: { secretInputs: [["text"]] } });
		assert.deepEqual(inputs, { ...given, text: "hunter2", plan: ["made of [secret]"] });
		await assert.rejects(handler.create(inputs), { message: "cannot be made of [secret]" });
	});
});
