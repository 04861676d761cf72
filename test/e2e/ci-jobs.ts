/** The workflow files of examples/ci, read as the CI systems read them, and their steps run as these run them. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repository } from "../../tools/pulumi/project";

export interface GithubJob {
	if: string;
	environment?: string;
	concurrency: { group: string; "cancel-in-progress": boolean };
	steps: Array<{ name?: string; uses?: string; run?: string; env?: Record<string, string> }>;
}

export interface GithubWorkflow {
	on: Record<string, unknown>;
	permissions: Record<string, string>;
	env: Record<string, string>;
	jobs: Record<"preview" | "up", GithubJob>;
}

export interface GitlabJob {
	rules: Array<{ if: string }>;
	script: string[];
	environment?: string;
	resource_group?: string;
	interruptible: boolean;
	artifacts?: Record<string, unknown>;
}

export interface GitlabPipeline extends Record<"preview" | "up", GitlabJob> {
	variables: Record<string, string>;
	default: { image: string; before_script: string[] };
}

const folder = join(repository, "examples/ci");

export const github = parse(readFileSync(join(folder, ".github/workflows/machines.yml"), "utf8")) as GithubWorkflow;
export const gitlab = parse(readFileSync(join(folder, ".gitlab-ci.yml"), "utf8")) as GitlabPipeline;

/** A command line of a job, with what its system sets for it and the shell that its system runs it in. */
export interface Step {
	shell: string[];
	line: string;
	env: Record<string, string>;
}

/** The command lines of a job of both systems, without those that install something. */
export function stepsOf(job: "preview" | "up"): Record<"github" | "gitlab", Step[]> {
	const runs = github.jobs[job].steps.filter(({ name, run }) => run !== undefined && name !== "Install");
	return {
		github: runs.map(({ run, env }) => ({
			shell: ["bash", "-e", "-c"],
			line: run!,
			env: plain({ ...github.env, ...env }),
		})),
		gitlab: [{ shell: ["bash", "-eo", "pipefail", "-c"], line: gitlab[job].script.join("\n"), env: gitlab.variables }],
	};
}

/** Without what the system fills in: variables and secrets of the repository. */
function plain(env: Record<string, string>): Record<string, string> {
	return Object.fromEntries(Object.entries(env).filter(([, value]) => !value.includes("${{")));
}

export interface StepResult {
	code: number;
	stdout: string;
	stderr: string;
}

/** Runs a step to its end, whatever its exit code. */
export function runStep(step: Step, directory: string, env: NodeJS.ProcessEnv): Promise<StepResult> {
	const [shell, ...options] = step.shell as [string, ...string[]];
	return new Promise((resolve) => {
		execFile(
			shell,
			[...options, step.line],
			{ cwd: directory, env: { ...env, CI: "true", ...step.env }, maxBuffer: 64 << 20 },
			(error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
		);
	});
}
