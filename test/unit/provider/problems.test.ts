import assert from "node:assert/strict";
import { z } from "zod";
import { domain } from "../../../provider/domain/lifecycle";
import { network } from "../../../provider/network/lifecycle";
import { pool } from "../../../provider/pool/lifecycle";
import { refuse, validate } from "../../../provider/problems";
import { UNKNOWN } from "../../../provider/unknown";
import { volume } from "../../../provider/volume/lifecycle";

const schema = z.strictObject({
	name: z.string(),
	size: z.int().min(1).max(10).default(5),
	password: z.string().min(8).optional(),
	disks: z.array(z.strictObject({ volume: z.string(), bus: z.enum(["virtio", "sata"]).default("virtio") })).default([]),
});

describe("validate", () => {
	it("fills in defaults", () => {
		assert.deepEqual(validate(schema, { name: "a" }), { inputs: { name: "a", size: 5, disks: [] }, problems: [] });
	});

	it("names the property, the value got and what is allowed, for all problems at once", () => {
		const { problems } = validate(schema, { name: "a", size: 11, disks: [{ volume: "v", bus: "ide" }] });
		assert.deepEqual(
			problems.map((problem) => problem.property),
			["size", "disks[0].bus"],
		);
		assert.match(problems[0]!.message, /got 11; .*10/);
		assert.match(problems[1]!.message, /got "ide"; allowed are "virtio" and "sata"/);
	});

	it("says that a required property is missing and that a misspelt one does not exist", () => {
		const { problems } = validate(schema, { nmae: "a" });
		assert.deepEqual(problems.map((problem) => problem.property).sort(), ["name", "nmae"]);
		assert.match(problems.find((problem) => problem.property === "name")!.message, /is required/);
		assert.match(problems.find((problem) => problem.property === "nmae")!.message, /no such property/);
	});

	it("lists of what is allowed in place of an unknown property only what can be written", () => {
		for (const own of [volume.schema, domain.schema, network.schema, pool.schema]) {
			const { problems } = validate<object>(own, { qqqqqqqqqqqq: 1 });
			const { message } = problems.find(({ property }) => property === "qqqqqqqqqqqq")!;
			assert.match(message, /; allowed are uri, previousOwnerIds, adopt, /);
			assert.doesNotMatch(message, /ownerId,|retain|lane|plan|foreignBase|batch/);
		}
	});

	it("does not repeat a sensitive value", () => {
		const { problems } = validate(schema, { name: "a", password: "hunter2" }, [], ["password"]);
		assert.equal(problems.length, 1);
		assert.doesNotMatch(problems[0]!.message, /hunter2/);
	});

	it("accepts what is not known yet at any depth, and still complains about the rest", () => {
		const { inputs, problems } = validate(schema, { name: UNKNOWN, disks: [{ volume: UNKNOWN }, { volume: 3 }] });
		assert.deepEqual(
			problems.map((problem) => problem.property),
			["disks[1].volume"],
		);
		assert.deepEqual(inputs, { name: UNKNOWN, size: 5, disks: [{ volume: UNKNOWN }, { volume: 3 }] });
	});

	it("runs a rule only when what it needs is known", () => {
		const rule = {
			property: "size",
			needs: ["name" as const],
			check: ({ name }: { name: string }) => (name === "b" ? "no" : undefined),
		};
		assert.equal(validate(schema, { name: "a" }, [rule]).problems.length, 0);
		assert.deepEqual(validate(schema, { name: "b" }, [rule]).problems, [
			{ property: "size", path: ["size"], message: "no" },
		]);
		assert.equal(validate(schema, { name: UNKNOWN }, [rule]).problems.length, 0);
	});
});

describe("refuse", () => {
	it("throws one error that lists all problems", () => {
		assert.throws(
			() =>
				refuse("Thing t", [
					{ property: "a", path: ["a"], message: "x" },
					{ property: "b", path: ["b"], message: "y" },
				]),
			/Thing t: \n {2}a: x\n {2}b: y/,
		);
		refuse("Thing t", []);
	});
});
