/**
 * Thin clones, defined and not started, by four ways on one private host: this package and the bridged Terraform
 * provider under the real engine, a loop over virsh, and a bare loop over libvirt's library. Start-up (an `up` of the
 * same program without clones) is taken apart. See bench/README.md.
 */
import { interleaved, progress } from "../measure";
import type { Benchmark, Numbers, Options, Result } from "../result";
import { disks } from "./disks";
import { Lab } from "./lab";
import { life } from "./large";
import { chart, tables } from "./picture";
import { bareLoop, virshLoop } from "./plain";
import { type Program, up } from "./programs";

/** Milliseconds by number of clones: "n100". */
export type ByCount = Record<string, number>;

const LARGE = 1000;

export const thin: Benchmark = { run, chart, tables };

async function run(options: Options): Promise<Result> {
	const { quick } = options;
	const lab = await Lab.start();
	try {
		progress("private host is there");
		const disk = await disks(lab, quick ? 1 : 5, quick ? 5 : 40);
		const { startUp, whole, bare, virsh } = await waysOfCloning(lab, options);
		const lives = await livesOfStacks(lab, options);
		const perClone = Object.fromEntries(
			Object.entries({ ...apart(whole, startUp), bare, virsh }).map(([way, byCount]) => [
				way,
				byNumber(byCount, (ms, count) => ms / count),
			]),
		);
		return {
			milliseconds: {
				start_up: startUp,
				whole_run: { ...whole, bare, virsh },
				per_clone: perClone,
				disk,
				...lives.times,
			},
			mebibytes: lives.memory,
			ratios: { ...ratiosOf(apart(whole, startUp), bare, disk), ...lives.ratios },
		};
	} finally {
		await lab.stop();
	}
}

/** Every way at every number, in rounds, so that none has the machine's quiet minutes for itself. */
async function waysOfCloning(lab: Lab, { quick }: Options) {
	const programs: Program[] = quick ? ["clones", "empty"] : ["clones", "empty", "bridged"];
	const startUp = (await interleaved(
		quick ? 1 : 5,
		Object.fromEntries(programs.map((program) => [program, () => up(lab, program, 0)])),
	)) as ByCount;
	const whole: Record<string, ByCount> = {};
	const [bare, virsh]: [ByCount, ByCount] = [{}, {}];
	for (const count of quick ? [10] : [1, 10, 100]) {
		// The bridged provider takes about a minute for a hundred.
		const inRounds = programs.filter((program) => program !== "bridged" || count < 100);
		const found = (await interleaved(quick ? 1 : count === 100 ? 5 : 3, {
			...Object.fromEntries(inRounds.map((program) => [`${program} ${count}`, () => up(lab, program, count)])),
			[`bare ${count}`]: () => bareLoop(lab, count),
			[`virsh ${count}`]: () => virshLoop(lab, count),
		})) as ByCount;
		if (inRounds.length < programs.length) {
			Object.assign(found, await interleaved(1, { [`bridged ${count}`]: () => up(lab, "bridged", count) }));
		}
		for (const program of programs)
			whole[program] = { ...whole[program], [`n${count}`]: found[`${program} ${count}`]! };
		bare[`n${count}`] = found[`bare ${count}`]!;
		virsh[`n${count}`] = found[`virsh ${count}`]!;
	}
	return { startUp, whole, bare, virsh };
}

function apart(whole: Record<string, ByCount>, startUp: ByCount): Record<string, ByCount> {
	return Object.fromEntries(
		Object.entries(whole).map(([program, byCount]) => [program, byNumber(byCount, (ms) => ms - startUp[program]!)]),
	);
}

function byNumber(byCount: ByCount, change: (milliseconds: number, count: number) => number): ByCount {
	return Object.fromEntries(Object.entries(byCount).map(([key, ms]) => [key, change(ms, Number(key.slice(1)))]));
}

function ratiosOf(
	{ clones, empty, bridged }: Record<string, ByCount>,
	bare: ByCount,
	disk: { overlay: number; qemu_img: number; ficlone: number },
): Record<string, number> {
	const most = Object.keys(bare).at(-1)!;
	return {
		...(bridged
			? {
					[`bridge_over_ours_${most}`]: bridged[most]! / clones![most]!,
					[`bridge_over_empty_${most}`]: bridged[most]! / empty![most]!,
				}
			: {}),
		[`above_empty_over_bare_${most}`]: (clones![most]! - empty![most]!) / bare[most]!,
		overlay_over_qemu_img: disk.overlay / disk.qemu_img,
		overlay_over_ficlone: disk.overlay / disk.ficlone,
	};
}

/** Stacks of many clones: up, preview without changes and destroy, with the engine's checkpoints and without. */
async function livesOfStacks(lab: Lab, { quick }: Options) {
	const previews = quick ? 1 : 3;
	const none = {
		clones: await life(lab, "clones", 0, { previews, checkpoints: true }),
		empty: await life(lab, "empty", 0, { previews, checkpoints: true }),
	};
	const times: Numbers = { preview_start_up: { clones: none.clones.preview, empty: none.empty.preview } };
	const memory: Numbers = {};
	const ratios: Record<string, number> = {};
	for (const count of quick ? [10] : [100, LARGE]) {
		const how = { previews, checkpoints: false };
		const ours = await life(lab, "clones", count, how);
		const empty = await life(lab, "empty", count, how);
		times[`without_checkpoints_n${count}`] = {
			clones: { up: ours.up, preview: ours.preview, destroy: ours.destroy },
			empty: { up: empty.up, preview: empty.preview, destroy: empty.destroy },
		};
		memory[`n${count}`] = { provider: ours.providerMiB, workers_together: ours.workersMiB, workers: ours.workers };
		ratios[`preview_${count}_seconds`] = ours.preview / 1000;
		ratios[`preview_${count}_over_empty`] =
			(ours.preview - none.clones.preview) / Math.max(1, empty.preview - none.empty.preview);
		if (count !== LARGE) continue;
		const usual = await life(lab, "clones", count, { previews: 0, checkpoints: true });
		const usualEmpty = await life(lab, "empty", count, { previews: 0, checkpoints: true });
		times[`with_checkpoints_n${count}`] = { clones: { up: usual.up }, empty: { up: usualEmpty.up } };
		ratios[`ours_${count}_seconds`] = (ours.up - none.clones.up) / 1000;
		ratios[`empty_${count}_seconds`] = (empty.up - none.empty.up) / 1000;
		ratios[`ours_${count}_with_checkpoints_seconds`] = (usual.up - none.clones.up) / 1000;
		ratios[`empty_${count}_with_checkpoints_seconds`] = (usualEmpty.up - none.empty.up) / 1000;
	}
	return { times, memory, ratios };
}
