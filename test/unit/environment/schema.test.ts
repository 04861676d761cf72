import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { describeEnvironment } from "../../../tools/schema/environment";
import { packageExports } from "../../../tools/schema/exports";
import type { Json } from "../../../tools/schema/json-schema";
import { outputs } from "../../../tools/schema/outputs";
import { literalOf } from "../../../tools/schema/properties";

const ROOT = join(__dirname, "../../../..");

describe("schemas and interfaces", function () {
	this.timeout(60_000);
	before(() => void describeEnvironment());

	it("have the same properties, choices, defaults and required ones, all of them with a sentence", () => {
		assert.deepEqual(describeEnvironment().differences, []);
	});

	for (const name of ["environment/environment.schema.json", "docs/reference.md", "docs/init-library.md"]) {
		it(`are what ${name} was generated from`, () => {
			const output = outputs().find((own) => own.name === name)!;
			assert.ok(
				readFileSync(output.path, "utf8") === output.content,
				"out of date; run: node dist/tools/schema/main.js",
			);
		});
	}

	it("are complete: the reference has all that is exported, with a sentence for each thing to read or call", () => {
		const reference = readFileSync(join(ROOT, "docs/reference.md"), "utf8");
		const exported = packageExports();
		for (const name of Object.keys(require("../../../index"))) {
			assert.ok(exported.some((own) => own.name === name && ["class", "function"].includes(own.kind)));
		}
		const elsewhere: Record<string, string> = {
			HostArgs: "Every resource",
			EnvironmentDefinition: "Sections of a definition",
		};
		for (const { name, members } of exported) {
			const titles = elsewhere[name] ?? `${name}|Outputs of ${name}|${name.replace(/Args$/, "")}`;
			assert.match(reference, new RegExp(`^##+ (${titles})$`, "m"));
			for (const member of members) {
				assert.ok(
					reference.includes(`\n| \`${member.name}\` | `),
					`${name}.${member.name} is not in docs/reference.md`,
				);
				assert.notEqual(member.description, "", `${name}.${member.name} has no sentence`);
			}
		}
	});

	it("describe all sections of a definition", () => {
		const { properties } = committed();
		assert.deepEqual(
			Object.keys(properties!)
				.filter((name) => name !== "$schema")
				.sort(),
			[...describeEnvironment().sections.keys()].sort(),
		);
	});
});

describe("the JSON Schema of an environment", () => {
	const accepts = (text: string): boolean => validator().safeParse(parse(text)).success;

	it("has descriptions, defaults and examples", () => {
		const { $defs } = committed() as { $defs: Record<string, Json> };
		assert.deepEqual($defs.Network!.properties!.ipv4, {
			...$defs.Network!.properties!.ipv4,
			description:
				"The gateway's IPv4 address with its prefix length. Default: none; required for modes `nat` and `route`.",
			examples: ["192.168.150.1/24"],
		});
		assert.equal($defs.Network!.properties!.mode!.default, "nat");
	});

	it("accepts the example", () => {
		assert.ok(accepts(readFileSync(join(ROOT, "examples/environments/clones.yaml"), "utf8")));
	});

	it("accepts variables anywhere, references, null in stacks, and nothing at all", () => {
		for (const text of [
			"",
			"networks:",
			"networks: { lab: }",
			"variables: { a: 1, b: [1], c: { config: key, type: number }, d: { any: thing } }",
			'networks: { lab: { mtu: "${mtu}", mode: "${mode}", dhcp: "${dhcp}", ipv4: "${a}.1/24", autostart: "${x}" } }',
			"components: { a: { kind: Domain, nics: [{ network: lab }, { network: { existing: default } }] } }",
			"components: { a: { kind: ThinClonePool, base: { domain: { existing: t } }, host: { existing: 'test:///x' } } }",
			"components: { a: { kind: ThinClonePool, base: { existing: /a }, instances: { x: { memoryMiB: 64 }, y: {} } } }",
			"components: { a: { kind: Domain, type: kvm } }",
			"stacks: { prod: { components: { a: { vcpus: 2, cpu: { model: ~ } }, b: ~ }, networks: { lab: { dhcp: ~ } } } }",
			"stacks: { prod: { components: { a: { domain: { vcpus: 2 }, instances: { x: ~ } } }, variables: { a: 2 } } }",
		]) {
			assert.ok(accepts(text), text);
		}
	});

	it("refuses what is misspelt, missing, out of bounds or not one of the choices", () => {
		for (const text of [
			"network: {}",
			"networks: { lab: { mod: nat } }",
			"networks: { lab: { mode: natt } }",
			"networks: { lab: { mtu: 5 } }",
			"networks: { lab: { mtu: many } }",
			"networks: { lab: { uri: 'test:///default' } }",
			"networks: { 'a b': {} }",
			"pools: { images: {} }",
			"hosts: { main: { uri: main } }",
			"components: { a: {} }",
			"components: { a: { kind: Machine } }",
			"components: { a: { kind: ThinClonePool } }",
			"components: { a: { kind: ThinClonePool, base: { exists: x } } }",
			"components: { a: { kind: Domain, disks: [{}] } }",
			"components: { a: { kind: Domain, disks: [{ volume: a, format: vmdk }] } }",
			"stacks: { prod: { components: { a: { vcpu: 2 } } } }",
			"stacks: { prod: { stacks: {} } }",
		]) {
			assert.ok(!accepts(text), text);
		}
	});
});

describe("literalOf", () => {
	it("takes the value that a default begins with", () => {
		assert.equal(literalOf('"virtio", for a cdrom "sata"'), "virtio");
		assert.equal(literalOf("false: it stays"), false);
		assert.equal(literalOf("120"), 120);
		assert.equal(literalOf("1.5"), 1.5);
		assert.equal(literalOf("memoryMiB"), undefined);
		assert.equal(literalOf("true_ish"), undefined);
		assert.equal(literalOf(undefined), undefined);
	});
});

function committed(): Json {
	return JSON.parse(readFileSync(join(ROOT, "environment/environment.schema.json"), "utf8")) as Json;
}

let compiled: z.ZodType | undefined;

function validator(): z.ZodType {
	compiled ??= z.fromJSONSchema(committed() as Parameters<typeof z.fromJSONSchema>[0]);
	return compiled;
}
