import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../tools/cache";
import { ensureNode, type NodeLine } from "../../tools/node";
import { Project, type StoredResource } from "../../tools/pulumi/project";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { installed, pack } from "./packed";

const run = promisify(execFile);

/** The oldest SDK that the package names, the last for Node.js 20, and a new one; each takes over the last one's stack. */
const LINES: ReadonlyArray<{ node: NodeLine; sdk: string }> = [
	{ node: 20, sdk: "3.200.0" },
	{ node: 20, sdk: "3.248.0" },
	{ node: 22, sdk: "3.270.0" },
];

describe("the npm package, installed in an empty project", function () {
	this.timeout(400_000);
	let directory: string;
	let host: TestHost;
	let project: Project;
	/** Of every line, what the engine has recorded of the inputs. */
	const recorded: Array<Record<string, unknown>> = [];

	before(async () => {
		directory = await mkdtemp(join(tmpdir(), "clones-package-"));
		const packed = await pack(directory);
		await Promise.all([
			...LINES.map(({ sdk }) => installed(packed, join(directory, sdk), sdk)),
			...LINES.map(({ node }) => node).map(ensureNode),
		]);
		host = await startTestHost();
		project = await Project.start({
			program: "test/e2e/fixtures/package",
			modules: join(directory, LINES[0]!.sdk, "node_modules"),
			config: { poolPath: join(host.poolDirectory, "images"), "pulumi-libvirt-clones:uri": host.uri },
		});
	});
	after(async () => {
		await project?.remove();
		await host?.stop();
		await rm(directory, { recursive: true, force: true });
	});

	for (const [index, line] of LINES.entries()) {
		describe(`with Node.js ${line.node} and @pulumi/pulumi ${line.sdk}`, () => {
			before(async () => {
				project = await on(line);
			});

			it("runs on that", async () => {
				const asked = 'console.log(process.versions.node, require("@pulumi/pulumi/package.json").version)';
				const { stdout } = await run("node", ["-e", asked], { cwd: project.directory, env: project.env });
				assert.match(stdout, new RegExp(`^${line.node}\\.\\S+ ${line.sdk}\n$`));
			});

			if (index > 0) {
				it("finds nothing to change in what was made with the line before, and destroys it", async () => {
					await project.must(["preview", "--expect-no-changes"]);
					await project.destroy();
				});
			}

			it("previews and makes machines, and finds nothing to change then", async () => {
				const { changes } = await project.preview();
				assert.equal(changes.create, 9);
				await project.up();
				assert.equal(await host.virsh("list", "--all", "--name"), "machine-0");
				await project.must(["preview", "--expect-no-changes"]);
			});

			it("registers resources in the one form that providers of all lines are found by", async () => {
				const resources = ((await project.state()).deployment.resources ?? []).filter(({ id }) => id);
				recorded.push(Object.fromEntries(resources.map(({ urn, inputs }) => [urn, shown(inputs)])));
				assert.deepEqual(inputsOf(resources, "images"), {
					__provider: 'exports.handler=()=>require("pulumi-libvirt-clones/provider").StoragePool;',
					name: "images",
					ownerId: "organization/package/dev/images",
					path: join(host.poolDirectory, "images"),
					uri: host.uri,
				});
				const pool = resources.find(({ urn }) => urn.endsWith("::images"))!;
				assert.equal(pool.type, "pulumi-nodejs:dynamic/clones:StoragePool");
				// A provider gets the text from what was recorded when there is no program, as in a destroy.
				assert.equal(pool.outputs.__provider, pool.inputs.__provider);
				const seed = resources.find(({ urn }) => urn.endsWith("::machine-0-seed"))!;
				assert.match(
					JSON.stringify([seed.inputs.source, seed.outputs.source]),
					/^(?!.*bin\/sh).*ciphertext.*ciphertext/,
				);
				assert.deepEqual(recorded.at(-1), recorded[0]);
			});
		});
	}

	describe("with what the last line made", () => {
		it("serves a program that is an ECMAScript module", async () => {
			const options = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--outDir", project.directory];
			const modules = join(directory, LINES.at(-1)!.sdk);
			await writeFile(
				join(project.directory, "package.json"),
				'{ "name": "package", "type": "module", "main": "index.js" }',
			);
			const tsc = join(modules, "node_modules/typescript/bin/tsc");
			await run(process.execPath, [tsc, "--strict", ...options, join(project.directory, "index.ts")]);
			await rm(join(project.directory, "index.ts"));
			await project.must(["preview", "--expect-no-changes"]);
		});

		it("sweeps by its command line, and destroys what was made", async () => {
			const args = ["pulumi-libvirt-clones", "sweep", "--uri", host.uri, "--stack", "organization/package/dev"];
			const { stdout } = await run("npx", args, { cwd: project.directory, env: project.env });
			assert.match(stdout, /would remove domain machine-0/);
			await project.destroy();
			assert.equal(await host.virsh("list", "--all", "--name"), "");
		});
	});

	/** The project as it is with other versions of Node.js and of the SDK. */
	async function on({ node, sdk }: (typeof LINES)[number]): Promise<Project> {
		const link = join(project.directory, "node_modules");
		await rm(link, { force: true });
		await symlink(join(directory, sdk, "node_modules"), link);
		const PATH = [await ensureNode(node), join(cacheDirectory(), "bin"), process.env.PATH].join(delimiter);
		return Project.reopen(project.directory, project.stack, { PATH });
	}

	function inputsOf(resources: StoredResource[], name: string): unknown {
		const { plan: _, ...inputs } = resources.find(({ urn }) => urn.endsWith(`::${name}`))!.inputs;
		return inputs;
	}

	/** Without what is another at each time: cipher texts, the network's UUID and the time of the base. */
	function shown(inputs: object): unknown {
		const text = JSON.stringify(inputs, (key, value) => (["ciphertext", "network"].includes(key) ? "..." : value));
		return JSON.parse(text.replaceAll(/stat:\d+:\d+/g, "stat:..."));
	}
});
