import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import {
	Domain,
	Environment,
	type EnvironmentArgs,
	type EnvironmentDefinition,
	type EnvironmentMachine,
	Network,
	ThinClonePool,
} from "../../../index";
import { type Registered, registeredBy } from "../components/mocks";

const DEFINITION: EnvironmentDefinition = {
	hosts: { main: { uri: "qemu+ssh://main/system" } },
	networks: { lab: { ipv4: "192.168.150.1/24" } },
	pools: { images: { path: "/images" } },
	images: { debian: { pool: "images", sizeMiB: 64, name: "debian.qcow2" } },
	components: {
		web: { kind: "ThinClonePool", base: "debian", network: "lab", count: 2, domain: { memoryMiB: 256 } },
		jump: { kind: "Domain", disks: [{ volume: "root" }], nics: [{ network: { existing: "default" } }] },
	},
	volumes: { root: { pool: "images", base: "debian" } },
	stacks: { dev: { components: { web: { domain: { vcpus: 2 } } } } },
};

async function made(args: EnvironmentArgs = { definition: DEFINITION }, check?: (environment: Environment) => unknown) {
	const registered = await registeredBy(() => {
		const environment = new Environment("staging", args);
		const images = [...environment.images].map(([, image]) => image.id);
		return { environment, images, checked: check?.(environment) };
	});
	return {
		registered,
		names: registered.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort(),
		inputs: (name: string): Registered["inputs"] => registered.find((resource) => resource.name === name)!.inputs,
	};
}

function resolved<T>(output: pulumi.Output<T>): Promise<T> {
	return new Promise((resolve) => output.apply(resolve));
}

