import assert from "node:assert/strict";
import type { ForkedChild, TemplateNode } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/template-tree", function () {
	this.timeout(400_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "examples/template-tree", config: { shops: "berlin" } });
	});
	after(() => bench?.stop());

	const outputs = () => bench.project.outputs<{ machines: ForkedChild[]; templates: TemplateNode[]; tree: string }>();
	const parentOf = async (machine: string) => {
		const disk = (await bench.host.virsh("domblklist", machine, "--details")).match(/\S+\.qcow2/)![0];
		return (await bench.host.exec("qemu-img", ["info", "-U", disk])).stdout.match(/backing file: (\S+)/)![1];
	};

	it("says in a preview what each set goes on from, and why", async () => {
		const { stdout } = await bench.project.preview(["--diff"]);
		assert.match(stdout, /sets\.berlin: goes on from web \(level 2\), the nearest; left: 1 command and 1 file/);
		assert.match(stdout, /asked for once, and keepAfter is 2/);
	});

	it("keeps no template for what is asked for once: the rest is done in the machine", async () => {
		await bench.project.up();
		const { machines, templates, tree } = await outputs();
		assert.deepEqual(
			templates.map(({ name, level, parent, sets }) => [name, level, parent, sets]),
			[
				["base", 1, undefined, []],
				["web", 2, "base", ["berlin"]],
			],
		);
		assert.match(
			tree,
			/^micro\n└── base [0-9a-f-]{36} {2}adds nothing\n {4}└── web [0-9a-f-]{36} {2}adds 1 command, 1 service/,
		);
		assert.equal(machines[0]!.verified!.hostname, "apps-berlin-0");
		const said = await inGuest(bench.host, "apps-berlin-0", "cat /run/shop; wget -q -O - http://127.0.0.1/goods");
		assert.deepEqual(said.split("\n"), ["sold by", "apps-berlin-0", "plums", "pears", "apples"]);
	});

	it("makes a template of the third level once the same is asked for again, and leaves what there is", async () => {
		const [before] = (await outputs()).machines;
		await bench.project.setConfig("shops", "berlin,paris");
		const preview = await bench.project.preview(["--diff"]);
		assert.match(
			preview.stdout,
			/templates\.apps-[0-9a-f]{8}: .*made by itself, of web, and 1 command and 1 file more/,
		);
		assert.match(
			preview.stdout,
			/sets\.paris: .*goes on from apps-[0-9a-f]{8} \(level 3\), which has all that is asked for/,
		);
		// The template, and of the set itself, its disk and its machine.
		assert.deepEqual([preview.changes.create, preview.changes.update, preview.changes.replace], [4, 1, undefined]);
		await bench.project.up();
		const { machines, templates } = await outputs();
		const [, web, own] = templates;
		assert.deepEqual(
			{ ...own, name: "", uuid: "" },
			{
				name: "",
				uuid: "",
				image: "micro",
				parent: "web",
				lineage: ["base", "web", own!.name],
				level: 3,
				origin: "automatic",
				adds: "1 command and 1 file",
				asked: 2,
				sets: ["paris"],
			},
		);
		assert.deepEqual(machines[0], before);
		assert.ok((await parentOf("apps-paris-0"))!.includes(own!.name));
		assert.ok((await parentOf("apps-berlin-0"))!.includes(`/apps-${web!.name}`));
		// Done in the template, before it was somebody.
		const said = await inGuest(bench.host, "apps-paris-0", "cat /run/shop; wget -q -O - http://127.0.0.1/goods");
		assert.deepEqual(said.split("\n"), ["sold by", own!.name, "plums", "pears", "apples"]);
	});

	it("shows no change afterwards, nor after a refresh", async () => {
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("keeps the template when nothing goes on from it, for the next one that asks", async () => {
		await bench.project.setConfig("shops", "rome");
		await bench.project.up();
		const { machines, templates } = await outputs();
		assert.deepEqual(
			machines.map(({ name }) => name),
			["apps-rome-0"],
		);
		assert.deepEqual([templates[2]!.asked, templates[2]!.sets], [3, ["rome"]]);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
