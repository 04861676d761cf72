import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { argsOf, complaintsOf, loadObject, loadYaml, namesOf } from "./helpers";

const GOOD = `
hosts: { main: { uri: "qemu:///system" } }
networks: { lab: { ipv4: 192.168.150.1/24 } }
pools: { images: { path: /var/lib/libvirt/images/lab } }
images: { debian: { pool: images, source: { file: ./debian.qcow2 } } }
volumes: { disk: { pool: images, base: debian } }
components:
  web: { kind: ThinClonePool, base: debian, network: lab, count: 2, domain: { memoryMiB: 256 } }
  jump:
    kind: Domain
    disks: [{ volume: disk }]
    nics: [{ network: { existing: default } }]
`;

describe("loading a definition", () => {
	it("takes all sections, links names and passes on what exists", () => {
		const declarations = loadYaml(GOOD);
		assert.deepEqual(namesOf(declarations), [
			"networks.lab",
			"pools.images",
			"images.debian",
			"volumes.disk",
			"components.web",
			"components.jump",
		]);
		assert.deepEqual(argsOf(declarations, "web"), {
			base: "-> debian",
			network: "-> lab",
			count: 2,
			domain: { memoryMiB: 256 },
		});
		assert.deepEqual(argsOf(declarations, "jump"), { disks: [{ volume: "-> disk" }], nics: [{ network: "default" }] });
	});

	it("takes JSON and objects in the same way", () => {
		const definition = {
			pools: { images: { path: "/images" } },
			volumes: { disk: { pool: "images", sizeMiB: 10 } },
		};
		const [fromJson, fromObject] = [loadYaml(JSON.stringify(definition)), loadObject(definition)];
		assert.deepEqual(argsOf(fromJson, "disk"), { pool: "-> images", sizeMiB: 10 });
		assert.deepEqual(argsOf(fromObject, "disk"), argsOf(fromJson, "disk"));
	});

	it("keeps outputs and resources of a program as they are", () => {
		const pool = pulumi.output("images");
		assert.equal(argsOf(loadObject({ volumes: { disk: { pool, sizeMiB: 10 } } }), "disk").pool, pool);
	});

	it("takes an empty file, and things with nothing but a name", () => {
		assert.deepEqual(namesOf(loadYaml("")), []);
		assert.deepEqual(namesOf(loadYaml("# nothing yet\n")), []);
		assert.deepEqual(namesOf(loadYaml("networks:\ncomponents:\n  web: { kind: Domain }\n")), ["components.web"]);
		assert.deepEqual(argsOf(loadYaml("components: { web: { kind: Domain, description: } }"), "web"), {});
	});

	it("takes paths of files relative to the definition's file, as seen from the program", () => {
		const source = argsOf(loadYaml(GOOD), "debian").source as { file: string };
		assert.match(source.file, /^\.\.\/.*\/environment-[^/]+\/debian\.qcow2$/);
		const hash = "0".repeat(64);
		const text = `
components:
  web:
    kind: Domain
    morph:
      tools:
        - { name: a, provides: /a, script: { file: a.sh }, sha256: "${hash}" }
        - { name: b, provides: b, package: { file: /b.deb, install: [i], remove: [r] }, sha256: "${hash}" }
`;
		const { tools: found } = argsOf(loadYaml(text), "web").morph as { tools: Array<Record<string, { file: string }>> };
		assert.match(found[0]!.script!.file, /^\.\.\/.*\/environment-[^/]+\/a\.sh$/);
		assert.equal(found[1]!.package!.file, "/b.deb");
	});

	it("takes anchors and aliases", () => {
		const declarations = loadYaml("components:\n  a: &m { kind: Domain, memoryMiB: 64 }\n  b: *m\n");
		assert.deepEqual(argsOf(declarations, "b"), { memoryMiB: 64 });
	});
});

describe("errors in a definition", () => {
	it("name file, line, column, path, the value got and what is allowed, all at once", () => {
		assert.deepEqual(
			complaintsOf(() =>
				loadYaml(`networks:
  lab:
    mode: natt
    mtu: 100
pools:
  images: {}
componets: {}
components:
  web:
    kind: ThinClonePool
    base: debain
    count: two
    domain: { memory: 1, vcpus: 0 }
images:
  debian: { pool: images, sizeMiB: 1.5, source: { file: "" } }
`),
			),
			[
				'clones.yaml:3:11: networks.lab.mode: got "natt"; allowed are "nat", "route", "isolated" and "bridge"; did you mean "nat"?',
				"clones.yaml:4:10: networks.lab.mtu: got 100; allowed is a whole number from 576 to 65535",
				"clones.yaml:6:3: pools.images.path: is required; allowed is an absolute path without '..' and control characters",
				'clones.yaml:7:1: componets: there is no such property; did you mean "components"?',
				'clones.yaml:11:11: components.web.base: no image or volume is declared as "debain"; did you mean "debian"?; ' +
					"for one that is on the host already write { existing: its path or key }",
				'clones.yaml:12:12: components.web.count: got "two"; allowed is a whole number from 0 to 100000',
				'clones.yaml:13:15: components.web.domain.memory: there is no such property; did you mean "memoryMiB"?',
				"clones.yaml:13:33: components.web.domain.vcpus: got 0; allowed is a whole number from 1 to 1024",
				"clones.yaml:15:36: images.debian.sizeMiB: got 1.5; allowed is a whole number from 1 to 67108864",
				'clones.yaml:15:57: images.debian.source.file: got ""; allowed is text that is not empty',
			],
		);
	});
});

describe("rules across properties", () => {
	it("are checked with the file's lines, too", () => {
		assert.deepEqual(
			complaintsOf(() => loadYaml("components:\n  web: { kind: Domain, memoryMiB: 64,\n    maxMemoryMiB: 32 }\n")),
			[
				"clones.yaml:3:19: components.web.maxMemoryMiB: got 32, less than memoryMiB (64); allowed is at least memoryMiB",
			],
		);
	});

	it("know what the classes fill in", () => {
		const seed = "volumes: { seed: { pool: { existing: p }, source: { cloudInit: { hostname: web } } } }";
		assert.deepEqual(namesOf(loadYaml(seed)), ["volumes.seed"]);
	});
});
