import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";

const run = promisify(execFile);
const MIB = 2 ** 20;

interface Case {
	type: string;
	make: string[];
	mebibytes: [number, number];
}

/** By their own tools. This machine may not resize ext4, which a guest does. */
const EXT4: Case = { type: "ext4", make: ["mkfs.ext4", "-q", "-F"], mebibytes: [32, 96] };
const CASES: Case[] = [
	{ type: "xfs", make: ["mkfs.xfs", "-q", "-f"], mebibytes: [320, 512] },
	{ type: "btrfs", make: ["mkfs.btrfs", "-q", "-f"], mebibytes: [288, 384] },
];

/** The script that guests run, on disks of this machine; for partitions see the tests of a Debian guest. */
describe("a file system that takes all of its disk", () => {
	let folder: string;
	const cleanups: Array<() => Promise<unknown>> = [];
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "grow-test-"));
	});
	afterEach(async () => {
		for (const clean of cleanups.splice(0).reverse()) await clean();
	});
	after(() => rm(folder, { recursive: true, force: true }));

	async function grow(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<{ code: number; said: string }> {
		try {
			const { stdout } = await run("/bin/sh", [join(repository, "guest/disk/grow"), ...args], { env });
			return { code: 0, said: stdout.trim() };
		} catch (error) {
			const { code, stderr } = error as { code: number; stderr: string };
			return { code, said: stderr.trim() };
		}
	}

	/** A disk, mounted. @returns how to grow it, its mount point, and how large df sees the file system, in MiB */
	async function disk({ type, make, mebibytes: [before, after] }: Case) {
		const name = `${type}-${cleanups.length}-${Math.random().toString(36).slice(2)}`;
		const image = join(folder, `${name}.img`);
		const mounted = join(folder, `mounted here ${name}`);
		await mkdir(mounted);
		await writeFile(image, "");
		await truncate(image, before * MIB);
		const loop = (await run("losetup", ["--find", "--show", image])).stdout.trim();
		cleanups.push(() => run("losetup", ["--detach", loop]));
		const [program, ...args] = make;
		await run(program!, [...args, loop]);
		await run("mount", [loop, mounted]);
		cleanups.push(() => run("umount", [mounted]));
		await writeFile(join(mounted, "kept"), type);
		return {
			mounted,
			enlarge: async () => {
				await truncate(image, after * MIB);
				await run("losetup", ["--set-capacity", loop]);
			},
			size: async () => Number((await run("df", ["-B1M", "--output=size", mounted])).stdout.split("\n")[1]),
		};
	}

	for (const one of CASES) {
		const { type, mebibytes } = one;
		it(`does so as ${type}, once it is larger, and keeps what is on it`, async () => {
			const { mounted, enlarge, size } = await disk(one);
			const before = await size();
			// What has all of it stays as it is.
			assert.match((await grow([mounted])).said, /^(\d+) \1$/);
			await enlarge();
			const { code, said } = await grow([mounted, String(mebibytes[1])]);
			assert.equal(code, 0, said);
			const [was, is] = said.split(" ").map((bytes) => Number(bytes) / MIB);
			assert.ok(Math.abs(was! - mebibytes[0]) <= 5 && Math.abs(is! - mebibytes[1]) <= 5, said);
			assert.ok((await size()) - before >= (mebibytes[1] - mebibytes[0]) * 0.9, `${before} to ${await size()} MiB`);
			assert.equal(await readFile(join(mounted, "kept"), "utf8"), type);
			assert.match((await grow([mounted])).said, /^(\d+) \1$/);
		});
	}

	it("says what it lacks, and changes nothing", async () => {
		const { mounted, enlarge, size } = await disk(EXT4);
		const before = await size();
		await enlarge();
		const bare = join(folder, "bare");
		await mkdir(bare);
		for (const name of ["awk", "cat", "od", "readlink", "sed", "sleep", "stat", "tr"]) {
			const { stdout } = await run("sh", ["-c", `command -v ${name}`]);
			await symlink(stdout.trim(), join(bare, name));
		}
		const { code, said } = await grow([mounted], { PATH: bare });
		assert.equal(code, 1);
		assert.match(
			said,
			/^grow: the ext4 file system on .* needs resize2fs to grow, which is not there; install e2fsprogs$/,
		);
		assert.equal(await size(), before);
	});

	it("is refused where it is none, or of a kind that cannot grow", async () => {
		assert.match((await grow([folder])).said, /^grow: nothing is mounted on /);
		assert.match((await grow(["/proc"])).said, /^grow: \/proc is on no disk, but on proc \(proc\)$/);
	});
});
