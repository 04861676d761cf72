import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";
import { github, gitlab, runStep, type StepResult, stepsOf } from "./ci-jobs";
import { type Bench, leftOn, startBench } from "./hosts";
import { holds } from "./watch";

const run = promisify(execFile);

const PASSWORD = "wK9fTq3zLm";

describe("examples/ci", function () {
	this.timeout(200_000);
	/** HOME of the jobs. */
	let home: string;

	before(async () => {
		home = await mkdtemp(join(tmpdir(), "clones-ci-"));
	});
	after(() => rm(home, { recursive: true, force: true }));

	describe("the workflow of GitHub Actions", () => {
		it("previews pull requests that may see secrets, and runs what is merged", () => {
			assert.deepEqual(Object.keys(github.on), ["pull_request", "push"]);
			assert.deepEqual(github.on.push, { branches: ["main"] });
			assert.deepEqual(github.permissions, { contents: "read" });
			assert.match(github.jobs.preview.if, /^github\.event_name == 'pull_request' && .*head\.repo\.full_name ==/);
			assert.equal(github.jobs.up.if, "github.event_name == 'push'");
			assert.equal(github.jobs.up.environment, "production");
		});

		it("never has two runs of up at a time, and stops none", () => {
			assert.deepEqual(github.jobs.up.concurrency, { group: "up-production", "cancel-in-progress": false });
			assert.match(github.jobs.preview.concurrency.group, /github\.ref/);
		});

		it("gives the key of the host to the step that installs it, and to no other", () => {
			for (const { steps } of Object.values(github.jobs)) {
				assert.deepEqual(
					steps.map(({ uses, run: line, env }) => [uses ?? line, Object.keys(env ?? {})]),
					[
						["actions/checkout@v6", []],
						["actions/setup-node@v6", []],
						["./ci.sh install", ["SSH_PRIVATE_KEY", "SSH_KNOWN_HOSTS"]],
						[steps[3]!.run, []],
					],
				);
			}
		});
	});

	describe("the pipeline of GitLab", () => {
		it("previews merge requests, and runs what is merged", () => {
			assert.deepEqual(gitlab.default, { image: "node:22-bookworm", before_script: ["./ci.sh install"] });
			assert.deepEqual(gitlab.preview.rules, [{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }]);
			assert.deepEqual(gitlab.up.rules, [
				{ if: '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH' },
			]);
			assert.equal(gitlab.up.environment, "production");
		});

		it("never has two runs of up at a time, and stops none", () => {
			assert.deepEqual([gitlab.up.resource_group, gitlab.up.interruptible], ["production", false]);
		});

		it("shows report and numbers in the merge request, also of a preview that failed", () => {
			assert.deepEqual(gitlab.preview.artifacts, {
				when: "always",
				access: "developer",
				expire_in: "1 month",
				expose_as: "Preview of the machines",
				paths: ["report/preview.md"],
				reports: { terraform: "report/changes.json" },
			});
		});
	});

	describe("ci.sh install", () => {
		it("installs packages that exist, the Pulumi CLI that the tests use, and what the lock file says", async () => {
			const { calls } = await install({});
			const packages = ["ca-certificates", "curl", "libvirt0", "openssh-client"];
			const pinned = /pinnedVersion = "(.*)"/.exec(
				await readFile(join(repository, "tools/setup/paths.mjs"), "utf8"),
			)![1]!;
			assert.deepEqual(calls, [
				"apt-get update -qq",
				`apt-get install -y -qq --no-install-recommends ${packages.join(" ")}`,
				"curl -fsSL -o FILE https://get.pulumi.com",
				`installer --version ${pinned}`,
				"npm ci --no-audit --no-fund",
			]);
			const { stdout } = await run("apt-cache", ["--names-only", "search", `^(${packages.join("|")})$`]);
			assert.equal(stdout.trim().split("\n").length, packages.length, stdout);
		});

		it("puts the host's keys where ssh finds them and nobody else, and shows none", async () => {
			const { stdout, stderr } = await install({ SSH_PRIVATE_KEY: "the\r\nkey", SSH_KNOWN_HOSTS: "hypervisor-1 key" });
			const key = join(home, ".ssh/id_libvirt");
			assert.equal(await readFile(key, "utf8"), "the\nkey\n");
			assert.equal((await stat(key)).mode & 0o777, 0o600);
			assert.equal(await readFile(join(home, ".ssh/known_hosts"), "utf8"), "hypervisor-1 key\n");
			const { stdout: settings } = await run("ssh", ["-G", "-F", join(home, ".ssh/config"), "hypervisor-1"]);
			assert.match(settings, /^batchmode yes$/m);
			assert.match(settings, /^identityfile ~\/\.ssh\/id_libvirt$/m);
			assert.equal(stdout + stderr, "");
		});

		it("stops where something cannot be installed", async () => {
			for (const failing of ["apt-get", "curl", "installer", "npm"]) {
				assert.equal((await install({ FAILING: failing })).code, 7, failing);
			}
		});

		/** Runs it with commands on PATH that only write down how they were called. */
		async function install(env: Record<string, string>): Promise<StepResult & { calls: string[] }> {
			const bin = join(home, "bin");
			const log = join(home, "calls");
			await mkdir(bin, { recursive: true });
			await writeFile(log, "");
			const noted = (name: string) => `echo "${name} $*" >>"${log}"; [ "$FAILING" != ${name} ] || exit 7`;
			const download = `printf '%s\\n' '${noted("installer")}' >"$3"`;
			for (const [name, body] of Object.entries({
				"apt-get": noted("apt-get"),
				npm: noted("npm"),
				sudo: '"$@"',
				curl: `${noted("curl")}; ${download}`,
			})) {
				await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`);
				await chmod(join(bin, name), 0o755);
			}
			const step = { shell: ["bash", "-e", "-c"], line: gitlab.default.before_script.join("\n"), env };
			const PATH = [bin, process.env.PATH].join(delimiter);
			const result = await runStep(step, join(repository, "examples/ci"), { PATH, HOME: home });
			const calls = (await readFile(log, "utf8")).trim().split("\n");
			return { ...result, calls: calls.map((line) => line.replace(/-o \S+/, "-o FILE")) };
		}
	});

	describe("the steps of the jobs, run as the CI systems run them", () => {
		let bench: Bench;
		let summary: string;

		before(async () => {
			bench = await startBench({
				program: "examples/ci",
				stack: github.env.STACK!,
				secrets: { password: PASSWORD },
			});
			summary = join(home, "summary.md");
		});
		after(() => bench?.stop());

		it("preview: shows what would be made, in the log and in the summary of the job", async () => {
			const { code, stdout } = await job("preview", "github");
			assert.equal(code, 0);
			assert.match(stdout, /\+ pulumi-nodejs:dynamic\/clones:Domain: \(create\)/);
			assert.match(stdout, /\+ 8 to create/);
			const shown = await readFile(summary, "utf8");
			assert.match(shown, /^### Preview of production\n~~~~~~~~text\n[\s\S]*\n~~~~~~~~\n$/);
			assert.ok(shown.includes(stdout.trim()));
		});

		it("up: makes it", async () => {
			const { code, stdout } = await job("up", "github");
			assert.equal(code, 0, stdout);
			assert.match(stdout, /\+ 8 created/);
			assert.equal(await bench.host.virsh("domstate", "machine-0"), "running");
		});

		it("preview: tells what a change does to the machine that runs, and gives the numbers of changes", async () => {
			await bench.project.setConfig("memoryMiB", "192");
			await bench.project.setConfig("machines", "2");
			const { code, stdout } = await job("preview", "gitlab");
			assert.equal(code, 0, stdout);
			assert.match(stdout, /~ memoryMiB *: 128 => 192/);
			assert.match(stdout, /memoryMiB: restart: beyond the 128 MiB that the machine was started with/);
			assert.deepEqual(await numbers(), { create: 3, update: 1, delete: 0 });
		});

		it("preview: says that the host is not to be reached, and does not fail", async () => {
			await bench.host.killLibvirtd();
			const { code, stdout } = await job("preview", "github");
			await bench.host.startLibvirtd();
			assert.equal(code, 0, stdout);
			assert.match(stdout, /the host could not be looked at: cannot connect to/);
		});

		it("preview: shows no secret when one is changed, and cuts a report that is too long at the end of a line", async () => {
			await bench.project.must(["config", "set", "--secret", "password", "--", `${PASSWORD}2`]);
			const { code, stdout } = await job("preview", "github", { REPORT_BYTES: "2000" });
			assert.equal(code, 0, stdout);
			assert.match(stdout, /\[secret\]/);
			assert.match(stdout, /\+-1 to replace/);
			assert.deepEqual(await numbers(), { create: 4, update: 1, delete: 1 });
			const lines = (await readFile(summary, "utf8")).trimEnd().split("\n");
			assert.equal(lines.at(-2), "... cut here: the log of the job has the rest");
			const kept = lines.slice(2, -2);
			assert.ok(kept.length > 10);
			assert.ok(kept.join("\n").length < 2000);
			assert.deepEqual(kept, stdout.split("\n").slice(0, kept.length));
		});

		it("up: does what was previewed", async () => {
			const { code, stdout } = await job("up", "gitlab");
			assert.equal(code, 0, stdout);
			assert.match(stdout, /Resources:\n {4}\+ 3 created\n {4}~ 1 updated\n {4}\+-1 replaced/);
			const again = await job("preview", "gitlab");
			assert.match(again.stdout, /\d+ unchanged/);
			assert.deepEqual(await numbers(), { create: 0, update: 0, delete: 0 });
		});

		it("preview and up: fail where the program does, and the report says why", async () => {
			await bench.project.setConfig("machines", "-1");
			const { code, stdout } = await job("preview", "gitlab");
			assert.notEqual(code, 0);
			assert.match(stdout, /count: got -1/);
			const report = await readFile(join(bench.project.directory, "report/preview.md"), "utf8");
			assert.match(report, /\*\*It failed\.\*\*\n[\s\S]*count: got -1/);
			await assert.rejects(numbers(), /ENOENT/);
			assert.notEqual((await job("up", "github")).code, 0);
		});

		it("leave nothing when all is destroyed", async () => {
			await bench.project.setConfig("machines", "1");
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
		});

		/** Runs the steps of a job, and looks at all that they show. */
		async function job(
			name: "preview" | "up",
			system: "github" | "gitlab",
			env: Record<string, string> = {},
		): Promise<StepResult> {
			await rm(summary, { force: true });
			const ofSystem = system === "github" ? { GITHUB_STEP_SUMMARY: summary } : {};
			const [step, ...more] = stepsOf(name)[system];
			assert.deepEqual(more, []);
			const result = await runStep(step!, bench.project.directory, {
				...bench.project.env,
				HOME: home,
				TERM: "xterm-256color",
				...ofSystem,
				...env,
			});
			const report = await readFile(join(bench.project.directory, "report/preview.md"), "utf8");
			const shown = await readFile(summary, "utf8").catch(() => "");
			assert.equal(shown !== "", system === "github" && name === "preview");
			for (const text of [result.stdout, result.stderr, report, shown]) {
				assert.ok(!holds(text, PASSWORD), "a secret is shown");
				// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
				assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f]/);
				for (const line of text.split("\n")) assert.ok(line.length < 400, `a long line: ${line}`);
			}
			return result;
		}

		async function numbers(): Promise<unknown> {
			return JSON.parse(await readFile(join(bench.project.directory, "report/changes.json"), "utf8"));
		}
	});

	it("has its steps in a script that says how it is used", async () => {
		const usage = await run("bash", [join(repository, "examples/ci/ci.sh")]).catch((error) => error);
		assert.equal(usage.code, 2);
		assert.match(usage.stderr, /ci\.sh install[\s\S]*ci\.sh preview[\s\S]*ci\.sh up/);
	});
});
