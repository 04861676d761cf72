import assert from "node:assert/strict";
import { argsOf, complaintsOf, loadYaml, namesOf } from "./helpers";

const TEXT = `
variables: { machines: 2, size: { config: size, type: number } }
networks: { lab: { ipv4: 10.0.0.1/24, dhcp: { start: 10.0.0.10, end: 10.0.0.20 } } }
components:
  web:
    kind: Domain
    memoryMiB: 64
    cpu: { threads: 1, model: qemu64 }
    nics: [{ network: lab }, { network: { existing: default } }]
  jump: { kind: Domain }
stacks:
  prod:
    variables: { machines: 10, size: 4 }
    networks: { lab: { dhcp: { end: 10.0.0.200 } } }
    components:
      web: { vcpus: "\${size}", memoryMiB: 128, cpu: { model: ~ }, nics: [{ network: lab }] }
      jump:
      extra: { kind: Domain, vcpus: "\${machines}" }
  retyped:
    components: { web: { kind: ThinClonePool, base: { existing: /a }, pool: { existing: p }, count: 1 } }
`;

describe("stacks of a definition", () => {
	it("leave a stack without an entry as it is", () => {
		const dev = loadYaml(TEXT);
		assert.deepEqual(namesOf(dev), ["networks.lab", "components.web", "components.jump"]);
		assert.equal(argsOf(dev, "web").memoryMiB, 64);
	});

	it("merge groups, replace the rest, remove what is null and add what is new", () => {
		const prod = loadYaml(TEXT, { stack: "prod" });
		assert.deepEqual(namesOf(prod), ["networks.lab", "components.web", "components.extra"]);
		assert.deepEqual(argsOf(prod, "lab"), { ipv4: "10.0.0.1/24", dhcp: { start: "10.0.0.10", end: "10.0.0.200" } });
		assert.deepEqual(argsOf(prod, "web"), {
			memoryMiB: 128,
			cpu: { threads: 1 },
			nics: [{ network: "-> lab" }],
			vcpus: 4,
		});
		assert.deepEqual(argsOf(prod, "extra"), { vcpus: 10 });
	});

	it("replace a component whose type changes as a whole", () => {
		assert.deepEqual(argsOf(loadYaml(TEXT, { stack: "retyped" }), "web"), { base: "/a", pool: "p", count: 1 });
	});

	it("are all checked, whichever of them runs; the configuration of the others is not needed", () => {
		const text = `
variables: { n: { config: n, type: number } }
components: { web: { kind: Domain, vcpus: "\${n}" } }
stacks:
  prod: { components: { web: { memoryMib: 64 } } }
  qa: { components: { wbe: { memoryMiB: 64 } }, netwrks: {} }
`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(text, { config: { n: "1" } })),
			[
				'clones.yaml:5:32: stacks.prod.components.web.memoryMib: there is no such property; did you mean "memoryMiB"?',
				"clones.yaml:6:23: stacks.qa.components.wbe.kind: is required; allowed are ThinClonePool and ClonedInstanceWithInit and ForkedVMSet and TemplateCatalog and MorphMigration and Domain",
				'clones.yaml:6:49: stacks.qa.netwrks: there is no such property; did you mean "networks"?',
			],
		);
	});
});
