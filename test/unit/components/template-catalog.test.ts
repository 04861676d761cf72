import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { printed } from "../../../components/template-catalog/tree";
import { ForkPoint, TemplateCatalog, type TemplateCatalogArgs, type TemplateNode } from "../../../index";
import { type Registered, registeredBy } from "./mocks";

const POINT = "pulumi-nodejs:dynamic/clones:ForkPoint";
const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";

const GOOD: TemplateCatalogArgs = {
	pool: "images",
	images: { debian: { base: "/gold.qcow2", ready: { exec: ["booted"] } } },
	templates: {
		shop: { parent: "web", configuration: { packages: ["php", "nginx"] } },
		base: {},
		web: { parent: "base", configuration: { packages: ["nginx"], restartAfterFork: ["nginx"] } },
	},
};

async function made(more: Partial<TemplateCatalogArgs> = {}) {
	return registeredBy(() => {
		const catalog = new TemplateCatalog("apps", { ...GOOD, ...more });
		return [catalog.children, catalog.text];
	});
}
const inputsOf = (registered: Registered[], type: string, name: string) =>
	registered.find((own) => own.type === type && own.name === name)!.inputs as Record<string, unknown>;
const forkOf = (registered: Registered[], name: string) =>
	inputsOf(registered, DOMAIN, name).fork as { point: string; commands: unknown; restart: unknown; files: unknown };

