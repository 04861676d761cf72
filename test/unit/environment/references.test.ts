import assert from "node:assert/strict";
import type { z } from "zod";
import { type DeclarableType, declarableSchema } from "../../../environment/declarable";
import type { Declarations } from "../../../environment/declarations";
import { components, sections } from "../../../environment/registry";
import { definitionOf } from "../../../provider/allowed";
import { poolAccess } from "../../../provider/identity/lease/schema";
import { storedTemplate } from "../../../provider/morph/template";
import { reference } from "../../../provider/schema";
import { argsOf, complaintsOf, loadYaml } from "./helpers";

const TWO_HOSTS = `
hosts: { a: { uri: "qemu+ssh://a/system" }, b: { uri: "qemu+ssh://b/system" } }
pools: { images: { host: a, path: /images }, other: { host: b, path: /images } }
`;

function hostsOf({ all }: Declarations): Record<string, unknown> {
	return Object.fromEntries(all.map(({ name, host }) => [name, host?.kind === "link" ? host.name : host]));
}

describe("references of a definition", () => {
	it("lead to what is declared, or to what exists", () => {
		const text = `
images: { gold: { pool: { existing: default }, source: { file: /gold } } }
components:
  template: { kind: Domain, running: false, disks: [{ volume: gold }] }
  web: { kind: ThinClonePool, base: { domain: template }, pool: { existing: default }, count: 1 }
  old: { kind: ThinClonePool, base: { domain: { existing: old } }, pool: { existing: default }, count: 1 }
`;
		const declarations = loadYaml(text);
		assert.deepEqual(argsOf(declarations, "web").base, { domain: "-> template" });
		assert.deepEqual(argsOf(declarations, "old").base, { domain: "old" });
	});

	it("are refused where nothing of that kind is declared", () => {
		const text = `
networks: { lab: { ipv4: 10.0.0.1/24 } }
components:
  web: { kind: Domain, nics: [{ network: lap }], disks: [{ volume: lab }], template: 5, host: { exists: x } }
`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(text)),
			[
				'clones.yaml:4:42: components.web.nics[0].network: no network is declared as "lap"; did you mean "lab"?; ' +
					"for one that is on the host already write { existing: its name or UUID }",
				'clones.yaml:4:68: components.web.disks[0].volume: no image or volume is declared as "lab"; declared: none; ' +
					"for one that is on the host already write { existing: its path or key }",
				"clones.yaml:4:86: components.web.template: got 5; allowed is the name of a declared component of kind Domain (web) " +
					"or { existing: its name or UUID }",
				'clones.yaml:4:89: components.web.host: got {"exists":"x"}; allowed is the name of a declared host (none is) ' +
					"or { existing: its libvirt URI }",
			],
		);
	});

	it("lead to templates of steps, of a machine, of sets and of their members", () => {
		const text = `
morphTemplates: { drain: { steps: { preMigration: [{ exec: [drain] }] } } }
components:
  web: { kind: Domain, morph: { template: drain } }
  pool: { kind: ThinClonePool, base: { existing: /gold }, pool: { existing: images }, count: 1, domain: { morph: { template: drain } } }
  set:
    kind: MorphMigration
    hosts: { a: { uri: "qemu+ssh://a/system", base: { existing: /gold }, pool: { existing: images } } }
    instanceType: small
    morph: { template: drain }
    members: { db: { morph: { template: drain } } }
`;
		const declarations = loadYaml(text);
		const linked = { template: "-> drain" };
		assert.deepEqual(argsOf(declarations, "web").morph, linked);
		assert.deepEqual(argsOf(declarations, "pool").domain, { morph: linked });
		const { morph, members } = argsOf(declarations, "set");
		assert.deepEqual([morph, members], [linked, { db: { morph: linked } }]);
		const [wrong, alone] = complaintsOf(() =>
			loadYaml(
				text
					.replace("Domain, morph: { template: drain }", "Domain, morph: { template: dran }")
					.replace("domain: { morph: { template: drain } }", "domain: { morph: { template: { existing: drain } } }"),
			),
		);
		assert.match(wrong!, /web\.morph\.template: no template of steps is declared as "dran"; did you mean "drain"/);
		assert.match(alone!, /pool\.domain\.morph\.template.*got "drain"; allowed is a MorphTemplate/);
	});

	it("are checked as names where they exist", () => {
		const text = 'volumes: { a: { pool: { existing: "" }, sizeMiB: 1 }, b: { pool: { existing: 5 }, sizeMiB: 1 } }';
		const [empty, number] = complaintsOf(() => loadYaml(text));
		assert.match(empty!, /volumes\.a\.pool\.existing: got ""; allowed is the id, name or path of an existing object/);
		assert.match(number!, /volumes\.b\.pool\.existing: got 5; allowed is/);
	});

	it("do not go in a circle", () => {
		const text = `
volumes:
  a: { pool: { existing: p }, base: b }
  b: { pool: { existing: p }, base: a }
`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(text)),
			["clones.yaml:4:37: volumes.b.base: refers to itself in a circle: a -> b -> a; remove one of these references"],
		);
	});

	it("cannot tell an image from a volume of the same name", () => {
		const text =
			"images: { a: { pool: { existing: p }, sizeMiB: 1 } }\nvolumes: { a: { pool: { existing: p }, sizeMiB: 1 } }";
		assert.match(
			complaintsOf(() => loadYaml(text))[0]!,
			/clones\.yaml:2:12: volumes\.a: the name is taken by images\.a/,
		);
	});
});

