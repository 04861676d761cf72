import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { declaredBy } from "../../cli/watch";
import { forksIn } from "../../operations/settings";
import { Project } from "../../tools/pulumi/project";

describe("counts that watch changes", function () {
	this.timeout(120_000);
	let project: Project;
	const environment = { ...process.env };

	before(async () => {
		project = await Project.start({ program: "test/e2e/fixtures/watch", config: { nodes: "2" } });
		Object.assign(process.env, project.env);
	});
	after(async () => {
		for (const key of Object.keys(process.env)) if (!(key in environment)) delete process.env[key];
		Object.assign(process.env, environment);
		await project?.remove();
	});

	it("are keys of the program, or those of sets beside what else is said of these", async () => {
		const stack = await declaredBy({ project: project.directory, stack: project.stack }, () => {});
		const own = "nodes";
		assert.equal(await stack.count(own), 2);
		await stack.declare(own, 3);
		assert.equal(await stack.count(own), 3);

		const ofSet = "pulumi-libvirt-clones:forks.web.count";
		await assert.rejects(stack.count(ofSet), /not found/);
		await project.must(["config", "set", "--path", "pulumi-libvirt-clones:forks.web.power", "off"]);
		await project.must(["config", "set", "--path", ofSet, "4"]);
		assert.equal(await stack.count(ofSet), 4);
		await stack.declare(ofSet, 5);
		assert.equal(await stack.count(ofSet), 5);
		const file = join(project.directory, `Pulumi.${project.stack}.yaml`);
		assert.deepEqual(forksIn(file, await readFile(file, "utf8")), { web: { count: 5, power: "off" } });
	});
});