describe("Environment", () => {
	it("builds everything under names that depend on nothing but the names in the definition", async () => {
		const { names } = await made();
		assert.deepEqual(
			names.filter((name) => !name.startsWith("Guard")),
			[
				"Domain staging-jump",
				"Domain staging-web-0",
				"Domain staging-web-1",
				"Environment staging",
				"Network staging-lab",
				"StoragePool staging-images",
				"ThinClonePool staging-web",
				"Volume staging-debian",
				"Volume staging-root",
				"Volume staging-web-0",
				"Volume staging-web-1",
			],
		);
	});

	it("puts a set on one of its own hosts, with steps from a file beside the definition", async () => {
		const folder = mkdtempSync(join(tmpdir(), "environment-"));
		try {
			const steps = { preMigration: [{ exec: ["drain"] }] };
			writeFileSync(join(folder, "drain.yaml"), JSON.stringify(steps));
			writeFileSync(join(folder, "other.yaml"), JSON.stringify({ postMigration: [{ exec: ["warm"] }] }));
			const place = (uri: string) => ({ uri, base: "debian", network: { existing: "web" } });
			const definition = {
				...DEFINITION,
				components: {
					set: {
						kind: "MorphMigration",
						hosts: { a: place("qemu+ssh://a/system"), b: place("qemu+ssh://b/system") },
						host: "b",
						members: { db: { morph: { file: "other.yaml" } } },
						instanceType: "small",
						morph: { file: "drain.yaml" },
					},
					alone: { kind: "Domain", morph: { file: "drain.yaml" }, instanceType: "nano" },
				},
				stacks: {},
			};
			writeFileSync(join(folder, "clones.yaml"), JSON.stringify(definition));
			const { registered } = await made({ file: join(folder, "clones.yaml") });
			const domain = (name: string) =>
				registered.find((own) => own.type.endsWith(":Domain") && own.name === `staging-${name}`)!.inputs;
			const machine = domain("set-db");
			assert.equal(machine.uri, "qemu+ssh://b/system");
			assert.deepEqual(Object.keys(machine.morph as object), ["postMigration"]);
			const [step] = (domain("alone").morph as typeof steps).preMigration;
			assert.deepEqual(step!.exec, ["drain"]);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("hands on hosts, references and what the stack has different", async () => {
		const { inputs, registered } = await made();
		const custom = registered.filter(({ type }) => type.startsWith("pulumi-nodejs"));
		assert.deepEqual([...new Set(custom.map((resource) => resource.inputs.uri))], ["qemu+ssh://main/system"]);
		assert.equal(inputs("staging-debian").pool, "/pool/staging-images");
		assert.equal(inputs("staging-root").base, "/pool/staging-debian");
		const machine = registered.find(({ type, name }) => type.endsWith(":Domain") && name === "staging-web-0")!.inputs;
		assert.deepEqual([machine.memoryMiB, machine.vcpus], [256, 2]);
		assert.deepEqual(machine.nics, [{ network: "/pool/staging-lab" }]);
		assert.deepEqual(inputs("staging-jump").nics, [{ network: "default" }]);
		assert.deepEqual(inputs("staging-jump").disks, [{ volume: "/pool/staging-root" }]);
		assert.ok(!("host" in machine) && !("type" in inputs("staging-jump")));
	});

	it("leaves the host to the usual defaults where none is declared", async () => {
		const { inputs } = await made({ definition: { pools: { images: { path: "/images" } } } });
		assert.equal(inputs("staging-images").uri, process.env.LIBVIRT_DEFAULT_URI ?? "qemu:///system");
	});

	it("builds the same from a file, with paths beside it", async () => {
		const directory = mkdtempSync(join(tmpdir(), "environment-"));
		try {
			writeFileSync(join(directory, "gold.img"), "image");
			const file = join(directory, "clones.json");
			const images = { gold: { pool: "images", format: "raw", source: { file: "gold.img" } } };
			writeFileSync(file, JSON.stringify({ ...DEFINITION, images: { ...DEFINITION.images, ...images } }));
			const fromFile = await made({ file });
			const { names } = await made();
			assert.deepEqual([...names, "Volume staging-gold"].sort(), fromFile.names);
			const source = fromFile.inputs("staging-gold").source as { file: string; sha256: string };
			assert.match(source.file, /^\.\.\/.*gold\.img$/);
			assert.match(source.sha256, /^[0-9a-f]{64}$/);
		} finally {
			rmSync(directory, { recursive: true });
		}
	});

	it("gives out what it built, by name", async () => {
		await made(undefined, (environment) => {
			assert.deepEqual(environment.components.names, ["web", "jump"]);
			assert.equal(environment.components.get("web", ThinClonePool).domains.size, 2);
			assert.ok(environment.components.get("jump") instanceof Domain);
			assert.ok(environment.networks.get("lab") instanceof Network);
			assert.deepEqual(
				[...environment.pools].map(([name]) => name),
				["images"],
			);
			assert.deepEqual([environment.images.names, environment.volumes.names], [["debian"], ["root"]]);
			assert.throws(
				() => environment.components.get("webb"),
				/no component is declared as "webb"; did you mean "web"\?/,
			);
			assert.throws(
				() => environment.components.get("jump", ThinClonePool),
				/component "jump" is a Domain, and not a ThinClonePool/,
			);
		});
	});

	it("tells the machines of all components", async () => {
		let machines: EnvironmentMachine[] = [];
		await made(undefined, async (environment) => {
			machines = await resolved(environment.machines);
		});
		assert.deepEqual(
			machines.map(({ component, name, uuid }) => [component, name, uuid]),
			[
				["web", "staging-web-0", "uuid-staging-web-0"],
				["web", "staging-web-1", "uuid-staging-web-1"],
				["jump", "staging-jump", "uuid-staging-jump"],
			],
		);
	});

	it("customises each clone with its own name and index", async () => {
		const { inputs } = await made({
			definition: {
				variables: { domain: "lab" },
				components: {
					web: {
						kind: "ThinClonePool",
						base: { existing: "/images/gold" },
						pool: { existing: "images" },
						count: 2,
						customize: {
							hostname: "${instance.name}.${domain}",
							files: [{ path: "/etc/index", content: "${instance.index}" }],
						},
					},
				},
			},
		});
		assert.deepEqual(inputs("staging-web-1-seed").source, {
			cloudInit: { hostname: "staging-web-1.lab", files: [{ path: "/etc/index", content: "1" }] },
		});
	});

	it("takes outputs and resources of the program, and variables from it", async () => {
		let network: Network | undefined;
		const { inputs } = await registeredIn(() => {
			network = new Network("outside", { ipv4: "10.0.0.1/24" });
			return new Environment("staging", {
				definition: {
					components: { jump: { kind: "Domain", nics: [{ network }], description: "${text}" } },
				},
				variables: { text: pulumi.output("later") },
			});
		});
		assert.deepEqual(inputs("staging-jump").nics, [{ network: "/pool/outside" }]);
		assert.equal(inputs("staging-jump").description, "later");
	});

	it("uses the stack that runs, or the one it is told", async () => {
		const vcpus = async (args: EnvironmentArgs) => {
			const { registered } = await made(args);
			return registered.find(({ type, name }) => type.endsWith(":Domain") && name === "staging-web-0")!.inputs.vcpus;
		};
		assert.equal(await vcpus({ definition: DEFINITION }), 2);
		assert.equal(await vcpus({ definition: DEFINITION, stack: "qa" }), undefined);
	});

	it("reads the configuration of the stack, and keeps what is secret there", async () => {
		pulumi.runtime.setAllConfig({ "project:text": "hunter2", "other:cpus": "4" }, ["project:text"]);
		try {
			const { inputs } = await made({
				definition: {
					variables: { text: { config: "text" }, cpus: { config: "other:cpus", type: "number" } },
					components: { jump: { kind: "Domain", description: "${text}", vcpus: "${cpus}" as unknown as number } },
				},
			});
			assert.equal(inputs("staging-jump").vcpus, 4);
			// Mocks see a secret in its wrapping.
			assert.equal((inputs("staging-jump").description as { value: string }).value, "hunter2");
		} finally {
			pulumi.runtime.setAllConfig({}, []);
		}
	});

	it("makes nothing of a definition in which anything is wrong", async () => {
		const registered: Registered[] = [];
		await assert.rejects(
			async () => {
				registered.push(
					...(await registeredBy(
						() => new Environment("staging", { definition: { ...DEFINITION, hosts: { main: { uri: "main" } } } }),
					)),
				);
			},
			(error: Error) =>
				pulumi.RunError.isInstance(error) &&
				error.message ===
					'Environment staging: 1 problem\n  hosts.main.uri: got "main"; allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system',
		);
		assert.deepEqual(registered, []);
	});
});

async function registeredIn(program: () => unknown) {
	const registered = await registeredBy(program);
	return { inputs: (name: string) => registered.find((resource) => resource.name === name)!.inputs };
}