describe("hosts of a definition", () => {
	it("are the only one, or the default", () => {
		assert.deepEqual(hostsOf(loadYaml("networks: { n: { ipv4: 10.0.0.1/24 } }")), { n: undefined });
		const one = 'hosts: { a: { uri: "test:///default" } }\nnetworks: { n: { ipv4: 10.0.0.1/24 } }';
		assert.deepEqual(hostsOf(loadYaml(one)), { n: "a" });
	});

	it("follow what is referred to", () => {
		const text = `${TWO_HOSTS}
images: { gold: { pool: images, sizeMiB: 1 } }
components: { web: { kind: ThinClonePool, base: gold, count: 1 } }
`;
		assert.deepEqual(hostsOf(loadYaml(text)), { images: "a", other: "b", gold: "a", web: "a" });
	});

	it("have to be named where several are declared and nothing tells, and to be the same for what belongs together", () => {
		const text = `${TWO_HOSTS}
networks: { lab: { ipv4: 10.0.0.1/24 } }
volumes: { v: { pool: images, host: b, sizeMiB: 1 } }
components: { web: { kind: Domain, host: c } }
`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(text)),
			[
				"clones.yaml:5:13: networks.lab.host: is required; allowed are a, b",
				'clones.yaml:6:23: volumes.v.pool: "images" is on host "a" and this on "b"; allowed is what is on the same host',
				'clones.yaml:7:42: components.web.host: no host is declared as "c"; declared: a, b; ' +
					"for one that is on the host already write { existing: its libvirt URI }",
			],
		);
	});

	it("need a URI", () => {
		const text = "hosts: { a: { uri: hypervisor }, b: {}, c: { url: x } }";
		assert.deepEqual(
			complaintsOf(() => loadYaml(text)),
			[
				'clones.yaml:1:20: hosts.a.uri: got "hypervisor"; allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system',
				"clones.yaml:1:34: hosts.b.uri: is required; allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system",
				"clones.yaml:1:41: hosts.c.uri: is required; allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system",
				'clones.yaml:1:46: hosts.c.url: there is no such property; did you mean "uri"?',
			],
		);
	});
});

/** The host of everything, and what is recorded as a text. */
const NOT_NAMES = ["host", "lineage.base", "lineage.baseContentId"];

/** What a reference stands for in place of what may be written out. */
const LISTS = ["dhcp.hosts"];

describe("the registry", () => {
	const types = [...Object.values(sections), ...Object.values(components)] as unknown as DeclarableType[];
	for (const type of types) {
		it(`says what each reference of a ${type.type} leads to`, () => {
			const inSchema = referencesIn(declarableSchema(type)).filter((path) => !NOT_NAMES.includes(path));
			const named = Object.keys(type.references).filter((path) => !LISTS.includes(path));
			assert.deepEqual(inSchema.sort(), named.sort());
		});
	}
});

/** Paths of everything in a schema that is validated as a reference. */
function referencesIn(schema: z.ZodType, path = ""): string[] {
	if (schema === reference || schema === poolAccess || schema === storedTemplate) return [path];
	const { innerType, in: input, element, valueType, shape, options } = definitionOf(schema);
	const below = (inner: z.ZodType, step: string): string[] =>
		referencesIn(inner, path === "" ? step : `${path}.${step}`);
	if (innerType ?? input) return referencesIn((innerType ?? input)!, path);
	if (element) return referencesIn(element, `${path}[]`);
	if (valueType) return below(valueType, "*");
	if (options) return options.flatMap((option) => referencesIn(option, path));
	return Object.entries(shape ?? {}).flatMap(([key, inner]) => below(inner, key));
}
