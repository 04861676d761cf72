import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { StoragePool, Volume } from "../provider";
import { closeAll } from "../provider/libvirt";
import { startTestHost } from "../tools/testhost";
import type { Result } from "./main";

const COUNT = 100;

/** Making overlays of one base: through the provider's handler, one after the other, and by `qemu-img create`. */
export async function overlay(): Promise<Result> {
	const host = await startTestHost({ network: false });
	try {
		const common = (name: string) => ({ uri: host.uri, ownerId: `organization/bench/dev/${name}`, name });
		const directory = join(host.poolDirectory, "bench");
		const make = async (handler: typeof Volume, inputs: object) => {
			const checked = await handler.check({}, { ...inputs, __provider: "bench" });
			return handler.create(checked.inputs);
		};
		const pool = await make(StoragePool, { ...common("bench"), path: directory });
		const gold = await make(Volume, { ...common("gold.qcow2"), pool: pool.id, sizeMiB: 1024 });
		const clone = (name: string) => make(Volume, { ...common(name), pool: pool.id, base: gold.id });
		await clone("warm.qcow2");

		const ours = await time(async () => {
			for (let i = 0; i < COUNT; i++) await clone(`ours-${i}.qcow2`);
		});
		const theirs = await time(async () => {
			for (let i = 0; i < COUNT; i++) {
				const path = join(directory, `theirs-${i}.qcow2`);
				const backing = ["-b", gold.id, "-F", "qcow2"];
				await promisify(execFile)("qemu-img", ["create", "-q", "-f", "qcow2", ...backing, path]);
			}
		});
		return {
			milliseconds: { overlay: ours / COUNT, qemu_img: theirs / COUNT },
			ratios: { overlay_over_qemu_img: ours / theirs },
		};
	} finally {
		await closeAll();
		await host.stop();
	}
}

async function time(work: () => Promise<void>): Promise<number> {
	const started = performance.now();
	await work();
	return performance.now() - started;
}
