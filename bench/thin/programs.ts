/** The Pulumi programs that are measured, each run under the real engine. */
import { join } from "node:path";
import { linkPulumiLibvirt } from "../../tools/bridge";
import { type CommandResult, Project } from "../../tools/pulumi/project";
import { type Lab, POOL } from "./lab";
import { watchMemory } from "./memory";

export type Program = "clones" | "empty" | "bridged";

/** What the engine is told to do without its checkpoints. */
export const WITHOUT_CHECKPOINTS = { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "true" };

/** Runs `use` on a project of its own with that many clones, and leaves neither state nor machines behind. */
export async function withProject<T>(
	lab: Lab,
	program: Program,
	count: number,
	use: (project: Project) => Promise<T>,
): Promise<T> {
	const project = await Project.start({
		program: `bench/programs/${program}`,
		env: {
			BENCH_URI: lab.uri,
			BENCH_POOL: POOL,
			BENCH_BASE: lab.base,
			BENCH_COUNT: String(count),
			BENCH_EMPTY_PROVIDER: join(__dirname, "empty-provider.js"),
		},
	});
	try {
		if (program === "bridged") await linkPulumiLibvirt(project);
		return await use(project);
	} finally {
		await project.remove();
		await lab.clear();
	}
}

/** Milliseconds of one `pulumi up` of a fresh stack. */
export async function up(lab: Lab, program: Program, count: number): Promise<number> {
	return withProject(lab, program, count, async (project) => {
		const { milliseconds } = await project.up();
		await expectMachines(lab, program, count);
		return milliseconds;
	});
}

/** @throws Error when there are not as many machines as there should be: the time would be that of something else */
export async function expectMachines(lab: Lab, program: Program, count: number): Promise<void> {
	const expected = program === "empty" ? 0 : count;
	const found = await lab.machines();
	if (found !== expected) throw new Error(`the program ${program} made ${found} machines instead of ${expected}`);
}

/** Milliseconds of a preview that finds nothing to change. */
export async function unchangedPreview(project: Project): Promise<number> {
	const { changes, milliseconds, stdout } = await project.preview();
	if (Object.keys(changes).some((kind) => kind !== "same")) throw new Error(`the preview shows a change:\n${stdout}`);
	return milliseconds;
}

/** Runs `up` and looks how much memory the processes that the provider consists of take. */
export async function upWithMemory(
	project: Project,
	env: NodeJS.ProcessEnv = {},
): Promise<CommandResult & { providerMiB: number; workersMiB: number; workers: number }> {
	const watch = watchMemory(project.directory);
	try {
		const result = await project.up([], env);
		return { ...result, ...watch.peak() };
	} finally {
		watch.stop();
	}
}
