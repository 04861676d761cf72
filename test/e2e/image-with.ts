import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const SECTOR = 512;

/**
 * Makes an image with more files in its last partition, which is ext2, 3 or 4; without mounting anything.
 * @param folders new ones, from the outer to the inner
 * @param files executable ones by their path in the guest; with the file that has the content
 * @returns path of the image; whoever asked for it removes its folder
 */
export async function imageWith(
	image: string,
	folders: string[],
	files: Record<string, string>,
): Promise<{ path: string; folder: string }> {
	const folder = await mkdtemp(join(tmpdir(), "clones-image-"));
	const [raw, path, commands] = [join(folder, "raw"), join(folder, "image.qcow2"), join(folder, "commands")];
	await run("qemu-img", ["convert", "-O", "raw", image, raw]);
	const written = Object.entries(files).flatMap(([inGuest, file]) => [
		`write ${file} ${inGuest}`,
		`set_inode_field ${inGuest} mode 0100755`,
	]);
	await writeFile(commands, [...folders.map((own) => `mkdir ${own}`), ...written, ""].join("\n"));
	const { stderr } = await run("debugfs", ["-w", "-f", commands, `${raw}?offset=${await lastPartition(raw)}`]);
	// Its exit code tells nothing.
	const complaints = stderr.split("\n").filter((line) => line !== "" && !/^debugfs \d/.test(line));
	if (complaints.length > 0) throw new Error(`debugfs: ${complaints.join("\n")}`);
	await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, path]);
	await rm(raw);
	return { path, folder };
}

/** Where it begins, in bytes, by the master boot record. */
async function lastPartition(raw: string): Promise<number> {
	const record = (await readFile(raw)).subarray(0, SECTOR);
	const starts = [0, 1, 2, 3].map((index) => record.readUInt32LE(446 + index * 16 + 8));
	return Math.max(...starts) * SECTOR;
}
