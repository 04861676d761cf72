import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";

const run = promisify(execFile);

describe("the npm package", function () {
	this.timeout(300_000);
	let directory: string;
	let files: string[];

	before(async () => {
		directory = await mkdtemp(join(tmpdir(), "clones-package-"));
		const packed = await run("npm", ["pack", "--json", "--pack-destination", directory], { cwd: repository });
		const [{ filename, files: listed }] = JSON.parse(packed.stdout);
		files = listed.map(({ path }: { path: string }) => path);
		const versions = JSON.parse(await readFile(join(repository, "package.json"), "utf8")).devDependencies;
		await mkdir(join(directory, "project"));
		await writeFile(
			join(directory, "project/package.json"),
			JSON.stringify({
				private: true,
				main: "index.ts",
				dependencies: {
					"pulumi-libvirt-clones": `file:../${filename}`,
					...Object.fromEntries(
						["@pulumi/pulumi", "typescript", "ts-node", "@types/node"].map((name) => [name, versions[name]]),
					),
				},
			}),
		);
		await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], { cwd: join(directory, "project") });
	});
	after(() => rm(directory, { recursive: true, force: true }));

	it("holds what a user needs, and no tests or tools", () => {
		for (const needed of ["dist/index.js", "dist/index.d.ts", "dist/provider/index.js", "README.md", "LICENSE"]) {
			assert.ok(files.includes(needed), `${needed} is missing`);
		}
		assert.ok(files.includes("environment/environment.schema.json"));
		const strange = files.filter(
			(file) => /^(dist\/)?(test|tools|bench|examples)\//.test(file) || file.endsWith(".tsbuildinfo"),
		);
		assert.deepEqual(strange, []);
	});

	it("loads, with its provider, its libvirt worker and its command line", async () => {
		const project = join(directory, "project");
		const program = `
			const clones = require("pulumi-libvirt-clones");
			const provider = require("pulumi-libvirt-clones/provider");
			if (typeof clones.ThinClonePool !== "function" || typeof provider.Domain.create !== "function") process.exit(3);
			provider.StoragePool.read("none", { uri: "test:///default", ownerId: "o/p/s/n", name: "none", path: "/none", uuid: "00000000-0000-0000-0000-000000000001" })
				.then((found) => console.log(JSON.stringify(found)));`;
		assert.equal((await run("node", ["-e", program], { cwd: project })).stdout.trim(), '{"id":"","props":{}}');
		const help = await run("npx", ["pulumi-libvirt-clones", "--help"], { cwd: project });
		assert.match(help.stdout, /usage: pulumi-libvirt-clones sweep/);
	});

	it("has types that a strict program compiles with", async () => {
		const project = join(directory, "project");
		await cp(join(repository, "examples/quick-start/index.ts"), join(project, "index.ts"));
		await cp(join(repository, "test/types/public-api.ts"), join(project, "public-api.ts"));
		await writeFile(
			join(project, "tsconfig.json"),
			JSON.stringify({
				compilerOptions: {
					strict: true,
					noEmit: true,
					module: "node16",
					moduleResolution: "node16",
					target: "es2022",
					types: ["node"],
				},
			}),
		);
		await run("npx", ["tsc", "-p", "."], { cwd: project }).catch((error) => assert.fail(error.stdout));
	});
});
