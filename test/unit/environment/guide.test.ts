import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { complaintsOf, loadYaml } from "./helpers";

const guide = readFileSync(join(__dirname, "../../../../docs/environments.md"), "utf8");
const blocks = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!);
const complete = blocks.find((text) => text.startsWith("# yaml-language-server"))!;

describe("docs/environments.md", () => {
	it("shows a definition that works", () => {
		assert.equal(loadYaml(complete).all.length, 4);
	});

	it("shows variables and stacks that work", () => {
		const base = complete.replace(/components:.*/s, "");
		const variables = blocks.find((text) => text.startsWith("variables:"))!;
		const config = { dbPassword: "x" };
		assert.equal(loadYaml(base + variables, { config }).all.length, 4);
		const stacks = blocks.find((text) => text.startsWith("stacks:"))!;
		const jump = "  jump: { kind: Domain }\n";
		assert.equal(loadYaml(base + variables + jump + stacks, { config, stack: "prod" }).all.length, 4);
		assert.equal(loadYaml(base + variables + jump + stacks, { config }).all.length, 5);
	});

	it("shows errors as they are", () => {
		const wrong = complete.replace("network: lab", "network: lap").replace("memoryMiB: 512", "memoryMiB: lots");
		for (const line of complaintsOf(() => loadYaml(wrong))) assert.ok(guide.includes(line), line);
	});
});
