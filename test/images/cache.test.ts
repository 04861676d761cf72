import * as assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ensureImage as ensureReal } from "../../tools/images";
import { ensureImage, findImage, imageFolder, type Recipe } from "../../tools/images/cache";
import { cpioArchive } from "../../tools/images/cpio";
import { fat12Volume } from "../../tools/images/fat";
import { run } from "../../tools/images/run";

const cli = join(__dirname, "../../tools/images/cli.js");
const cacheModule = join(__dirname, "../../tools/images/cache.js");

/** A recipe that takes no time; counts its builds in `builds`. */
function quick(builds: string[], content = "disk"): Recipe {
	return {
		kind: "micro",
		sources: ["micro.ts", "micro/"],
		cmdline: "quiet",
		async build(folder) {
			await sleep(100);
			builds.push(content);
			for (const name of ["disk.qcow2", "vmlinuz", "initrd"]) writeFileSync(join(folder, name), content);
			return { packages: ["linux 1"] };
		},
	};
}

/** Another process that takes the lock, begins a build and never ends it. Resolves once it builds. */
async function startHangingBuild(): Promise<ChildProcess> {
	const code = `
		const recipe = { kind: "micro", sources: ["micro.ts", "micro/"], cmdline: "", async build(folder, scratch) {
			require("fs").writeFileSync(scratch + "/half", "half");
			console.log("building");
			await new Promise((resolve) => setTimeout(resolve, 60000));
		} };
		require(${JSON.stringify(cacheModule)}).ensureImage(recipe);`;
	const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
	await new Promise((resolve) => child.stdout?.once("data", resolve));
	return child;
}

describe("image cache", () => {
	let folder: string;
	let before: string | undefined;
	beforeEach(() => {
		before = process.env.CLONES_CACHE;
		folder = mkdtempSync(join(tmpdir(), "images-"));
		process.env.CLONES_CACHE = folder;
	});
	afterEach(() => {
		if (before === undefined) delete process.env.CLONES_CACHE;
		else process.env.CLONES_CACHE = before;
		rmSync(folder, { recursive: true });
	});

	it("builds once and finds it again", async () => {
		const builds: string[] = [];
		assert.equal(await findImage(quick(builds)), undefined);
		const first = await ensureImage(quick(builds));
		assert.equal(first.sha256, "1044dec7206e8d7c9fbb4ae8f766668406d2567fc7fc1a160a9d4700fcf8f8e9", "of disk");
		assert.deepEqual(await ensureImage(quick(builds)), first);
		assert.deepEqual(await findImage(quick(builds)), first);
		assert.equal(builds.length, 1);
	});

	it("builds once when several ask at the same time", async () => {
		const builds: string[] = [];
		const lines: string[] = [];
		const options = { log: (line: string) => lines.push(line) };
		const images = await Promise.all([1, 2, 3].map(() => ensureImage(quick(builds), options)));
		assert.equal(builds.length, 1);
		assert.equal(new Set(images.map((image) => image.disk)).size, 1);
		assert.equal(lines.filter((line) => line.includes("waiting")).length, 2);
	});

	it("builds anew when asked for it, and replaces the old image", async () => {
		const builds: string[] = [];
		const old = await ensureImage(quick(builds, "old"));
		const renewed = await ensureImage(quick(builds, "new"), { rebuild: true });
		assert.equal(renewed.disk, old.disk);
		assert.notEqual(renewed.sha256, old.sha256);
		assert.equal(readFileSync(renewed.disk, "utf8"), "new");
	});

	it("takes over from a builder that was killed, and removes what that left", async () => {
		const child = await startHangingBuild();
		const left = () => readdirSync(join(folder, "images")).filter((name) => name.includes(".build-"));
		assert.equal(left().length, 1);
		const builds: string[] = [];
		let waited = false;
		const image = ensureImage(quick(builds), {
			log: (line) => {
				if (line.includes("waiting")) waited = true;
			},
		});
		for (let tries = 0; !waited && tries < 300; tries++) await sleep(100);
		assert.ok(waited, "waits while the builder lives");
		await sleep(100);
		assert.equal(builds.length, 0);
		child.kill("SIGKILL");
		assert.equal(readFileSync((await image).disk, "utf8"), "disk");
		assert.deepEqual(left(), []);
	});

	it("leaves nothing of a failed build, and builds at the next call", async () => {
		const failing: Recipe = { ...quick([]), build: () => Promise.reject(new Error("no space")) };
		await assert.rejects(ensureImage(failing), /no space/);
		assert.equal(await findImage(failing), undefined);
		const builds: string[] = [];
		await ensureImage(quick(builds));
		assert.equal(builds.length, 1);
	});

	it("makes another image when the recipe changes", async () => {
		const recipe = quick([]);
		assert.notEqual(await imageFolder(recipe), await imageFolder({ ...recipe, sources: ["debian.ts"] }));
		await assert.rejects(imageFolder({ ...recipe, sources: ["no-such-file"] }), /ENOENT.*no-such-file/);
	});
});

describe("image tool", () => {
	it("finds a built image at once and without a network", async () => {
		const image = await ensureReal("micro", { log: console.log });
		assert.deepEqual(await ensureReal("micro"), image);
		const { stdout } = await promisify(execFile)("unshare", ["--net", process.execPath, cli, "micro"]);
		assert.ok(stdout.includes(image.disk) && !stdout.includes("built"), stdout);
		const hash = (await run("sha256sum", [image.disk])).split(" ")[0];
		assert.equal(image.sha256, hash);
	});

	it("refuses what it does not know and lists what it has", async () => {
		const call = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args]);
		await assert.rejects(call("fedora"), (error: { code: number; stderr: string }) => {
			assert.equal(error.code, 2);
			return /Unknown: fedora\nUsage: .*micro\|debian/.test(error.stderr);
		});
		await assert.rejects(call(), /Usage:/);
		assert.match((await call("--list")).stdout, /^micro: \/.*disk\.qcow2 sha256 [0-9a-f]{64}$/m);
		assert.throws(() => ensureReal("fedora" as "micro"), /no guest image "fedora".*micro, debian/);
	});

	it("names the missing package or the command and its words when a step fails", async () => {
		await assert.rejects(
			run("no-such-program", []),
			/Cannot run no-such-program: no such program, install no-such-program/,
		);
		await assert.rejects(run("sh", ["-c", "echo why >&2; exit 4"]), /`sh -c .*` ended with status 4:\nwhy/);
	});

	it("refuses FAT volumes of sizes that are none, and content that does not fit", () => {
		for (const size of [1000, 512, 65_537, 17 * 1_048_576]) {
			assert.throws(() => fat12Volume("X", size, []), new RegExp(`${size} bytes cannot be made`));
		}
		const content = Buffer.alloc(70_000);
		assert.throws(
			() => fat12Volume("X", 65_536, [{ path: "big", content }]),
			/do not fit .* 70000 bytes .* Make the volume larger/,
		);
	});

	it("makes archives that cpio reads", async () => {
		const archive = join(mkdtempSync(join(tmpdir(), "cpio-")), "archive");
		const files = [{ path: "bin/x", mode: 0o755, content: Buffer.from("odd") }];
		writeFileSync(archive, cpioArchive(["bin"], files));
		const listing = await run("cpio", ["--list", "--verbose", "--numeric-uid-gid", "--file", archive]);
		assert.match(listing, /^drwxr-xr-x .* bin\n-rwxr-xr-x +1 +0 +0 +3 .* bin\/x$/m);
		assert.equal(await run("cpio", ["--extract", "--to-stdout", "--quiet", "--file", archive, "bin/x"]), "odd");
	});
});
