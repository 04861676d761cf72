import assert from "node:assert/strict";
import { configVariableSchema } from "../../../environment/config-variable";
import { type DeclarableType, declarableSchema } from "../../../environment/declarable";
import { load } from "../../../environment/load";
import { components, sections } from "../../../environment/registry";
import { hostSchema, sectionNames } from "../../../environment/structure";
import { ClonedInstanceWithInit, ForkedVMSet, MorphMigration, TemplateCatalog, ThinClonePool } from "../../../index";
import * as provider from "../../../provider";
import { domain } from "../../../provider/domain/lifecycle";
import { forkPoint } from "../../../provider/fork/lifecycle";
import { identity } from "../../../provider/identity/lease/lifecycle";
import { lessees } from "../../../provider/identity/lessees/lifecycle";
import { identityPool } from "../../../provider/identity/pool/lifecycle";
import { morphTemplate } from "../../../provider/morph-template/lifecycle";
import { network } from "../../../provider/network/lifecycle";
import { pool } from "../../../provider/pool/lifecycle";
import { shown } from "../../../provider/problems";
import type { Handler } from "../../../provider/resource";
import { volume } from "../../../provider/volume/lifecycle";
import { registeredBy } from "../components/mocks";
import { argumentOf, argumentsOf, requiredOf, stepsOf, withValue } from "./arguments";
import type { Row, Table } from "./bad-inputs";
import * as tables from "./bad-inputs";

interface Case {
	path: string;
	value: unknown;
	given: Record<string, unknown>;
}

function casesOf({ good, rows }: Table): Case[] {
	return rows.flatMap(([path, ...values]) =>
		values.map((value) => ({ path, value, given: withValue(good, stepsOf(path), value) as Record<string, unknown> })),
	);
}

/** Every argument has to have a row, and every row has to be about an argument. */
function checkCoverage(known: ReadonlyArray<string>, rows: ReadonlyArray<Row>): void {
	const covered = rows.map(([path]) => argumentOf(path, known) ?? `${path}, which is no argument`);
	assert.deepEqual([...new Set(covered)].sort(), [...known].sort());
}

/**
 * The message names the property (or what is wrong inside of it), repeats the value and says what is allowed.
 * @param hidden for arguments whose values are never repeated
 */
function checkMessage(message: string, { path, value }: Case, hidden = false): void {
	const line = message.split("\n").find((own) => own.includes(path));
	assert.ok(line !== undefined, `${path} is not named in: ${message}`);
	assert.match(line, /; allowed (is|are) \S|there is no such property; did you mean|is declared as/);
	if (hidden) return;
	const inside = typeof value === "object" && value !== null ? Object.values(value) : [];
	const isTold = [value, ...inside].some((own) => line.includes(shown(own))) || line.includes("is required");
	assert.ok(isTold, `${shown(value)} is not told in: ${line}`);
}

