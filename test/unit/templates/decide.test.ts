import assert from "node:assert/strict";
import { configurationSchema, keyOf } from "../../../provider/templates/configuration";
import { type Decision, decide, type Wish } from "../../../provider/templates/decide";
import { templateRequests } from "../../../provider/templates/lifecycle";
import type { TemplateRequestsInputs } from "../../../provider/templates/schema";

const having = (...packages: string[]) => configurationSchema.parse({ image: "debian", packages });
const BASE = { name: "base", configuration: having() };
const WEB = { name: "web", parent: "base", configuration: having("nginx") };

const wish = (sets: Record<string, string[]>, more: Partial<Wish> = {}): Wish => ({
	name: "apps",
	templates: [BASE, WEB],
	bootable: ["debian"],
	requests: Object.entries(sets).map(([set, packages]) => ({ set, configuration: having(...packages) })),
	keepAfter: 2,
	maxLevels: 3,
	forget: [],
	...more,
});
const nameOf = (...packages: string[]) => `apps-${keyOf(having(...packages))}`;
const chosen = ({ choices }: Decision) => Object.fromEntries(choices.map(({ set, template }) => [set, template]));
const made = ({ automatic }: Decision) => automatic.map(({ name, parent }) => [name, parent]);
/** What is decided in one run after the other. */
const runs = (...wishes: Wish[]) =>
	wishes.reduce<Decision | undefined>((before, own) => decide(own, before), undefined)!;

const SHOP = ["nginx", "php"];

describe("a configuration that is asked for", () => {
	it("once keeps no template: the nearest one serves", () => {
		const decision = decide(wish({ a: SHOP }));
		assert.deepEqual(chosen(decision), { a: "web" });
		assert.deepEqual(made(decision), []);
		assert.deepEqual(decision.counts, { [keyOf(having(...SHOP))]: 1 });
	});

	it("by two sets at once has a template for both", () => {
		const decision = decide(wish({ a: SHOP, b: SHOP }));
		assert.deepEqual(made(decision), [[nameOf(...SHOP), "web"]]);
		assert.deepEqual(chosen(decision), { a: nameOf(...SHOP), b: nameOf(...SHOP) });
	});

	it("by the same set in every run is asked for once", () => {
		const same = wish({ a: SHOP });
		assert.deepEqual(runs(same, same, same), decide(same));
	});

	it("again later has one for the second set, and leaves the first where it is", () => {
		const decision = runs(wish({ a: SHOP }), wish({ a: SHOP, b: SHOP }));
		assert.deepEqual(chosen(decision), { a: "web", b: nameOf(...SHOP) });
		assert.deepEqual(runs(wish({ a: SHOP }), wish({ a: SHOP, b: SHOP }), wish({ a: SHOP, b: SHOP })), decision);
	});

	it("by a set that was gone in between counts again", () => {
		const decision = runs(wish({ a: SHOP }), wish({}), wish({ a: SHOP }));
		assert.deepEqual(chosen(decision), { a: nameOf(...SHOP) });
	});

	it("often enough keeps its template when nobody uses it", () => {
		const decision = runs(wish({ a: SHOP, b: SHOP }), wish({}));
		assert.deepEqual(made(decision), [[nameOf(...SHOP), "web"]]);
		assert.equal(chosen(runs(wish({ a: SHOP, b: SHOP }), wish({}), wish({ c: SHOP }))).c, nameOf(...SHOP));
	});

	it("has no template of its own where a declared one has it all", () => {
		const decision = decide(wish({ a: ["nginx"], b: ["nginx"] }));
		assert.deepEqual(made(decision), []);
		assert.deepEqual(chosen(decision), { a: "web", b: "web" });
	});

	it("has one at once with keepAfter 1", () => {
		assert.deepEqual(made(decide(wish({ a: SHOP }, { keepAfter: 1 }))), [[nameOf(...SHOP), "web"]]);
	});

	it("is put upon the template of another that has a part of it, whichever comes first", () => {
		const more = [...SHOP, "redis"];
		const decision = decide(wish({ a: more, b: more, c: SHOP, d: SHOP }, { maxLevels: 4 }));
		assert.deepEqual(made(decision), [
			[nameOf(...SHOP), "web"],
			[nameOf(...more), nameOf(...SHOP)],
		]);
	});

	it("makes the tree no deeper than maxLevels", () => {
		const decision = decide(wish({ a: SHOP, b: SHOP }, { maxLevels: 2 }));
		assert.deepEqual(made(decision), []);
		assert.deepEqual(chosen(decision), { a: "web", b: "web" });
	});
});

