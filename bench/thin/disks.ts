/** Making disks alone: overlays by the provider's handler and by `qemu-img create`, and copies by FICLONE on XFS. */
import { execFile } from "node:child_process";
import { constants, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Volume } from "../../provider";
import { interleaved, time } from "../measure";
import { type Lab, POOL } from "./lab";

const run = promisify(execFile);

/** @returns milliseconds for one disk */
export async function disks(
	lab: Lab,
	rounds: number,
	count: number,
): Promise<Record<"overlay" | "qemu_img" | "ficlone", number>> {
	const xfs = await mountXfs();
	try {
		let number = 0;
		const each = async (make: (name: string) => Promise<unknown>) =>
			(await time(async () => {
				for (let i = 0; i < count; i++) await make(`disk-${++number}`);
			})) / count;
		await ours(lab, "first-of-all");
		return await interleaved(rounds, {
			overlay: () => each((name) => ours(lab, name)),
			qemu_img: () =>
				each((name) => {
					const path = join(lab.directory, `${name}.qcow2`);
					return run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", lab.base, "-F", "qcow2", path]);
				}),
			ficlone: () => each((name) => copyFile(xfs.base, join(xfs.directory, name), constants.COPYFILE_FICLONE_FORCE)),
		});
	} finally {
		await xfs.unmount();
		await lab.clear();
	}
}

/** As the engine has it done: the inputs are checked, then the volume is made. */
async function ours(lab: Lab, name: string): Promise<void> {
	const ownerId = `organization/bench/dev/${name}`;
	const inputs = { uri: lab.uri, ownerId, name: `${name}.qcow2`, pool: POOL, base: lab.base, __provider: "bench" };
	const checked = await Volume.check({}, inputs);
	await Volume.create(checked.inputs);
}

async function mountXfs() {
	const folder = await mkdtemp(join(tmpdir(), "clones-bench-"));
	const [image, directory] = [join(folder, "xfs.img"), join(folder, "xfs")];
	const base = join(directory, "base.raw");
	const unmount = async () => {
		await run("umount", [directory]).catch(() => {});
		await rm(folder, { recursive: true, force: true });
	};
	try {
		await mkdir(directory);
		await run("truncate", ["-s", "1G", image]);
		await run("mkfs.xfs", ["-q", "-m", "reflink=1", image]);
		await run("mount", ["-o", "loop", image, directory]);
		// Some data in it, so that there are extents to share.
		await run("dd", ["if=/dev/urandom", `of=${base}`, "bs=1M", "count=64", "status=none"]);
		await run("truncate", ["-s", "4G", base]);
		return { directory, base, unmount };
	} catch (error) {
		await unmount();
		throw error;
	}
}
