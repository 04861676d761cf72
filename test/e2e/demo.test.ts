import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";
import { listTestHosts } from "../../tools/testhost";

const run = promisify(execFile);
const demo = (...args: string[]) => run("node", [join(repository, "dist/tools/demo/main.js"), ...args]);

describe("the demo", function () {
	this.timeout(200_000);

	it("makes machines, shows them in a table, and removes them", async () => {
		const { stdout } = await demo("--machines", "1");
		assert.match(stdout, /machine +address +MAC +disk +define +start +first guest action/);
		assert.match(stdout, /web-0 +192\.168\.150\.\d+ +52(:[0-9a-f]{2}){5} +\d+ ms +\d+ ms +\d+ ms +\d+ ms/);
		assert.match(stdout, /a second preview shows no change/);
		assert.ok(!listTestHosts().some(({ name }) => name === "demo"));
	});

	it("refuses what it does not understand, and tells what it does", async () => {
		const refused = await demo("--machines", "0").catch((error) => error);
		assert.match(refused.stderr, /--machines: got "0"; allowed is a number from 1 to 9999/);
		const nothing = await mkdtemp(join(tmpdir(), "clones-demo-"));
		const env = { ...process.env, CLONES_CACHE: nothing };
		const destroy = run("node", [join(repository, "dist/tools/demo/main.js"), "--destroy"], { env });
		await assert.rejects(destroy, /No demo was kept/);
		await rm(nothing, { recursive: true });
		assert.match((await demo("--help")).stdout, /usage: npm run demo/);
	});
});
