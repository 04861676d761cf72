import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../../tools/pulumi/project";
import { type Bench, inGuest, startBench } from "../e2e/hosts";

const FILE = `
stack: dev
intervalSeconds: 2
rules:
  - count: watch:workers
    machines: "worker-*"
    # One that is busy gets what the tests beside it leave.
    above: 5
    forSeconds: 4
    min: 1
    max: 2
    cooldownSeconds: 600
`;

describe("pulumi-libvirt-clones watch", function () {
	this.timeout(300_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/watch", config: { workers: "1" } });
		await bench.project.up();
		await writeFile(join(bench.project.directory, "watch.yaml"), FILE);
	});
	after(() => bench?.stop());

	/** Runs until a line says what is looked for, or the time is over. @returns all that it said */
	async function watched(args: string[], until: RegExp, seconds: number): Promise<string> {
		const { directory, env } = bench.project;
		const command = [join(repository, "dist/cli/main.js"), "watch", "watch.yaml", "--uri", bench.host.uri, ...args];
		const child = spawn(process.execPath, command, { cwd: directory, env, stdio: ["ignore", "pipe", "inherit"] });
		let said = "";
		const ended = new Promise((resolve) => child.on("close", resolve));
		const time = setTimeout(() => child.kill("SIGINT"), seconds * 1000);
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			said += text;
			if (until.test(said)) child.kill("SIGINT");
		});
		await ended;
		clearTimeout(time);
		return said;
	}

	const machines = async () => (await bench.host.virsh("list", "--all", "--name")).split("\n").filter(Boolean).sort();

	it("leaves a stack alone whose machines have nothing to do", async () => {
		const said = await watched(["--yes"], /(guestCpu .*\n.*){4}/, 60);
		assert.match(said, /watching 1 counts of dev/);
		assert.doesNotMatch(said, /1 to 2 machines/);
		assert.deepEqual(await machines(), ["worker-0"]);
	});

	it("tells what it would do about a busy one, and declares and makes one more when it may", async () => {
		await inGuest(bench.host, "worker-0", "(while :; do :; done) > /dev/null 2>&1 &");
		const told = await watched([], /1 to 2 machines/, 60);
		assert.match(told, /nothing is changed without --yes/);
		assert.match(told, /above 5 % for 4 s: 1 to 2 machines/);
		assert.deepEqual(await machines(), ["worker-0"]);

		const done = await watched(["--yes"], /as many as there may be|none for another/, 120);
		assert.match(done, /1 to 2 machines/);
		assert.deepEqual(await machines(), ["worker-0", "worker-1"]);
		assert.equal((await bench.project.must(["config", "get", "workers"])).stdout.trim(), "2");
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("refuses a file that is wrong, and a stack that is not there", async () => {
		const fails = async (text: string, complaint: RegExp) => {
			await writeFile(join(bench.project.directory, "watch.yaml"), text);
			const { directory, env } = bench.project;
			const child = spawn(process.execPath, [join(repository, "dist/cli/main.js"), "watch", "watch.yaml"], {
				cwd: directory,
				env,
			});
			let said = "";
			child.stderr.setEncoding("utf8").on("data", (part: string) => {
				said += part;
			});
			const code = await new Promise((resolve) => child.on("close", resolve));
			assert.notEqual(code, 0);
			assert.match(said, complaint);
		};
		await fails("stack: dev\nrules: []\n", /rules: got \[\]/);
		await fails(FILE.replace("stack: dev", "stack: nobody"), /nobody/);
	});
});
