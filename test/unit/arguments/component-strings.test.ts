import assert from "node:assert/strict";
import { thinClonePoolRules } from "../../../components/thin-clone-pool/rules";
import { thinClonePoolSchema } from "../../../components/thin-clone-pool/schema";
import { ThinClonePool, type ThinClonePoolArgs } from "../../../index";
import { InputError } from "../../../provider/lifecycle";
import { validate } from "../../../provider/problems";
import type { About } from "../../../provider/wire";
import { type Registered, registeredBy } from "../components/mocks";
import { stepsOf, textsOf, withValue } from "./arguments";
import { nastyStrings, PLAIN } from "./strings";

const SEED = Number(process.env.SEED ?? 20240607);
/** Fewer of those that are paths: what they stand for is tried with each resource, and a program takes its time. */
const strings = [...new Set(nastyStrings(SEED, 10))].filter(
	(text, index) => !text.startsWith("/a/") || index % 3 === 0,
);

const FILES = [{ path: "/a", content: "c" }];
const GOOD = {
	base: "/base",
	pool: "images",
	instances: { one: { customize: { files: FILES } } },
	customize: { files: FILES },
	network: "lab",
	dataDisks: [{ sizeGiB: 1 }],
	domain: { boot: { kernel: "/k" }, cpu: { mode: "custom", model: "m" } },
	onBaseChange: "rolling",
	rolling: { healthCheck: { exec: ["true"] } },
};

/** What the texts of a tool are in. */
const TOOL = { name: "a", provides: "/a", sha256: "0".repeat(64) };

/** Arguments with texts in some places; a NIC's own are for a machine without `network`. */
function argsWith(texts: ReadonlyArray<[path: string, text: string]>): object {
	const has = (start: string) => texts.some(([path]) => path.startsWith(start));
	const { network, ...others } = GOOD;
	const packed = { file: "a", install: ["a"], remove: ["a"] };
	const tool = has("domain.morph.tools[0].package") ? { ...TOOL, package: packed } : TOOL;
	const morph = has("domain.morph.tools") ? { morph: { tools: [tool] } } : {};
	const domain = { ...GOOD.domain, ...morph };
	const start: object = has("domain.nics")
		? { ...others, domain: { ...domain, nics: [{ network }] } }
		: { ...GOOD, domain };
	return texts.reduce((args, [path, text]) => withValue(args, stepsOf(path), text) as object, start);
}

const refusedIn = (args: object) =>
	validate(thinClonePoolSchema, args as Record<string, unknown>, thinClonePoolRules).problems.map(
		({ property }) => property,
	);

/** What pools with these arguments register, by the pool's number; or the property that is refused. */
async function tried(pools: object[]) {
	const refused = new Map<number, string>();
	const registered = await registeredBy(() =>
		pools.flatMap((args, index) => {
			try {
				return [new ThinClonePool(`pool${index}`, args as ThinClonePoolArgs).instances];
			} catch (error) {
				if (!(error instanceof InputError)) throw error;
				refused.set(index, error.property);
				return [];
			}
		}),
	);
	return { registered, refused };
}

/** Everything that one pool has registered but the texts; and these, in order, without the pool's number and a seed's hash. */
function treeOf(registered: Registered[], pool: string) {
	const texts: string[] = [];
	const shapeOf = (value: unknown): unknown => {
		if (typeof value === "string")
			return texts.push(value.replaceAll(`${pool}-`, "pool-").replace(/-seed-[0-9a-f]{8}-/, "-seed-")) && "text";
		if (Array.isArray(value)) return value.map(shapeOf);
		if (value === null || typeof value !== "object") return value;
		return Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]);
	};
	const own = registered.filter(({ inputs }) =>
		String((inputs.about as About | undefined)?.resourceUrn).includes(`::${pool}-`),
	);
	return { shape: own.map(({ type, inputs }) => [type, shapeOf(inputs)]), texts };
}

