import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parseTemplate } from "../../../environment/template";
import { argsOf, complaintsOf, loadObject, loadYaml } from "./helpers";

/** Arguments of a domain `web` with these lines in it. */
function webOf(variables: string, lines: string, sources = {}): Record<string, unknown> {
	return argsOf(
		loadYaml(`variables: ${variables}\ncomponents:\n  web:\n    kind: Domain\n    ${lines}\n`, sources),
		"web",
	);
}

async function secretOf(value: unknown): Promise<{ value: unknown; secret: boolean }> {
	assert.ok(pulumi.Output.isInstance(value));
	const output = value as unknown as { promise(): Promise<unknown>; isSecret: Promise<boolean> };
	return { value: await output.promise(), secret: await output.isSecret };
}

describe("variables of a definition", () => {
	it("keep their type alone, and stand in texts", () => {
		assert.deepEqual(
			webOf(
				"{ mem: 256, run: false, n: a b }",
				'memoryMiB: ${mem}\n    running: ${ run }\n    description: "${n}: ${mem}"',
			),
			{
				memoryMiB: 256,
				running: false,
				description: "a b: 256",
			},
		);
	});

	it("may be lists and groups, and refer to each other", () => {
		const variables = '{ disk: { volume: { existing: "/${dir}/a" } }, dir: x, disks: ["${disk}"] }';
		assert.deepEqual(webOf(variables, "disks: ${disks}"), { disks: [{ volume: "/x/a" }] });
	});

	it("are escaped by a second dollar sign", () => {
		assert.deepEqual(webOf("{ a: 1 }", "description: $${a} $$ ${a} $${"), { description: "${a} $$ 1 ${" });
	});

	it("name hosts, things that are referred to, and paths", () => {
		const text = `
variables: { at: main, net: lab }
hosts: { main: { uri: "qemu+ssh://\${at}/system" } }
networks: { lab: { ipv4: 10.0.0.1/24 } }
components: { web: { kind: Domain, host: "\${at}", nics: [{ network: "\${net}" }] } }
`;
		const declarations = loadYaml(text);
		assert.equal(declarations.hosts.get("main"), "qemu+ssh://main/system");
		assert.deepEqual(argsOf(declarations, "web"), { host: "-> main", nics: [{ network: "-> lab" }] });
	});

	it("come from the program over the definition", () => {
		assert.deepEqual(
			webOf("{ mem: 256 }", "memoryMiB: ${mem}\n    vcpus: ${cpus}", { variables: { mem: 64, cpus: 2 } }),
			{
				memoryMiB: 64,
				vcpus: 2,
			},
		);
		const output = pulumi.output(64);
		assert.equal(webOf("{ mem: 256 }", "memoryMiB: ${mem}", { variables: { mem: output } }).memoryMiB, output);
	});

	it("come from the configuration, with a type or a default", () => {
		const config = { machines: "3", run: "true", text: "3" };
		const variables =
			"{ n: { config: machines, type: number }, r: { config: run, default: false }, t: { config: text } }";
		assert.deepEqual(webOf(variables, "vcpus: ${n}\n    running: ${r}\n    description: ${t}", { config }), {
			vcpus: 3,
			running: true,
			description: "3",
		});
		assert.deepEqual(webOf("{ n: { config: machines, default: 2 } }", "vcpus: ${n}"), { vcpus: 2 });
	});

	it("stay secret, alone and inside texts", async () => {
		const config = { password: "hunter2", "secret-by-configuration": "s3cret" };
		const variables = "{ p: { config: password, secret: true }, s: { config: secret-by-configuration } }";
		const { description, consoleLog } = webOf(variables, 'description: "p=${p}"\n    consoleLog: ${s}', { config });
		assert.deepEqual(await secretOf(description), { value: "p=hunter2", secret: true });
		assert.deepEqual(await secretOf(consoleLog), { value: "s3cret", secret: true });
	});

	it("make texts that differ from clone to clone", () => {
		const args = argsOf(
			loadYaml(`
variables: { domain: lab }
components:
  web:
    kind: ThinClonePool
    base: { existing: /images/a }
    pool: { existing: images }
    count: 1
    customize: { hostname: "\${instance.name}.\${domain}" }
`),
			"web",
		) as { customize: { hostname: unknown[] } };
		assert.deepEqual(args.customize.hostname.slice(1), [".", "lab"]);
	});
});

