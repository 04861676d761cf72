import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Project, repository } from "../../tools/pulumi/project";

describe("an operation that is ended", function () {
	this.timeout(400_000);
	let project: Project;
	let running: ChildProcess | undefined;

	before(async () => {
		project = await Project.start({ program: "test/e2e/fixtures/ended" });
		await project.up();
	});
	afterEach(() => {
		if (running?.exitCode === null && running.signalCode === null) process.kill(-running.pid!, "SIGKILL");
	});
	after(async () => {
		await project?.remove();
	});

	const path = (name: string) => join(project.directory, name);
	const settings = () => readFile(path("Pulumi.dev.yaml"), "utf8");
	const trigger = async () =>
		(await project.state()).deployment.resources!.find(({ urn }) => urn.endsWith("::desk-ann"))!.outputs.trigger;
	const isThere = (name: string) =>
		access(path(name)).then(
			() => true,
			() => false,
		);

	/** In a process group of its own, as a shell starts it. */
	function reset() {
		const main = join(repository, "dist/cli/main.js");
		const argv = [main, "fork", "reset", "desk", "ann", "--stack", "dev", "--yes"];
		const child = spawn(process.execPath, argv, {
			cwd: project.directory,
			env: project.env,
			detached: true,
			stdio: ["ignore", "ignore", "pipe"],
		});
		running = child;
		let stderr = "";
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			stderr += text;
		});
		const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stderr }));
		const until = async (name: string) => {
			while (!(await isThere(name))) {
				assert.equal(child.exitCode ?? child.signalCode, null, stderr);
				await sleep(50);
			}
		};
		return { pid: child.pid!, ended, until };
	}

	it("before it has changed anything, by Ctrl-C of which Pulumi did not hear, changes nothing", async () => {
		const before = await settings();
		await rm(path("previewed"));
		const { pid, ended, until } = reset();
		await until("previewed");
		process.kill(pid, "SIGINT");
		assert.deepEqual(await ended, { code: 1, signal: null, stderr: "ended by SIGINT\n" });
		assert.equal(await settings(), before);
		assert.equal(await isThere("began"), false);
	});

	it("by Ctrl-C in the middle finishes what has begun, leaves no lock, and says what carries on", async () => {
		const { pid, ended, until } = reset();
		await until("began");
		process.kill(-pid, "SIGINT");
		await writeFile(path("go"), "");
		const { code, signal, stderr } = await ended;
		assert.equal(signal, null, stderr);
		if (code !== 0) assert.match(stderr, /The configuration of dev says what was asked for .*; pulumi up carries on\./);
		assert.deepEqual(await readdir(path("../state/.pulumi/locks/organization/ended/dev")).catch(() => []), []);
		const asked = /resetTrigger: "(.*)"/.exec(await settings())![1];
		assert.equal(await trigger(), asked);
		await project.preview(["--expect-no-changes"]);
	});
});
