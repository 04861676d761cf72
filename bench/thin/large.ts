/** One stack of many clones through its life, and one of as many empty resources. */
import { median, progress } from "../measure";
import type { Lab } from "./lab";
import {
	expectMachines,
	type Program,
	unchangedPreview,
	upWithMemory,
	WITHOUT_CHECKPOINTS,
	withProject,
} from "./programs";

export interface Life {
	up: number;
	preview: number;
	destroy: number;
	providerMiB: number;
	workersMiB: number;
	workers: number;
}

/**
 * Makes the clones, previews without changes, and removes them.
 * @param previews how many previews the median is of; 0 leaves preview and destroy out
 */
export async function life(
	lab: Lab,
	program: Program,
	count: number,
	{ previews, checkpoints }: { previews: number; checkpoints: boolean },
): Promise<Life> {
	const env = checkpoints ? {} : WITHOUT_CHECKPOINTS;
	const what = `${count} ${program}${checkpoints ? "" : " without checkpoints"}`;
	return withProject(lab, program, count, async (project) => {
		const { milliseconds, providerMiB, workersMiB, workers } = await upWithMemory(project, env);
		await expectMachines(lab, program, count);
		progress(`${what}: up ${Math.round(milliseconds)} ms, provider ${providerMiB} MiB`);
		const memory = { providerMiB, workersMiB, workers };
		if (previews === 0) return { up: milliseconds, preview: 0, destroy: 0, ...memory };
		const taken: number[] = [];
		for (let i = 0; i < previews; i++) taken.push(await unchangedPreview(project));
		progress(`${what}: preview ${Math.round(median(taken))} ms`);
		if (count === 0) return { up: milliseconds, preview: median(taken), destroy: 0, ...memory };
		const destroy = await project.must(["destroy", "--yes", "--skip-preview"], env);
		progress(`${what}: destroy ${Math.round(destroy.milliseconds)} ms`);
		await expectMachines(lab, program, 0);
		return { up: milliseconds, preview: median(taken), destroy: destroy.milliseconds, ...memory };
	});
}
