import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { withDefaults, withoutDefaults } from "../../../provider/defaults";
import { defaultsOf } from "../../../provider/domain/defaults";
import { domainSchema } from "../../../provider/domain/schema";
import { IncompleteError, type Lifecycle } from "../../../provider/lifecycle";
import { networkSchema } from "../../../provider/network/schema";
import { poolSchema } from "../../../provider/pool/schema";
import { handlerOf } from "../../../provider/resource";
import { commonShape } from "../../../provider/schema";
import { withSmallState } from "../../../provider/small-state";
import { volumeSchema } from "../../../provider/volume/schema";

const common = { uri: "test:///default", ownerId: "o/p/s/t" };

describe("defaults", () => {
	it("are left out and filled in again, at any depth", () => {
		const schema = z.strictObject({
			size: z.int().default(4),
			tags: z.array(z.string()).default([]),
			name: z.string().optional(),
			disks: z.array(z.strictObject({ bus: z.string().default("virtio"), path: z.string().optional() })).default([]),
			wait: z.strictObject({ seconds: z.int().default(60), agent: z.boolean().default(false) }).optional(),
		});
		const absent = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
		const given = fc.record({
			size: absent(fc.constantFrom(3, 4)),
			tags: absent(fc.array(fc.constantFrom("a", "b"), { maxLength: 2 })),
			name: absent(fc.constantFrom("", "n")),
			disks: absent(
				fc.array(fc.record({ bus: absent(fc.constantFrom("virtio", "sata")), path: absent(fc.constant("/p")) }), {
					maxLength: 2,
				}),
			),
			wait: absent(fc.record({ seconds: absent(fc.constantFrom(1, 60)), agent: absent(fc.boolean()) })),
		});
		fc.assert(
			fc.property(given, (inputs) => {
				const whole = schema.parse(JSON.parse(JSON.stringify(inputs)));
				const small = withoutDefaults(schema, whole);
				assert.deepEqual(withDefaults(schema, small), whole);
				assert.deepEqual(withoutDefaults(schema, small), small);
			}),
		);
		assert.deepEqual(withoutDefaults(schema, schema.parse({ disks: [{}], wait: { seconds: 60 } })), {
			disks: [{}],
			wait: {},
		});
	});

	// A recorded object has none of them in its state: one that changes has to be written into the states that exist.
	it("are those that existing stacks were recorded with", () => {
		const of = (schema: z.ZodType, given = {}) =>
			Object.fromEntries(
				Object.entries(withDefaults(schema, given) as object).filter(([key]) => !Object.keys(given).includes(key)),
			);
		assert.deepEqual(of(domainSchema), {
			type: "auto",
			disks: [],
			running: true,
			autostart: false,
			shutdownTimeoutSeconds: 60,
			onRestartRequired: "restart",
		});
		assert.deepEqual(withDefaults(domainSchema.shape.disks, [{}]), [
			{ device: "disk", readOnly: false, cache: "default" },
		]);
		assert.deepEqual(withDefaults(domainSchema.shape.nics, [{}]), [{ model: "virtio" }]);
		assert.deepEqual(of(domainSchema.shape.guestSetup), { files: [] });
		assert.deepEqual(withDefaults(domainSchema.shape.guestSetup, { files: [{}] }), {
			files: [{ mode: "0644", encoding: "text" }],
		});
		assert.deepEqual(of(domainSchema.shape.waitFor), { agent: false, address: "none", timeoutSeconds: 120 });
		assert.deepEqual(of(domainSchema.shape.healthCheck), { timeoutSeconds: 120, intervalSeconds: 5 });
		assert.deepEqual(defaultsOf({}), {
			arch: "x86_64",
			machine: "q35",
			firmware: "bios",
			memoryMiB: 1024,
			vcpus: 1,
			agent: true,
			rng: true,
			graphics: "none",
			nics: [],
		});
		const { machine, firmware } = defaultsOf({ arch: "aarch64" });
		assert.deepEqual([machine, firmware], ["virt", "uefi"]);
		assert.deepEqual(defaultsOf({ template: "t" }), {});
		assert.deepEqual(of(volumeSchema), { format: "qcow2", cloning: "auto", onBaseChange: "replace" });
		assert.deepEqual(withDefaults(volumeSchema.shape.source, { cloudInit: { files: [{}] } }), {
			cloudInit: { files: [{ mode: "0644", encoding: "text" }] },
		});
		assert.deepEqual(of(networkSchema), { mode: "nat", autostart: true });
		assert.deepEqual(of(networkSchema.shape.dhcp), { enabled: true, hosts: [] });
		assert.deepEqual(of(poolSchema), { autostart: true, deleteDirectory: false });
	});
});