describe("strings that change nothing in what a ThinClonePool makes", () => {
	// What none of the strings can be: the way to a pool of identities and a hash are no text of anybody's, and a file has to
	// be there.
	const others = [
		"domain.agentPolicy.mayAdd[0]",
		"namePrefix",
		"instances[0]",
		"identityPool",
		"domain.morph.file",
		"domain.morph.tools[0].sha256",
	];
	// What a type has becomes the machine's own NICs and devices.
	const isOfType = (path: string) => path.startsWith("domain.instanceType.");
	const paths = textsOf(thinClonePoolSchema).filter((path) => !others.includes(path) && !isOfType(path));
	const plainOf = new Map(
		paths.map((path) => [path, PLAIN.find((plain) => refusedIn(argsWith([[path, plain]])).length === 0)]),
	);

	it("are put into every text there is", () => {
		for (const path of ["base.domain", "customize.userData", "domain.nics[0].mac", "rolling.healthCheck.exec[0]"]) {
			assert.ok(paths.includes(path), path);
		}
		for (const [path, plain] of plainOf) assert.ok(plain !== undefined, `${path} takes none of the harmless ones`);
	});

	it("are refused by the name of the property that they are in", () => {
		for (const path of paths) {
			for (const value of strings) {
				for (const property of refusedIn(argsWith([[path, value]]))) {
					assert.ok(path.startsWith(property.split(/[.[]/)[0]!), `${path}, ${JSON.stringify(value)}: ${property}`);
				}
			}
		}
	});

	/** What one of them has hides what another would bring. */
	const together: Array<[what: string, has: (path: string) => boolean]> = [
		["of the pool", (path) => !/^(instances|customize|base\.domain|domain\.nics)/.test(path)],
		["of its customisation, NICs and template", (path) => /^(customize|base\.domain|domain\.nics)/.test(path)],
		["of an instance", (path) => path.startsWith("instances.")],
	];
	for (const [what, has] of together) {
		it(`arrive as texts ${what} in their places as they are`, async () => {
			const taken = strings.map((value) =>
				paths.filter((path) => has(path) && refusedIn(argsWith([[path, value]])).length === 0),
			);
			// Most of them are allowed in the same places.
			const places = [...new Set(taken.map((own) => own.join()))];
			const plain = (own: string) =>
				own
					.split(",")
					.filter(Boolean)
					.map((path): [string, string] => [path, plainOf.get(path)!]);
			const before = await tried(places.map((own) => argsWith(plain(own))));
			const after = await tried(taken.map((own, index) => argsWith(own.map((path) => [path, strings[index]!]))));
			assert.deepEqual([[...before.refused], [...after.refused]], [[], []]);
			for (const [index, value] of strings.entries()) {
				const expected = treeOf(before.registered, `pool${places.indexOf(taken[index]!.join())}`);
				const made = treeOf(after.registered, `pool${index}`);
				assert.ok(made.shape.length >= 2, "a volume and a machine");
				assert.deepEqual(made.shape, expected.shape, JSON.stringify(value));
				const texts: string[] = expected.texts.map((text) => (PLAIN.includes(text) ? value : text));
				assert.deepEqual(made.texts, texts, JSON.stringify(value));
			}
		});
	}

	const names: Array<
		[property: string, argsOf: (name: string) => object, nameOf: (name: string, pool: string) => string]
	> = [
		["namePrefix", (namePrefix) => ({ namePrefix, instances: ["one"] }), (name) => `${name}-one`],
		["instances", (name) => ({ instances: [name] }), (name, pool) => `${pool}-${name}`],
		["instances", (name) => ({ instances: { [name]: {} } }), (name, pool) => `${pool}-${name}`],
	];
	for (const [property, argsOf, nameOf] of names) {
		it(`are refused as names by ${property}, or are names`, async () => {
			const { registered, refused } = await tried(
				strings.map((name) => ({ base: "/base", pool: "images", ...argsOf(name) })),
			);
			const made = registered.filter(({ type }) => type.endsWith(":Domain")).map(({ inputs }) => inputs.name);
			for (const [index, value] of strings.entries()) {
				const [said] = refused.get(index)?.split(/[.[]/) ?? [];
				if (said !== undefined) assert.ok([property, "namePrefix"].includes(said), `${JSON.stringify(value)}: ${said}`);
				else assert.ok(made.includes(nameOf(value, `pool${index}`)), JSON.stringify(value));
			}
			assert.equal(made.length + refused.size, strings.length);
			for (const name of made) assert.match(String(name), /^[A-Za-z0-9][A-Za-z0-9_.-]*$/);
		});
	}
});
