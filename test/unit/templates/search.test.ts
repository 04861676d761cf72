import assert from "node:assert/strict";
import {
	type Configuration,
	configurationSchema,
	fits,
	keyOf,
	left,
	stepsSchema,
	withSteps,
} from "../../../provider/templates/configuration";
import { compare, distanceOf, levelOf, nearest, type Template, told } from "../../../provider/templates/search";

const file = (path: string, content = "c") => ({ path, content, mode: "0644", encoding: "text" as const });
const having = (more: object = {}): Configuration => configurationSchema.parse({ image: "debian", ...more });

describe("a template fits what is asked for", () => {
	const wanted = having({
		domain: { memoryMiB: 512 },
		files: [file("/a"), file("/b")],
		packages: ["nginx", "curl"],
		commands: [["one"], ["two"]],
		startBeforeFork: ["nginx"],
		restartAfterFork: ["ssh"],
	});
	const sized = { domain: { memoryMiB: 512 } };
	for (const [what, has] of [
		["the image alone", sized],
		["the same", wanted],
		["some of the files", { ...sized, files: [file("/b")] }],
		["some of the packages, whatever their order", { ...sized, packages: ["curl"] }],
		["the first commands", { ...sized, commands: [["one"]] }],
		["more hardware that nobody asked about", { domain: { memoryMiB: 512, vcpus: 4 } }],
	] as const) {
		it(`that has ${what}`, () => assert.ok(fits(having(has), wanted)));
	}
	for (const [what, has] of [
		["another image", { ...sized, image: "alpine" }],
		["another size", { domain: { memoryMiB: 1024 } }],
		["the default size instead of the one asked for", {}],
		["a file that is not asked for", { ...sized, files: [file("/c")] }],
		["a file with another content", { ...sized, files: [file("/a", "other")] }],
		["a file with other permissions", { ...sized, files: [{ ...file("/a"), mode: "0600" }] }],
		["a package that is not asked for", { ...sized, packages: ["nginx", "php"] }],
		["commands in another order", { ...sized, commands: [["two"]] }],
		["more commands", { ...sized, commands: [["one"], ["two"], ["three"]] }],
		["a service that is not asked for", { ...sized, startBeforeFork: ["php-fpm"] }],
		["a service that is not to be restarted", { ...sized, restartAfterFork: ["nginx"] }],
	] as const) {
		it(`but not one that has ${what}`, () => assert.ok(!fits(having(has), wanted)));
	}

	it("whatever its accelerator, where none is asked for", () => {
		const emulated = having({ domain: { type: "qemu", memoryMiB: 512 } });
		assert.ok(fits(emulated, having({ domain: { memoryMiB: 512 } })));
		assert.ok(!fits(emulated, having({ domain: { type: "kvm" } })));
	});

	it("whose size is the default one, where that is asked for", () => {
		assert.ok(fits(having(), having({ domain: { memoryMiB: 1024, vcpus: 1 } })));
	});
});

describe("what is left to do", () => {
	const template = having({
		files: [file("/a")],
		packages: ["nginx"],
		commands: [["one"]],
		startBeforeFork: ["nginx"],
	});
	const more = stepsSchema.parse({
		files: [file("/b")],
		packages: ["php"],
		commands: [["two"]],
		restartAfterFork: ["php-fpm"],
	});

	it("makes the template what is asked for", () => {
		const wanted = withSteps(template, more);
		assert.deepEqual(left(template, wanted), more);
		assert.deepEqual(withSteps(template, left(template, wanted)), wanted);
	});

	it("is nothing where all is there", () => {
		assert.deepEqual(left(template, template), stepsSchema.parse({}));
		assert.equal(told(left(template, template)), "nothing");
	});

	it("is a file again that is written over", () => {
		const wanted = withSteps(template, stepsSchema.parse({ files: [file("/a", "new")] }));
		assert.deepEqual(wanted.files, [file("/a", "new")]);
		assert.deepEqual(left(template, wanted).files, [file("/a", "new")]);
	});

	it("is told in words", () => {
		assert.equal(told(more), "1 package, 1 command, 1 service and 1 file");
		assert.equal(told({ ...more, packages: [], commands: [], restartAfterFork: [] }), "1 file");
		assert.equal(told({ ...more, packages: ["a", "b"], commands: [], files: [] }), "2 packages and 1 service");
	});
});