describe("errors in variables", () => {
	const complaints = (variables: string, lines: string, sources = {}): string[] =>
		complaintsOf(() => webOf(variables, lines, sources));

	it("name the place, and the variable that was probably meant", () => {
		assert.deepEqual(complaints("{ memory: 1 }", "memoryMiB: ${memry}\n    description: $HOME ${HOME:-x}"), [
			'clones.yaml:5:16: components.web.memoryMiB: there is no variable "memry"; did you mean "memory"?; for a literal ${ write $${',
			'clones.yaml:6:18: components.web.description: there is no variable "HOME:-x"; declared: memory; for a literal ${ write $${',
		]);
	});

	it("say where a wrong value comes from", () => {
		assert.deepEqual(complaints("{ memory: lots }", "memoryMiB: ${memory}"), [
			'clones.yaml:5:16: components.web.memoryMiB: got "lots"; allowed is a whole number from 1 to 67108864 (from ${memory}, line 1)',
		]);
	});

	it("refuse circles, groups in texts, and instances outside of customisation", () => {
		assert.match(complaints("{ a: '${b}', b: '${a}' }", "description: ${a}")[0]!, /in a circle: a -> b -> a/);
		assert.match(
			complaints("{ a: { b: 1 } }", "description: x${a}")[0]!,
			/\$\{a\} is a group; allowed inside a text are/,
		);
		assert.match(
			complaints("{}", "description: ${instance.name}")[0]!,
			/allowed is it only in what customises each clone/,
		);
	});

	it("tell how to set a configuration that is missing, but only where it is used", () => {
		const variables = "{ a: { config: key }, p: { config: password, secret: true } }";
		assert.deepEqual(complaints(variables, "description: ${p}"), [
			'clones.yaml:1:34: variables.p: configuration "password" is not set; run: pulumi config set --secret password VALUE, or give the variable a default',
		]);
		assert.deepEqual(webOf(variables, "vcpus: 1"), { vcpus: 1 });
	});

	it("refuse configuration of the wrong type, without showing a secret", () => {
		const variables = "{ n: { config: n, type: number }, b: { config: secret-b, type: boolean } }";
		const [first, second] = complaints(variables, "vcpus: ${n}\n    running: ${b}", {
			config: { n: "three", "secret-b": "hunter2" },
		});
		assert.match(first!, /configuration n: got "three"; allowed is a number/);
		assert.match(second!, /configuration secret-b: a secret that is none; allowed is true or false/);
		assert.match(
			complaints("{ n: { config: n, typ: number } }", "vcpus: ${n}")[0]!,
			/no such property; did you mean "type"/,
		);
	});

	it("refuse a secret where the number of resources depends on it", () => {
		const text = `
variables: { n: { config: n, secret: true, type: number } }
components:
  web: { kind: ThinClonePool, base: { existing: /a }, pool: { existing: b }, count: "\${n}" }
`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(text, { config: { n: "3" } })),
			[
				"clones.yaml:4:85: components.web.count: got a secret or an output; allowed is a value that is known from the start",
			],
		);
	});

	it("refuse names that cannot be written", () => {
		assert.match(
			complaintsOf(() => loadObject({ variables: { "a b": 1 } }))[0]!,
			/variables\.a b: got the name "a b"; allowed are/,
		);
	});
});

describe("parseTemplate", () => {
	it("leaves texts without variables alone", () => {
		assert.equal(parseTemplate("a $HOME $(b) {c}"), undefined);
	});
	it("takes an unfinished variable for one that does not exist", () => {
		assert.deepEqual(parseTemplate("a ${b"), [{ text: "a " }, { variable: "b" }]);
	});
});
