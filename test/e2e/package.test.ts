import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";
import { installed, type Packed, pack } from "./packed";

const run = promisify(execFile);

describe("the npm package", function () {
	this.timeout(300_000);
	let directory: string;
	let project: string;
	let packed: Packed;

	before(async () => {
		directory = await mkdtemp(join(tmpdir(), "clones-package-"));
		project = join(directory, "project");
		packed = await pack(directory);
		await installed(packed, project);
	});
	after(() => rm(directory, { recursive: true, force: true }));

	it("holds what a user needs, and no others: what was compiled from today's sources, and the guides", async () => {
		const sources = ["index.ts"];
		for (const folder of ["cli", "components", "environment", "operations", "provider"]) {
			sources.push(...(await below(folder, ".ts")));
		}
		const stems = sources.map((file) => `dist/${file.slice(0, -".ts".length)}`);
		const expected = [
			...stems.flatMap((stem) => [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`]),
			...(await below("docs", ".md")),
			...(await below("guest", "")),
			...(await below("cli/edit/page", "")),
			...["README.md", "CHANGELOG.md", "LICENSE", "package.json", "environment/environment.schema.json"],
		];
		assert.deepEqual(packed.files.toSorted(), expected.toSorted());
	});

	it("is small, and grows by nobody's mistake", () => {
		// A little more than all components with their guides come to; source maps are half of it.
		assert.ok(packed.size < 2_200_000, `${packed.size} bytes`);
		assert.ok(packed.unpackedSize < 8_400_000, `${packed.unpackedSize} bytes unpacked`);
	});

	it("has source maps that hold their sources, so that they point at nothing that is not there", async () => {
		const folder = join(project, "node_modules/pulumi-libvirt-clones");
		for (const file of packed.files.filter((name) => name.endsWith(".map"))) {
			const map = JSON.parse(await readFile(join(folder, file), "utf8"));
			assert.deepEqual([file, map.sourcesContent?.length], [file, map.sources.length]);
		}
	});

	it("is found by each path that it exports, with require and with import", async () => {
		const { exports } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
		const names = Object.keys(exports).map((path) => `pulumi-libvirt-clones${path.slice(1)}`);
		assert.ok(names.length >= 4);
		for (const name of names) {
			const attributes = name.endsWith(".json") ? ', { with: { type: "json" } }' : "";
			await node(`if (!require("${name}")) process.exit(3);`);
			await node(`const found = await import("${name}"${attributes}); if (!found) process.exit(3);`, "module");
		}
		await assert.rejects(node('require("pulumi-libvirt-clones/dist/index.js")'), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
	});

	it("exports the same names to ECMAScript modules as to CommonJS", async () => {
		const script = (
			load: string,
		) => `console.log(Object.keys(${load}).filter((name) => !/^(__esModule|default|module.exports)$/
			.test(name)).sort().join(" "))`;
		const required = await node(script('require("pulumi-libvirt-clones")'));
		assert.match(required, /\bDomain\b.*\bEnvironment\b.*\bThinClonePool\b/);
		assert.equal(await node(script('(await import("pulumi-libvirt-clones"))'), "module"), required);
	});

	it("loads its provider and its libvirt worker", async () => {
		const found = await node(`
			const provider = require("pulumi-libvirt-clones/provider");
			provider.Network.read("00000000-0000-0000-0000-000000000001", { uri: "test:///default", ownerId: "o/p/s/n", name: "none" })
				.then((found) => console.log(JSON.stringify(found)));`);
		assert.equal(found, '{"id":"","props":{}}');
	});

	it("brings SQLite for identity pools, and loads no library of a store before one is opened", async () => {
		const found = await node(`
			const provider = require.resolve("pulumi-libvirt-clones/provider");
			require(provider);
			const loaded = () => Object.keys(require.cache).some((file) => /node_modules.(better-sqlite3|pg)/.test(file));
			const before = loaded();
			const { openSqliteStore } = require(require("node:path").join(provider, "../identity/store/sqlite"));
			openSqliteStore({ path: ${JSON.stringify(join(directory, "identities.db"))}, libraries: ["better-sqlite3"] })
				.then((store) => console.log(before, loaded(), store.kind));`);
		assert.equal(found, "false true sqlite");
	});

	it("has a command line that runs, by a short name as well", async () => {
		for (const name of ["pulumi-libvirt-clones", "libvirt-clones"]) {
			const help = await run("npx", ["--no", "--", name, "--help"], { cwd: project });
			assert.match(help.stdout, /usage: pulumi-libvirt-clones sweep/);
		}
	});

	describe("has types that a strict program compiles with", () => {
		before(async () => {
			await cp(join(repository, "examples/quick-start/index.ts"), join(project, "index.ts"));
			await cp(join(repository, "examples/quick-start/index.ts"), join(project, "module.mts"));
			await cp(join(repository, "test/types/public-api.ts"), join(project, "public-api.ts"));
			await writeFile(
				join(project, "provider.ts"),
				'import * as provider from "pulumi-libvirt-clones/provider";\nexport const { create } = provider.Domain;\n',
			);
			await writeFile(
				join(project, "operator.ts"),
				`import { type Outcome, powerResetChildren } from "pulumi-libvirt-clones/operations";
				export const reset = (): Promise<Outcome> => powerResetChildren({ stack: "dev", set: "desk", children: ["ann"] });`,
			);
		});

		for (const [what, options, files] of [
			["as CommonJS", { module: "node16" }, ["index.ts", "public-api.ts", "provider.ts", "operator.ts"]],
			[
				"as an ECMAScript module",
				{ module: "nodenext", exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
				["module.mts", "public-api.ts", "provider.ts", "operator.ts"],
			],
			// What `pulumi new typescript` sets.
			[
				"as new projects of Pulumi are set up",
				{ module: "commonjs", moduleResolution: "node" },
				["index.ts", "operator.ts"],
			],
		] as const) {
			it(what, async () => {
				const compilerOptions = { strict: true, noEmit: true, target: "es2022", types: ["node"], ...options };
				await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
				const { stdout } = await run("npx", ["tsc", "-p", ".", "--pretty", "false"], { cwd: project }).catch(
					(error) => error,
				);
				// Other packages' declarations are theirs to keep right.
				const ours = stdout.split("\n").filter((line: string) => /^\S/.test(line) && !isForeign(line));
				assert.deepEqual(ours, []);
			});
		}
	});

	function isForeign(line: string): boolean {
		return line.startsWith("node_modules/") && !line.startsWith("node_modules/pulumi-libvirt-clones/");
	}

	/** Runs a program in the project. @returns what it printed, trimmed */
	async function node(program: string, type = "commonjs"): Promise<string> {
		const args = [`--input-type=${type}`, "--no-warnings", "-e", program];
		return (await run(process.execPath, args, { cwd: project })).stdout.trim();
	}
});

/** Files of the repository below a folder, by their paths. */
async function below(folder: string, ending: string): Promise<string[]> {
	const entries = await readdir(join(repository, folder), { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
	return files.map((entry) => relative(repository, join(entry.parentPath, entry.name)));
}