describe("a template that boots an image", () => {
	const none = { templates: [] };

	it("is made for what is asked for once, as there is nothing to go on from, and goes with it", () => {
		const decision = decide(wish({ a: SHOP }, none));
		assert.deepEqual(made(decision), [[nameOf(...SHOP), undefined]]);
		assert.deepEqual(chosen(decision), { a: nameOf(...SHOP) });
		assert.deepEqual(made(runs(wish({ a: SHOP }, none), wish({}, none))), []);
	});

	it("stays as long as another is put upon it", () => {
		const more = [...SHOP, "redis"];
		const decision = runs(wish({ a: SHOP }, none), wish({ b: more, c: more }, none));
		assert.deepEqual(made(decision), [
			[nameOf(...SHOP), undefined],
			[nameOf(...more), nameOf(...SHOP)],
		]);
	});

	it("is refused for an image that cannot be booted", () => {
		const other = { set: "a", configuration: { ...having(), image: "alpine" } };
		assert.throws(
			() => decide(wish({}, { requests: [other] })),
			/got the image "alpine", and no template of it fits.*those with a base are debian/,
		);
	});
});

describe("a change of the declared templates", () => {
	const before = decide(wish({ a: SHOP, b: SHOP }));

	it("that takes a parent away puts a template upon the nearest that is left", () => {
		const decision = decide(wish({ a: SHOP, b: SHOP }, { templates: [BASE] }), before);
		assert.deepEqual(made(decision), [[nameOf(...SHOP), "base"]]);
	});

	it("that makes a parent unwanted does the same", () => {
		const changed = { ...WEB, configuration: having("apache") };
		const decision = decide(wish({ a: SHOP, b: SHOP }, { templates: [BASE, changed] }), before);
		assert.deepEqual(made(decision), [[nameOf(...SHOP), "base"]]);
	});

	it("that adds a nearer one leaves sets where they are, and serves new ones", () => {
		const php = { name: "php", parent: "web", configuration: having("nginx", "php") };
		const first = decide(wish({ a: SHOP }));
		const decision = decide(wish({ a: SHOP, c: SHOP }, { templates: [BASE, WEB, php] }), first);
		assert.deepEqual(chosen(decision), { a: "web", c: "php" });
	});

	it("that takes a set's template away finds it another", () => {
		const first = decide(wish({ a: SHOP }));
		assert.deepEqual(chosen(decide(wish({ a: SHOP }, { templates: [BASE] }), first)), { a: "base" });
	});
});

describe("a template that is to be forgotten", () => {
	const before = decide(wish({ a: SHOP, b: SHOP }));
	const forget = { forget: [nameOf(...SHOP)] };

	it("goes, with its count, when nothing goes on from it", () => {
		const decision = decide(wish({}, forget), before);
		assert.deepEqual([made(decision), decision.counts], [[], {}]);
	});

	it("stays while something does, and goes then", () => {
		const used = decide(wish({ b: SHOP }, forget), before);
		assert.deepEqual(chosen(used), { b: nameOf(...SHOP) });
		assert.deepEqual(made(decide(wish({}, forget), used)), []);
	});

	it("is not made again while it is named", () => {
		assert.deepEqual(chosen(decide(wish({ c: SHOP, d: SHOP }, forget))), { c: "web", d: "web" });
	});
});

describe("what a preview says of it", () => {
	const inputs = (own: Wish) => ({ ...own, ownerId: "org/project/dev/apps" }) as TemplateRequestsInputs;
	const checked = async (own: Wish, olds?: TemplateRequestsInputs) =>
		templateRequests.resolve!(olds ? await templateRequests.settle!(olds, inputs(own), {} as never) : inputs(own));

	it("is the template of each set, what is left, and why", async () => {
		const first = await checked(wish({ a: SHOP, b: ["nginx"] }));
		assert.deepEqual(await templateRequests.plan!(first, {} as never), [
			"sets.a: goes on from web (level 2), the nearest; left: 1 package, done in each child (asked for once, and keepAfter is 2)",
			"sets.b: goes on from web (level 2), which has all that is asked for",
		]);
	});

	it("is what a change changes", async () => {
		const first = await checked(wish({ a: SHOP }));
		const second = await checked(wish({ a: SHOP, c: SHOP }), first);
		const name = nameOf(...SHOP);
		assert.deepEqual(
			templateRequests.changes(first, second).map(({ property, effect, note }) => `${property}: ${effect}: ${note}`),
			[
				`templates.${name}: live: made by itself, of web, and 1 package more; kept: asked for 2 times`,
				"sets.a: live: goes on from web (level 2), the nearest; left: 1 package, done in each child (it was made before there was a template for it)",
				`sets.c: live: goes on from ${name} (level 3), which has all that is asked for`,
			],
		);
		assert.deepEqual(templateRequests.changes(second, await checked(wish({ a: SHOP, c: SHOP }), second)), []);
		const third = await checked(wish({}), second);
		assert.deepEqual(
			templateRequests.changes(second, third).map(({ property, note }) => `${property}: ${note}`),
			["sets.a: goes", "sets.c: goes"],
		);
	});

	it("is that the tree is deep enough", async () => {
		const [line] = await templateRequests.plan!(
			await checked(wish({ a: SHOP, b: SHOP }, { maxLevels: 2 })),
			{} as never,
		);
		assert.match(line!, /a template for it would be of level 3, and maxLevels is 2/);
	});
});