describe("TemplateCatalog", () => {
	it("says of each fork point which stacks may fork it", async () => {
		const templates = { ...GOOD.templates, base: { forkableBy: [] } };
		const registered = await made({ templates, forkableBy: ["acme/*/prod"] });
		const of = (name: string) => inputsOf(registered, POINT, name).forkableBy;
		assert.deepEqual([of("apps-base"), of("apps-web"), of("apps-shop")], [[], ["acme/*/prod"], ["acme/*/prod"]]);
		assert.equal("forkableBy" in inputsOf(await made(), POINT, "apps-web"), false);
		const point = { uuid: "3c5b", disk: "/images/warm.qcow2", pool: "images" };
		const given = made({ templates: { base: { point, forkableBy: [] } } });
		await assert.rejects(given, /templates\.base\.forkableBy: got \[\] and a point/);
		await assert.rejects(made({ forkableBy: ["acme"] }), /forkableBy\[0\]: got "acme"; allowed are patterns/);
	});

	it("makes a fork point of each template, upon its parent, with what that has not", async () => {
		const registered = await made();
		const base = inputsOf(registered, POINT, "apps-base");
		assert.deepEqual([base.base, base.parent, base.ready], ["/gold.qcow2", undefined, { exec: ["booted"] }]);
		const web = inputsOf(registered, POINT, "apps-web");
		assert.deepEqual([web.base, web.parent, web.ready], [undefined, "uuid-apps-base", undefined]);
		assert.deepEqual(web.restartAfterFork, ["nginx"]);
		assert.deepEqual(inputsOf(registered, POINT, "apps-shop").commands, [
			["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "php"],
		]);
	});

	it("has the machines of a set do what their template has not done", async () => {
		const sets = {
			cart: {
				configuration: {
					packages: ["nginx", "redis"],
					files: [{ path: "/etc/cart", content: "1" }],
					commands: [["warm-up"]],
					startBeforeFork: ["redis"],
					restartAfterFork: ["nginx"],
				},
				count: 2,
				files: [{ path: "/etc/key", content: "k" }],
				commands: [["register"]],
			},
		};
		const registered = await made({ sets, images: { debian: { base: "/gold", installCommand: ["apk", "add"] } } });
		for (const name of ["apps-cart-0", "apps-cart-1"]) {
			const { point, commands, restart } = forkOf(registered, name);
			assert.equal(point, "uuid-apps-web");
			assert.deepEqual(commands, [["apk", "add", "redis"], ["warm-up"], ["register"]]);
			assert.deepEqual(restart, ["nginx", "redis"]);
		}
		assert.equal(registered.filter(({ type }) => type === POINT).length, 3);
	});

	it("makes a template for what is asked for twice, known in a preview as well", async () => {
		const configuration = { packages: ["nginx", "redis"], restartAfterFork: ["nginx"] };
		const sets = { cart: { configuration, count: 1 }, queue: { configuration, count: 1 } };
		for (const preview of [false, true]) {
			let tree: TemplateNode[] = [];
			const registered = await registeredBy(
				() => {
					const catalog = new TemplateCatalog("apps", { ...GOOD, sets });
					const seen = catalog.tree.apply((nodes) => {
						tree = nodes;
					});
					return [catalog.children, seen];
				},
				{ preview },
			);
			const own = tree.find(({ origin }) => origin === "automatic")!;
			assert.equal(own.parent, "web");
			assert.equal(own.asked, 2);
			assert.deepEqual(own.lineage, ["base", "web", own.name]);
			assert.deepEqual(own.sets, ["cart", "queue"]);
			const { parent, commands } = inputsOf(registered, POINT, own.name);
			assert.equal(parent, "uuid-apps-web");
			assert.deepEqual(commands, [["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "redis"]]);
			assert.equal(forkOf(registered, "apps-cart-0").point, `uuid-${own.name}`);
			assert.deepEqual(forkOf(registered, "apps-cart-0").commands, []);
		}
	});

	it("takes fork points of other stacks, and of this program, with what they have", async () => {
		const registered = await registeredBy(() => {
			const mine = new ForkPoint("mine", { base: "/gold", pool: "images", restartAfterFork: ["ssh"] });
			const { children } = new TemplateCatalog("apps", {
				pool: "images",
				images: {},
				templates: {
					theirs: {
						point: { uuid: "uuid-theirs", disk: "/theirs.qcow2", pool: "theirs" },
						configuration: { image: "debian", packages: ["nginx"], restartAfterFork: ["nginx"] },
					},
					mine: { point: mine, configuration: { image: "alpine" } },
					more: { parent: "theirs", configuration: { packages: ["php"] } },
				},
				sets: {
					a: { configuration: { image: "debian", packages: ["nginx", "php"], restartAfterFork: ["nginx"] }, count: 1 },
					b: { configuration: { image: "alpine" }, count: 1 },
					c: { configuration: { image: "debian", packages: ["nginx"], restartAfterFork: ["nginx"] }, count: 1 },
				},
			});
			return children;
		});
		assert.deepEqual(
			registered.filter(({ type }) => type === POINT).map(({ name }) => name),
			["mine", "apps-more"],
		);
		assert.equal(inputsOf(registered, POINT, "apps-more").parent, "uuid-theirs");
		assert.deepEqual(forkOf(registered, "apps-a-0").restart, ["nginx"]);
		assert.equal(forkOf(registered, "apps-b-0").point, "uuid-mine");
		assert.deepEqual(forkOf(registered, "apps-b-0").restart, ["ssh"]);
		assert.equal(forkOf(registered, "apps-c-0").point, "uuid-theirs");
	});

	it("does not wait for an output in a configuration, and says so", async () => {
		const content = pulumi.secret("s");
		const sets = { a: { configuration: { files: [{ path: "/a", content }] }, count: 1 } };
		await assert.rejects(
			made({ sets } as never),
			/TemplateCatalog apps: sets\.a\.configuration\.files\.0\.content: got a value that is only known later; allowed is a plain value/,
		);
	});

	for (const [what, more, message] of [
		[
			"a parent that is none",
			{ templates: { a: { parent: "b" } } },
			/templates\.a\.parent: got "b"; allowed is the name/,
		],
		[
			"templates that go on from each other",
			{ templates: { a: { parent: "b" }, b: { parent: "a" } } },
			/templates\.a\.parent: got "b", which goes on from it: a of b of a/,
		],
		[
			"an image with a parent",
			{ templates: { base: {}, a: { parent: "base", configuration: { image: "debian" } } } },
			/templates\.a\.configuration\.image: got "debian" with a parent/,
		],
		[
			"hardware with a parent",
			{ templates: { base: {}, a: { parent: "base", configuration: { domain: { vcpus: 2 } } } } },
			/templates\.a\.configuration\.domain: got .* with a parent/,
		],
		[
			"a point and a parent",
			{ templates: { base: {}, a: { parent: "base", point: { uuid: "u", disk: "/d", pool: "p" } } } },
			/templates\.a\.parent: got "base" and a point/,
		],
		[
			"an unknown image",
			{ sets: { a: { configuration: { image: "x" }, count: 1 } } },
			/sets\.a\.configuration\.image: got "x"; allowed are debian/,
		],
		[
			"no image where there are several",
			{ images: { a: { base: "/a" }, b: { base: "/b" } }, templates: {}, sets: { s: { count: 1 } } },
			/sets\.s\.configuration\.image: is required where there are several; allowed are a, b/,
		],
		["no image at all", { images: {}, templates: { a: {} } }, /templates\.a\.configuration\.image: is required/],
		[
			"a template of an image without a base",
			{ images: { debian: {} }, templates: { a: {} } },
			/got "debian", which has no base/,
		],
		[
			"a set that nothing fits",
			{ images: { debian: {} }, templates: {}, sets: { a: { count: 1 } } },
			/sets: got the image "debian", and no template of it fits/,
		],
		["a set of no machines", { sets: { a: {} } }, /sets\.a\.count: got neither count nor children/],
		[
			"a file twice",
			{
				sets: {
					a: {
						count: 1,
						configuration: {
							files: [
								{ path: "/a", content: "" },
								{ path: "/a", content: "" },
							],
						},
					},
				},
			},
			/sets\.a\.configuration\.files: got "\/a" twice/,
		],
	] as const) {
		it(`refuses ${what}, before anything is made`, async () => {
			await assert.rejects(made(more as never), message);
		});
	}
});

describe("the tree as text", () => {
	const node = (name: string, more: Partial<TemplateNode> = {}): TemplateNode => ({
		name,
		uuid: `id-${name}`,
		image: "debian",
		lineage: [],
		level: 1,
		origin: "declared",
		adds: "nothing",
		asked: 0,
		sets: [],
		...more,
	});

	it("has an image at each root, and tells where each template comes from", () => {
		const nodes = [
			node("base"),
			node("web", { parent: "base", adds: "1 package", sets: ["a", "b"] }),
			node("apps-1", { parent: "web", adds: "1 file", origin: "automatic", asked: 2 }),
			node("db", { parent: "base", adds: "2 commands" }),
			node("theirs", { image: "alpine", origin: "given", adds: "1 file" }),
		];
		assert.deepEqual(printed(nodes).split("\n"), [
			"debian",
			"└── base id-base  adds nothing",
			"    ├── web id-web  adds 1 package; sets: a, b",
			"    │   └── apps-1 id-apps-1  automatic, asked for 2 times; adds 1 file",
			"    └── db id-db  adds 2 commands",
			"alpine",
			"└── theirs id-theirs  made elsewhere; has 1 file",
		]);
	});
});
