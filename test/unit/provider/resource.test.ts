import assert from "node:assert/strict";
import { z } from "zod";
import { WorkerError } from "../../../provider/libvirt";
import { IncompleteError, type Lifecycle } from "../../../provider/lifecycle";
import { handlerOf } from "../../../provider/resource";
import { commonShape } from "../../../provider/schema";
import { UNKNOWN } from "../../../provider/unknown";

const schema = z.strictObject({ ...commonShape, name: z.string(), size: z.int().min(1).default(4) });
type Inputs = z.output<typeof schema>;

/** A thing without a host, so that what the handler makes of a lifecycle is all that is tested. */
function thing(over: Partial<Lifecycle<Inputs, { uuid: string }>> = {}): Lifecycle<Inputs, { uuid: string }> {
	return {
		name: "Thing",
		schema,
		changes: (olds, news) => [
			...(olds.name === news.name ? [] : [{ property: "name", effect: "replace" as const, note: "another thing" }]),
			...(olds.size === news.size ? [] : [{ property: "size", effect: "live" as const, note: "grown" }]),
		],
		create: async (inputs) => ({ id: "t1", state: { ...inputs, uuid: "u" } }),
		read: async (_id, state) => state,
		update: async (_id, olds, news) => ({ ...news, uuid: olds.uuid }),
		delete: async () => {},
		...over,
	};
}

const given = { uri: "test:///default", ownerId: "o/p/s/t", name: "t", __provider: "x" };