describe("bad arguments of resources", () => {
	const resources: Array<[string, Handler, Table, Parameters<typeof argumentsOf>[0], ReadonlyArray<string>]> = [
		["StoragePool", provider.StoragePool, tables.StoragePool, pool.schema, pool.sensitive ?? []],
		["Network", provider.Network, tables.Network, network.schema, network.sensitive ?? []],
		["Volume", provider.Volume, tables.Volume, volume.schema, volume.sensitive ?? []],
		["Domain", provider.Domain, tables.Domain, domain.schema, domain.sensitive ?? []],
		["ForkPoint", provider.ForkPoint, tables.ForkPoint, forkPoint.schema, forkPoint.sensitive ?? []],
		["MorphTemplate", provider.MorphTemplate, tables.MorphTemplate, morphTemplate.schema, []],
		["IdentityPool", provider.IdentityPool, tables.IdentityPool, identityPool.schema, identityPool.sensitive ?? []],
		["Identity", provider.Identity, tables.Identity, identity.schema, identity.sensitive ?? []],
		["Lessees", provider.Lessees, tables.Lessees, lessees.schema, lessees.sensitive ?? []],
	];

	for (const [name, handler, table, schema, sensitive] of resources) {
		describe(name, () => {
			const check = async (given: Record<string, unknown>) => {
				// No host is there: a check that looked at it would say so in its plan.
				const uri = "qemu+unix:///system?socket=/nonexistent";
				const host = argumentsOf(schema).includes("uri") ? { uri } : {};
				const { failures, inputs } = await handler.check({}, { ...host, ownerId: "org/project/dev/x", ...given });
				return { messages: failures.map(({ reason }) => reason), looked: "plan" in inputs };
			};

			it("has a row for each argument", () => checkCoverage(argumentsOf(schema), table.rows));

			it("takes what is good", async () => {
				assert.deepEqual((await check(table.good)).messages, []);
			});

			for (const own of casesOf(table)) {
				it(`refuses ${own.path} ${shown(own.value)}`, async () => {
					const { messages, looked } = await check(own.given);
					assert.ok(messages.length > 0, "was accepted");
					checkMessage(messages.join("\n"), own, sensitive.includes(own.path.split(/[.[]/)[0]!));
					assert.ok(!looked, "the host was looked at");
				});
			}

			for (const path of requiredOf(schema).filter((own) => !/[[*.]/.test(own) && own !== "uri")) {
				it(`requires ${path}`, async () => {
					const { messages } = await check(withValue(table.good, [path], undefined) as Record<string, unknown>);
					assert.match(messages.join("\n"), new RegExp(`^${path}: is required; allowed (is|are) `));
				});
			}
		});
	}
});

/** @returns what a component refuses, and "" when it takes it; it must not have made anything then */
async function refusalBy(make: () => unknown): Promise<string> {
	let message = "";
	const registered = await registeredBy(() => {
		try {
			make();
		} catch (error) {
			message = (error as Error).message;
		}
	});
	const made = registered.filter(
		({ type }) => !/:(ThinClonePool|ClonedInstanceWithInit|ForkedVMSet|TemplateCatalog|MorphMigration)$/.test(type),
	);
	if (message !== "") assert.deepEqual(made, []);
	return message;
}

for (const [name, Component, table] of [
	["ThinClonePool", ThinClonePool, tables.ThinClonePool],
	["ClonedInstanceWithInit", ClonedInstanceWithInit, tables.ClonedInstanceWithInit],
	["ForkedVMSet", ForkedVMSet, tables.ForkedVMSet],
	["TemplateCatalog", TemplateCatalog, tables.TemplateCatalog],
	["MorphMigration", MorphMigration, tables.MorphMigration],
] as const) {
	describe(`bad arguments of ${name}`, () => {
		it("has a row for each argument", () => checkCoverage(argumentsOf(components[name].schema), table.rows));

		it("takes what is good", async () => {
			assert.equal(await refusalBy(() => new Component("web", table.good as never)), "");
		});

		for (const own of casesOf(table)) {
			it(`refuses ${own.path} ${shown(own.value)}`, async () => {
				const message = await refusalBy(() => new Component("web", own.given as never));
				assert.notEqual(message, "", "was accepted");
				assert.match(message, new RegExp(`^${name} web: `));
				checkMessage(message, own);
			});
		}
	});
}

describe("bad arguments of ThinClonePool together", () => {
	const refusal = (given: object) => refusalBy(() => new ThinClonePool("web", given as never));

	it("requires a base, and a count or names", async () => {
		assert.match(await refusal({ count: 1, pool: "images" }), /^ThinClonePool web: base: is required; allowed is/);
		assert.match(await refusal({ base: "/a", pool: "images" }), /got neither count nor instances/);
	});

	it("looks at what a function makes for each clone", async () => {
		const customize = ({ name }: { name: string }) => ({ hostname: `${name}_x` });
		assert.match(
			await refusal({ ...tables.ThinClonePool.good, customize }),
			/customize of web-0: hostname: got "web-0_x"; allowed are/,
		);
	});
});

describe("bad arguments in the file of an environment", () => {
	const refusal = (definition: object): string => {
		try {
			load({ name: "test", stack: "dev", definition, configuration: { get: () => undefined } });
		} catch (error) {
			return (error as Error).message;
		}
		return "";
	};
	const { good, rows } = tables.Environment;

	it("has a row for each section, and for what the file has by itself", () => {
		const under = (path: string, inner: string[]): string[] => inner.map((own) => `${path}.*.${own}`);
		const known = [
			"variables",
			...under("variables", argumentsOf(configVariableSchema)),
			...sectionNames.flatMap((name) => [name, `${name}.*`]),
			...under("hosts", argumentsOf(hostSchema)),
			...under("components", ["kind", "host"]),
			"stacks",
			"stacks.*",
			"stacks.*.networks",
			"stacks.*.components.*",
		];
		checkCoverage(known, rows);
	});

	it("takes what is good", () => assert.equal(refusal(good), ""));

	for (const own of casesOf(tables.Environment)) {
		it(`refuses ${own.path} ${shown(own.value)}`, () => {
			const message = refusal(own.given);
			assert.notEqual(message, "", "was accepted");
			checkMessage(message, own);
		});
	}

	/** The tables of the types, each at its place. */
	const places: Array<[string, DeclarableType, Table]> = [
		["identityPools.lan", sections.identityPools as DeclarableType, tables.IdentityPool],
		["identities.spare", sections.identities as DeclarableType, tables.Identity],
		["networks.lab", sections.networks as DeclarableType, tables.Network],
		["pools.images", sections.pools as DeclarableType, tables.StoragePool],
		["images.gold", sections.images as DeclarableType, tables.Volume],
		["volumes.disk", sections.volumes as DeclarableType, tables.Volume],
		["components.jump", components.Domain as DeclarableType, tables.Domain],
		["components.web", components.ThinClonePool as DeclarableType, tables.ThinClonePool],
		["components.set", components.MorphMigration as DeclarableType, tables.MorphMigration],
	];
	for (const [place, type, table] of places) {
		it(`refuses what the table of ${type.type} has, in ${place}`, () => {
			const known = argumentsOf(declarableSchema(type));
			for (const own of casesOf(table).filter(({ path }) => argumentOf(path, known) !== undefined)) {
				const kind = place.startsWith("components") ? { kind: type.type } : {};
				const given = withValue({ ...kind, ...existing(table.good, type) }, stepsOf(own.path), own.value);
				const message = refusal(withValue(good, stepsOf(place), given) as object);
				assert.notEqual(message, "", `${own.path} ${shown(own.value)} was accepted`);
				checkMessage(message, { ...own, path: `${place}.${own.path}` }, own.path === "encryptionKey");
			}
		});
	}
});

/** The good arguments, with references to what exists. */
function existing(given: Record<string, unknown>, type: DeclarableType): Record<string, unknown> {
	return Object.keys(type.references).reduce((result, reference) => {
		const steps: Array<string | number> = [];
		const value = stepsOf(reference.replaceAll("[]", "[0]")).reduce<unknown>((inner, step) => {
			const group = (inner ?? {}) as Record<string, unknown>;
			steps.push(step === "*" ? (Object.keys(group)[0] ?? "*") : step);
			return group[steps.at(-1)!];
		}, result);
		if (typeof value !== "string") return result;
		return withValue(result, steps, { existing: value }) as Record<string, unknown>;
	}, given);
}
