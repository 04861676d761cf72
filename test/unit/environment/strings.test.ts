import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { stringify } from "yaml";
import { EnvironmentError } from "../../../environment/complaint";
import { declarableSchema } from "../../../environment/declarable";
import type { Declarations } from "../../../environment/declarations";
import { load } from "../../../environment/load";
import { components, sections } from "../../../environment/registry";
import { stepsOf, textsOf, withValue } from "../arguments/arguments";
import { isBroken, nastyStrings } from "../arguments/strings";
import { argsOf, loadObject, loadYaml } from "./helpers";

const SEED = Number(process.env.SEED ?? 20240607);
const strings = [...new Set(nastyStrings(SEED, 20))];
/** A `${` that is meant as such. */
const literal = (text: string) => text.replaceAll("${", "$${");

/** What is declared, without what is refused; and the properties that are. */
function declared(load: (left: string[]) => Declarations, names: string[]) {
	let left = names;
	const refused: string[] = [];
	for (;;) {
		try {
			return { declarations: load(left), left, refused };
		} catch (error) {
			const complaints = (error as EnvironmentError).complaints;
			if (complaints === undefined) throw error;
			const properties = complaints.map(({ property }) => property);
			const wrong = left.filter((name) => properties.some((property) => property.split(".")[1] === name));
			assert.notEqual(wrong.length, 0, String(error));
			refused.push(...properties);
			left = left.filter((name) => !wrong.includes(name));
		}
	}
}

const FILES = [{ path: "/a", content: "c" }];
const existing = { existing: "there" };
const CUSTOMIZED = { instances: { one: { customize: { files: FILES } } }, customize: { files: FILES } };
const NIC = { network: existing };
/** What each takes; in it a text is all that is different. */
const kinds = [
	{
		section: "networks",
		type: sections.networks,
		good: { ipv4: "10.0.0.1/24", dhcp: { hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.9" }] } },
	},
	{ section: "pools", type: sections.pools, good: { path: "/p" } },
	{ section: "volumes", type: sections.volumes, good: { pool: existing, base: existing } },
	{ section: "components", type: components.Domain, good: { kind: "Domain", nics: [NIC], boot: { kernel: "/k" } } },
	{
		section: "components",
		type: components.ThinClonePool,
		good: { kind: "ThinClonePool", base: existing, pool: existing, domain: { nics: [NIC] }, ...CUSTOMIZED },
	},
];
/** Where a text would need others beside it, or is the name of something else. */
const OTHERWISE =
	/^(source|baseDomain|rolling|instances\[|guestSetup|dataDisks|disks|lineage|namePrefix|base\.domain|healthCheck|domain\.(disks|cpu))|pool$|base$|network$|template$/;

describe("strings that change nothing in an environment", () => {
	for (const { section, type, good } of kinds) {
		it(`are refused by their property, or arrive as they are: ${type.type}`, () => {
			const paths = textsOf(declarableSchema(type)).filter((path) => path !== "host" && !OTHERWISE.test(path));
			let arrived = 0;
			for (const path of paths) {
				const load = (left: string[]) => {
					const entry = (name: string) => withValue(good, stepsOf(path), literal(strings[Number(name.slice(1))]!));
					return loadObject({ [section]: Object.fromEntries(left.map((name) => [name, entry(name)])) });
				};
				const { declarations, left, refused } = declared(
					load,
					strings.map((_, index) => `n${index}`),
				);
				for (const property of refused) {
					const [own] = property.split(".").slice(2).join(".").split(/[.[]/);
					assert.equal(own, path.split(/[.[]/)[0], `${path}: ${property}`);
				}
				for (const name of left) {
					const value = stepsOf(path).reduce<unknown>(
						(group, step) => (group as never)[step],
						argsOf(declarations, name),
					);
					assert.equal(Array.isArray(value) ? value.join("") : value, strings[Number(name.slice(1))], path);
					arrived++;
				}
			}
			assert.ok(arrived > strings.length, `${arrived} texts in ${paths}`);
		});
	}

	it("are refused as names of what is declared, or are names", () => {
		for (const { section, good } of kinds) {
			for (const value of strings) {
				try {
					const { all } = loadObject({ [section]: { [value]: good } });
					assert.deepEqual(
						all.map(({ name }) => name),
						[value],
					);
					assert.match(value, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/);
				} catch (error) {
					if (!(error instanceof EnvironmentError)) throw error;
					assert.ok(
						error.complaints.every(({ property }) => property.startsWith(section)),
						String(error),
					);
				}
			}
		}
	});

	it("are read from a file as they were written, whatever the quotes", () => {
		const whole = strings.filter((text) => !isBroken(text));
		for (const options of [{}, { defaultStringType: "QUOTE_DOUBLE" }, { defaultStringType: "QUOTE_SINGLE" }] as const) {
			const components = Object.fromEntries(
				whole.map((text, index) => [`n${index}`, { kind: "Domain", description: literal(text) }]),
			);
			const written = stringify({ components }, { ...options, lineWidth: 0 });
			const { declarations, left } = declared(
				(names) => {
					const kept = Object.fromEntries(names.map((name) => [name, components[name]]));
					return loadYaml(
						names.length === whole.length ? written : stringify({ components: kept }, { ...options, lineWidth: 0 }),
					);
				},
				whole.map((_, index) => `n${index}`),
			);
			assert.ok(left.length > whole.length / 2);
			for (const name of left) assert.equal(argsOf(declarations, name).description, whole[Number(name.slice(1))]);
		}
	});

	it("are refused as the name of a file where there is none", () => {
		for (const file of strings.filter((text) => !existsSync(text))) {
			assert.throws(
				() => load({ name: "test", stack: "dev", configuration: { get: () => undefined }, file }),
				(error: EnvironmentError) => error instanceof EnvironmentError && error.complaints[0]!.property === "file",
			);
		}
	});
});