describe("the handler of a dynamic resource", () => {
	it("keeps to the width of a lane with all that it does", async () => {
		const [most, done] = [[0], [] as string[]];
		let running = 0;
		const counted = async (what: string) => {
			most.push(++running);
			await new Promise((resolve) => setImmediate(resolve));
			running--;
			done.push(what);
		};
		const handler = handlerOf(
			thing({
				create: async (inputs) => counted("create").then(() => ({ id: "t", state: { ...inputs, uuid: "u" } })),
				update: async (_id, olds, news) => counted("update").then(() => ({ ...news, uuid: olds.uuid })),
				delete: () => counted("delete"),
			}),
		);
		const inputs = { ...given, size: 4, lane: { name: "keeps", width: 2 } };
		await Promise.all([
			...Array.from({ length: 3 }, () => handler.create(inputs)),
			...Array.from({ length: 3 }, () => handler.update("t", inputs, inputs)),
			...Array.from({ length: 3 }, () => handler.delete("t", inputs)),
		]);
		assert.deepEqual([Math.max(...most), done.length], [2, 9]);
	});

	it("checks: normalises, and lists problems without throwing", async () => {
		const handler = handlerOf(thing());
		const good = await handler.check({}, given);
		assert.deepEqual(good.failures, []);
		assert.equal(good.inputs.size, 4);
		const bad = await handler.check({}, { ...given, size: 0 });
		// With a property the engine would show its value, secret or not.
		assert.deepEqual(
			bad.failures.map(({ property, reason }) => [property, reason.slice(0, 12)]),
			[["", "size: got 0;"]],
		);
	});

	it("takes a secret of nothing, which comes as null, for what is not given", async () => {
		const { inputs, failures } = await handlerOf(thing()).check({}, { ...given, size: null });
		assert.deepEqual([inputs.size, failures], [4, []]);
	});

	it("leaves an object whose former generation is deleted late: its id has come back", async () => {
		const deleted: unknown[] = [];
		const handler = handlerOf(thing({ delete: async (_id, state) => void deleted.push(state) }));
		const of = (createMs: number) => ({ ...given, size: 4, uuid: "u", timings: { createMs } });
		await handler.diff("late", of(2), { ...given, size: 4 });
		await handler.delete("late", of(1));
		assert.deepEqual(deleted, []);
		await handler.delete("late", of(2));
		assert.deepEqual(deleted, [of(2)], "the one that is there is deleted when it is asked for");
		await handler.delete("never-seen", of(1));
		assert.equal(deleted.length, 2);
	});

	it("plans: effects of a change and what the host tells; an unreachable host is said, not fatal", async () => {
		const planned = handlerOf(thing({ plan: async () => ["made under emulation"] }));
		assert.deepEqual((await planned.check({}, given)).inputs.plan, ["made under emulation"]);
		const grown = await planned.check({ ...given, size: 4 }, { ...given, size: 6 });
		assert.deepEqual(grown.inputs.plan, ["size: live: grown", "made under emulation"]);
		assert.equal((await planned.check({ ...given, size: 4 }, given)).inputs.plan, undefined);
		const unreachable = new WorkerError("domains.find", "test:///default", "has no route");
		const failing = handlerOf(thing({ plan: () => Promise.reject(unreachable) }));
		assert.deepEqual((await failing.check({}, given)).inputs.plan, [
			"the host could not be looked at: domains.find on test:///default: the libvirt worker has no route",
		]);
		const warning = handlerOf(thing({ plan: () => Promise.reject(new Error("there is no base")) }));
		assert.deepEqual((await warning.check({}, given)).inputs.plan, ["warning: there is no base"]);
	});

	it("goes on in the next line where the CLI would cut one", async () => {
		const long = handlerOf(thing({ plan: async () => [`${"word ".repeat(40)}end`, "short"] }));
		const plan = (await long.check({}, given)).inputs.plan as string[];
		assert.deepEqual(
			plan.map((line) => [line.length <= 146, line.slice(0, 6)]),
			[
				[true, "word w"],
				[true, "  word"],
				[true, "short"],
			],
		);
		assert.equal(plan.slice(0, 2).join("").replaceAll("  ", " "), `${"word ".repeat(40)}end`);
	});

	it("tells of a replacement why it is one, although the engine checks it again as if nothing were recorded", async () => {
		const seen: unknown[] = [];
		const handler = handlerOf(thing({ plan: async (_inputs, { makes }) => [`${seen.push(makes)}`] }));
		const check = async (olds: object, news: object) =>
			(await handler.check({ ...olds }, { ...given, ...news })).inputs;
		await check({ ...given, size: 4 }, { name: "other" });
		assert.deepEqual((await check({}, { name: "other" })).plan, ["name: replace: another thing", "2"]);
		await check({}, { ownerId: "o/p/s/new" });
		assert.deepEqual(seen, ["anew", "anew", "new"]);
	});

	it("does not ask the host while something is unknown", async () => {
		const handler = handlerOf(thing({ plan: () => Promise.reject(new Error("must not run")) }));
		const { inputs, failures } = await handler.check({}, { ...given, name: UNKNOWN });
		assert.deepEqual([failures, inputs.name, inputs.size, inputs.plan], [[], UNKNOWN, 4, undefined]);
	});

	it("tells what the name alone tells while something else is unknown, of what is new", async () => {
		const handler = handlerOf(thing({ planByName: async ({ name }) => [`warning: ${name} exists`] }));
		const check = async (olds: object, news: object) =>
			(await handler.check({ ...olds }, { ...given, ...news })).inputs;
		assert.deepEqual((await check({}, { size: UNKNOWN })).plan, ["warning: t exists"]);
		assert.deepEqual((await check({ ...given, size: 4 }, { size: UNKNOWN })).plan, ["size: live: grown"]);
		assert.deepEqual((await check({}, { name: UNKNOWN })).plan, ["name: replace: another thing"]);
	});

	it("diffs: effects, replacement of top-level properties, and silence about the engine's own inputs", async () => {
		const handler = handlerOf(thing());
		const state = { ...given, size: 4, uuid: "u" };
		assert.deepEqual(await handler.diff("t1", state, { ...given, size: 4 }), { changes: false, replaces: [] });
		assert.deepEqual(await handler.diff("t1", state, { ...given, size: 5 }), { changes: true, replaces: [] });
		assert.deepEqual(await handler.diff("t1", state, { ...given, size: 4, name: UNKNOWN }), {
			changes: true,
			replaces: ["name"],
			deleteBeforeReplace: true,
		});
		const engine = {
			...given,
			size: 4,
			plan: ["x"],
			about: { resourceUrn: "urn" },
			previousOwnerIds: ["o/p/s/before"],
			adopt: true,
		};
		assert.equal((await handler.diff("t1", state, engine)).changes, false);
	});

	it("updates what is recorded on the host: its address, its owner, and whether it is retained", async () => {
		const handler = handlerOf(thing());
		const state = { ...given, size: 4, uuid: "u" };
		for (const more of [{ uri: "test:///other" }, { ownerId: "o/p/s/renamed" }, { retain: true }]) {
			const { changes, replaces } = await handler.diff("t1", state, { ...given, size: 4, ...more });
			assert.deepEqual([changes, replaces], [true, []]);
		}
		const { inputs } = await handler.check({ ...given, size: 4 }, { ...given, retain: true });
		assert.deepEqual(inputs.plan, ["retain: live: recorded: it stays when its resource goes"]);
	});

	it("refuses another uri that leads to another host", async () => {
		const handler = handlerOf(thing({ read: async () => undefined }));
		await assert.rejects(
			handler.update("t1", { ...given, size: 4, uuid: "u" }, { ...given, size: 4, uri: "test:///other" }),
			/uri changed from test:\/\/\/default to test:\/\/\/other, and there is no Thing t1 there/,
		);
	});

	it("keeps references as they are recorded where they mean the same", async () => {
		const settle = async (olds: Inputs, news: Inputs) => ({ ...news, name: olds.name });
		const handler = handlerOf(thing({ settle }));
		const { inputs } = await handler.check({ ...given, size: 4 }, { ...given, name: "other", size: UNKNOWN });
		assert.equal(inputs.name, "t");
		assert.equal((await handler.check({}, { ...given, name: "other" })).inputs.name, "other");
	});

	it("records a partial failure in the engine's way, and finishes it by an update", async () => {
		const handler = handlerOf(
			thing({
				create: async (inputs) => {
					throw new IncompleteError<Inputs, { uuid: string }>("t1", { ...inputs, uuid: "u" }, "no address within 1 s");
				},
			}),
		);
		const error = await handler.create({ ...given, size: 4 }).then(
			() => assert.fail("must fail"),
			(caught) => caught,
		);
		assert.equal(error.id, "t1");
		assert.deepEqual(error.reasons, ["no address within 1 s"]);
		assert.deepEqual(
			[error.properties.incomplete, error.properties.uuid, error.properties.__provider],
			[true, "u", "x"],
		);
		assert.equal((await handler.diff("t1", error.properties, { ...given, size: 4 })).changes, true);
		const { outs } = await handler.update("t1", error.properties, { ...given, size: 4 });
		assert.equal("incomplete" in outs, false);
	});

	it("passes other errors of a create on, without an id, so that the engine records nothing", async () => {
		const handler = handlerOf(thing({ create: () => Promise.reject(new Error("refused")) }));
		const error = await handler.create(given).catch((caught) => caught);
		assert.equal(error.message, "refused");
		assert.equal("id" in error, false);
	});

	it("leaves alone what lacks an input because something else could not be made", async () => {
		const broken = () => assert.fail("must not be asked");
		const handler = handlerOf(thing({ plan: broken, changes: broken, create: broken, update: broken }));
		const { inputs, failures } = await handler.check(
			{},
			{ ownerId: "o/p/s/t", uri: given.uri, about: { lacksInput: true } },
		);
		assert.deepEqual(failures, []);
		assert.deepEqual(await handler.diff("t1", given, inputs), { changes: false, replaces: [] });
		await assert.rejects(handler.create(inputs), /depends on something that could not be made/);
		await assert.rejects(handler.update("t1", given, inputs), /depends on something that could not be made/);
	});

	it("reads: an object that is gone has no id; one that is there returns its inputs, too", async () => {
		const gone = handlerOf(thing({ read: async () => undefined }));
		assert.deepEqual(await gone.read("t1", { ...given, uuid: "u" }), { id: "", props: {} });
		const there = await handlerOf(thing()).read("t1", { ...given, size: 4, uuid: "u" });
		assert.equal(there.props.uuid, "u");
		assert.deepEqual([there.inputs!.size, "uuid" in there.inputs!], [4, false]);
	});

	it("sends nothing undefined to the engine", async () => {
		const handler = handlerOf(
			thing({ create: async (inputs) => ({ id: "t1", state: { ...inputs, adopt: undefined, uuid: "u" } }) }),
		);
		assert.equal("adopt" in (await handler.create(given)).outs, false);
	});
});