describe("the distance", () => {
	const of = (more: object) => distanceOf(stepsSchema.parse(more));

	it("counts programs, then services, then files", () => {
		assert.deepEqual(of({ packages: ["a"], commands: [["b"], ["c"]], startBeforeFork: ["s"], files: [file("/a")] }), {
			programs: 3,
			services: 1,
			files: 1,
		});
		const inOrder = [
			of({}),
			of({ files: [file("/a")] }),
			of({ files: [file("/a"), file("/b"), file("/c")] }),
			of({ startBeforeFork: ["s"] }),
			of({ packages: ["a"] }),
			of({ packages: ["a"], files: [file("/a")] }),
			of({ commands: [["a"], ["b"]] }),
		];
		assert.deepEqual(inOrder.toReversed().sort(compare), inOrder);
	});

	it("counts a service once that is started and restarted", () => {
		assert.equal(of({ startBeforeFork: ["ssh"], restartAfterFork: ["ssh"] }).services, 1);
	});
});

describe("the nearest template", () => {
	const template = (name: string, configuration: Configuration, parent?: string): Template => ({
		name,
		configuration,
		...(parent && { parent }),
	});
	const tree = [
		template("base", having()),
		template("web", having({ packages: ["nginx"] }), "base"),
		template("shop", having({ packages: ["nginx", "php"], files: [file("/shop")] }), "web"),
		template("files", having({ files: [file("/1"), file("/2"), file("/3")] }), "base"),
		template("other", having({ image: "alpine" })),
	];
	const found = (more: object) => nearest(tree, having(more))?.name;

	it("is the deepest one that has nothing unwanted", () => {
		assert.equal(found({}), "base");
		assert.equal(found({ packages: ["nginx"] }), "web");
		assert.equal(found({ packages: ["nginx", "php"] }), "web");
		assert.equal(found({ packages: ["php", "nginx", "curl"], files: [file("/shop")] }), "shop");
		assert.equal(found({ image: "alpine", packages: ["nginx"] }), "other");
	});

	it("saves a program rather than any number of files", () => {
		assert.equal(found({ packages: ["nginx"], files: [file("/1"), file("/2"), file("/3")] }), "web");
	});

	it("is of equals the one with fewer levels, then the first", () => {
		const equal = having({ packages: ["a"] });
		const twins = [template("deep", equal, "base"), template("b", equal), template("a", equal)];
		assert.equal(nearest([tree[0]!, ...twins], equal)?.name, "b");
	});

	it("is none where all have something unwanted", () => {
		assert.equal(found({ image: "windows" }), undefined);
		assert.equal(found({ domain: { memoryMiB: 4096 } }), undefined);
	});

	it("has a level", () => {
		assert.deepEqual(
			tree.map(({ name }) => levelOf(tree, name)),
			[1, 2, 3, 2, 1],
		);
	});
});

describe("the key of a configuration", () => {
	it("is the same in whatever order things are written, except for commands", () => {
		const one = having({ packages: ["a", "b"], files: [file("/a"), file("/b")], domain: { memoryMiB: 1, vcpus: 2 } });
		const two = having({ packages: ["b", "a"], files: [file("/b"), file("/a")], domain: { vcpus: 2, memoryMiB: 1 } });
		assert.equal(keyOf(one), keyOf(two));
		assert.match(keyOf(one), /^[0-9a-f]{8}$/);
		assert.notEqual(keyOf(having({ commands: [["a"], ["b"]] })), keyOf(having({ commands: [["b"], ["a"]] })));
		assert.notEqual(keyOf(having({ commands: [["a", "b"]] })), keyOf(having({ commands: [["a"], ["b"]] })));
		assert.notEqual(keyOf(having({ startBeforeFork: ["a"] })), keyOf(having({ restartAfterFork: ["a"] })));
	});
});
