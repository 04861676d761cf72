import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, leftOn, startBench } from "./hosts";

const TOKEN = "m9-Kq4vT7zR2";
/** In the program, as it is. */
const PASSWORD = "w3-Hn8dL5yB1";

/** Machines without a system: whom the steps are for, and which of them run, is the same. */
describe("a template that is stored", function () {
	this.timeout(600_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/morph-template" });
		await bench.host.exec("mkdir", ["-p", bench.poolPath]);
		await bench.project.edit("note.yaml", "FOLDER", bench.poolPath);
	});
	after(() => bench?.stop());

	const noted = async () => {
		const { uuids } = await bench.project.outputs<{ uuids: string[] }>();
		return Promise.all(uuids.map((uuid) => readFile(join(bench.poolPath, uuid), "utf8").catch(() => "")));
	};
	/** The lines of a preview, put together again. */
	const told = (stdout: string) => stdout.replace(/",?\s+[+~]? *\[\d+\]: " +/g, " ").replace(/\s+/g, " ");
	const stack = async () => {
		const { deployment } = JSON.parse((await bench.project.must(["stack", "export"])).stdout);
		const owner: string = deployment.resources.find((one: { inputs?: object }) => "ownerId" in (one.inputs ?? {}))
			.inputs.ownerId;
		return owner.split("/").slice(0, 3).join("/");
	};
	const commandLine = async (...args: string[]) => {
		const state = join(bench.project.directory, "state.json");
		await writeFile(state, (await bench.project.must(["stack", "export"])).stdout);
		return bench.project.commandLine("morph", ...args, "--stack", await stack(), "--state", state);
	};

	it("is checked before anything is made", async () => {
		await bench.project.edit("note.yaml", "preMigration", "before");
		const { code, stdout } = await bench.project.run(["preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /template note\.yaml: before: there is no such property/);
		await bench.project.edit("note.yaml", "before", "preMigration");
	});

	it("says whom it concerns, and is listed and shown", async () => {
		const { stdout, changes } = await bench.project.preview();
		assert.match(told(stdout), /concerns the next change of one, two;/);
		assert.equal(changes.create, 6);
		await bench.project.up();
		const list = await commandLine("templates");
		assert.match(list.stdout, /^note +1 +one, two$/m);
		const shown = await commandLine("template", "note");
		assert.match(shown.stdout, /^preMigration:\n {2}- kind: hostExec\n {4}exec:/);
		await writeFile(join(bench.project.directory, "shown.yaml"), shown.stdout);
		const checked = await bench.project.commandLine("morph", "check", "shown.yaml");
		assert.match(checked.stdout, /run \["\/bin\/sh"/, checked.stderr);
		const other = await commandLine("template", "not");
		assert.notEqual(other.code, 0);
		assert.match(other.stderr, /no template "not" in the state of .*: note/);
	});

	it("is what machines go by that refer to it, and no other", async () => {
		await bench.project.setConfig("vcpus", "2");
		await bench.project.up();
		assert.deepEqual(await noted(), ["first\n", "first\n", ""]);
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("shows of its change the machines that it concerns, which take it over", async () => {
		await bench.project.edit("note.yaml", "echo first", "echo second");
		const { stdout, changes } = await bench.project.preview(["--diff"]);
		assert.equal(changes.update, 3, stdout);
		assert.match(told(stdout), /steps: live: others in preMigration; concerns the next change of one, two;/);
		await bench.project.up();
		assert.deepEqual(await noted(), ["first\n", "first\n", ""]);
		await bench.project.setConfig("vcpus", "3");
		await bench.project.up();
		assert.deepEqual(await noted(), ["first\nsecond\n", "first\nsecond\n", ""]);
	});

	it("keeps a secret that is in it", async () => {
		await bench.project.must(["config", "set", "--secret", "token", TOKEN]);
		const { stdout } = await bench.project.up();
		await bench.project.setConfig("vcpus", "2");
		const again = await bench.project.up();
		const exported = await bench.project.must(["stack", "export"]);
		for (const text of [stdout, again.stdout, exported.stdout]) {
			for (const secret of [TOKEN, PASSWORD]) assert.ok(!text.includes(secret), "a secret is shown");
		}
		const list = await commandLine("templates");
		assert.match(list.stdout, /^with-a-token +secret +keyed$/m);
		const shown = await commandLine("template", "with-a-token");
		assert.match(shown.stderr, /have secrets.*--show-secrets/);
	});

	it("goes when its machines have taken other steps, and nothing is left", async () => {
		await bench.project.setConfig("inline", "true");
		const { changes } = await bench.project.up();
		assert.equal(changes.delete, 1);
		await bench.project.preview(["--expect-no-changes"]);
		await bench.host.exec("sh", ["-c", 'rm -r "$1"', "sh", bench.poolPath]);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
