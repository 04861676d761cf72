import assert from "node:assert/strict";
import { Project } from "../../tools/pulumi/project";
import { type Bench, leftOn, startBench } from "./hosts";

const PROGRAM = "test/e2e/fixtures/at-once";

/** Several runs on one host at the same time. */
describe("runs at the same time", function () {
	this.timeout(300_000);
	let bench: Bench;
	let other: Project;

	before(async () => {
		bench = await startBench({ program: PROGRAM, stack: "one" });
		other = await neighbour("two");
	});
	after(async () => {
		await other?.remove();
		await bench?.stop();
	});

	/** Another user's project of the same program, with a state of its own. */
	async function neighbour(stack: string): Promise<Project> {
		const config = { poolPath: bench.poolPath, "pulumi-libvirt-clones:uri": bench.host.uri };
		return Project.start({ program: PROGRAM, stack, config });
	}

	const up = (project: Project) => project.run(["up", "--yes", "--skip-preview"]);

	it("of stacks that want the same names: each name goes to one of them, and the other is told to which", async () => {
		const [first, second] = await Promise.all([up(bench.project), up(other)]);
		const failed = [first, second].filter(({ code }) => code !== 0);
		assert.ok(failed.length > 0, "both got the names");
		const owner = (result: typeof first) => (result === first ? "two" : "one");
		for (const result of failed) {
			const whose = `belongs to "?organization/at-once/${owner(result)}/`;
			assert.match(result.stdout, new RegExp(`(storage pool "images"|network "lab") exists already .*${whose}`));
		}
		await other.destroy();
		await bench.project.up();
		assert.deepEqual(await machines(), ["web-0", "web-1"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("of stacks that grow in the same pool: each makes its own", async () => {
		await other.setConfig("guest", "app");
		await bench.project.setConfig("machines", "4");
		await other.setConfig("machines", "4");
		const results = await Promise.all([up(bench.project), up(other)]);
		for (const { code, stdout } of results) assert.equal(code, 0, stdout);
		const names = ["app", "web"].flatMap((prefix) => [0, 1, 2, 3].map((index) => `${prefix}-${index}`));
		assert.deepEqual(await machines(), names);
		const disks = (await leftOn(bench)).filter((name) => name.endsWith(".qcow2"));
		assert.equal(disks.length, names.length + 2, disks.join(" "));
		for (const project of [bench.project, other]) await project.preview(["--expect-no-changes"]);
		await other.destroy();
		assert.deepEqual(await machines(), names.slice(4));
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("of the same stack: one runs, the other finds the lock", async () => {
		await bench.project.setConfig("machines", "5");
		const results = await Promise.all([up(bench.project), up(bench.project)]);
		const refused = results.filter(({ code }) => code !== 0);
		assert.ok(refused.length > 0);
		for (const { stderr, stdout } of refused) assert.match(stdout + stderr, /the stack is currently locked by 1 lock/);
		await bench.project.up();
		assert.equal((await machines()).length, 5);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("of stacks of the same name in two backends are one owner: the preview of the second warns of that", async () => {
		const namesake = await neighbour("one");
		try {
			const { stdout } = await namesake.preview();
			// The CLI quotes what it shows of a text.
			const said = stdout.replaceAll("\\", "");
			for (const what of ['the storage pool "images"', 'the network "lab"', "domain web-0"]) {
				assert.ok(said.includes(`warning: ${what} exists already, recorded as this very one`), stdout);
			}
			assert.match(said, /another backend made it/);
		} finally {
			await namesake.remove();
		}
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});

	async function machines(): Promise<string[]> {
		return (await leftOn(bench)).filter((name) => /^(app|web)-\d$/.test(name)).sort();
	}
});