describe("a small state", () => {
	const schema = z.strictObject({
		...commonShape,
		name: z.string(),
		size: z.int().default(4),
		text: z.string().optional(),
	});
	type Inputs = z.output<typeof schema>;
	type Thing = Lifecycle<Inputs, { uuid: string }>;

	/** What the lifecycle was called with, in order. */
	let seen: unknown[] = [];
	const handler = (over: Partial<Thing> = {}) => {
		const thing: Thing = {
			name: "Thing",
			schema,
			outputs: ["name"],
			changes: (olds, news) => {
				seen.push(olds, news);
				return olds.size === news.size ? [] : [{ property: "size", effect: "live", note: "" }];
			},
			create: async (inputs) => ({ id: "t", state: { ...inputs, uuid: "u" } }),
			read: async (_id, state) => state,
			update: async (_id, olds, news) => ({ ...news, uuid: olds.uuid }),
			delete: async (_id, state) => void seen.push(state),
			...over,
		};
		return withSmallState(thing, handlerOf(thing));
	};
	const made = async (given: object, own = handler()) => {
		const { inputs } = await own.check({}, { ...common, name: "n", __provider: "x", ...given });
		return { inputs, ...(await own.create(inputs)) };
	};

	beforeEach(() => {
		seen = [];
	});

	it("has inputs without defaults, and outputs with the inputs in one text", async () => {
		const { inputs, outs } = await made({ size: 4 });
		assert.deepEqual(inputs, { ...common, name: "n" });
		assert.deepEqual(outs, { name: "n", uuid: "u", applied: JSON.stringify(common) });
	});

	it("is whole again for whoever works with it", async () => {
		const own = handler();
		const { outs } = await made({ size: 5 });
		const { inputs } = await own.check({ ...common, name: "n", size: 5 }, { ...common, name: "n" });
		assert.deepEqual(await own.diff("t", { ...outs, __provider: "x" }, inputs), { changes: true, replaces: [] });
		const whole = { ...common, name: "n", size: 5, uuid: "u", __provider: "x" };
		assert.deepEqual(seen.at(-2), whole);
		assert.deepEqual(seen.at(-1), { ...common, name: "n", size: 4, plan: ["size: live: "] });
		await own.delete("t", { ...outs, __provider: "x" });
		assert.deepEqual(seen.at(-1), whole);
	});

	it("that was recorded at length is understood, and becomes small with the next update", async () => {
		const own = handler();
		const olds = { ...common, name: "n", size: 4, uuid: "u" };
		assert.deepEqual(await own.diff("t", olds, { ...common, name: "n" }), { changes: false, replaces: [] });
		const { outs } = await own.update("t", olds, { ...common, name: "n", size: 5 });
		assert.deepEqual(outs, { name: "n", uuid: "u", applied: JSON.stringify({ ...common, size: 5 }) });
	});

	it("keeps secrets out of the text, over refreshes and updates too", async () => {
		const own = handler();
		const { outs } = await made({ text: "hunter2", about: { secretInputs: [["text"]] } }, own);
		assert.equal(outs.text, "hunter2");
		assert.doesNotMatch(String(outs.applied), /hunter2/);
		// Another process knows nothing of the check.
		const elsewhere = handler();
		const read = await elsewhere.read("t", outs);
		assert.equal(read.props.text, "hunter2");
		assert.doesNotMatch(String(read.props.applied), /hunter2/);
		assert.deepEqual(read.inputs, { ...common, name: "n", text: "hunter2" });
		const { outs: updated } = await elsewhere.update("t", outs, { ...common, name: "n", size: 5, text: "hunter2" });
		assert.doesNotMatch(String(updated.applied), /hunter2/);
	});

	it("is that of what was left unfinished as well", async () => {
		const failing = handler({
			create: async (inputs) => {
				throw new IncompleteError<Inputs, { uuid: string }>("t", { ...inputs, uuid: "u" }, "not yet");
			},
		});
		await assert.rejects(made({ size: 5 }, failing), (error: { properties: object }) => {
			assert.deepEqual(error.properties, {
				name: "n",
				uuid: "u",
				incomplete: true,
				applied: JSON.stringify({ ...common, size: 5 }),
			});
			return true;
		});
	});
});
