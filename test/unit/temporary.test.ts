import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { chown, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { sweepTemporaries, withNamelessFile, withTemporaryFolder } from "../../provider/temporary";

if (process.env.TEMPORARY_KIND) {
	withTemporaryFolder(process.env.TEMPORARY_KIND, async (folder) => {
		writeFileSync(join(folder, "secret"), "s3cret");
		process.send!(basename(folder));
		await new Promise(() => setInterval(() => {}, 1000));
	});
} else {
	describe("a temporary folder", () => {
		const { TMPDIR } = process.env;
		let parent: string;
		let maker: ChildProcess | undefined;

		beforeEach(async () => {
			parent = await mkdtemp(join(tmpdir(), "temporaries-"));
			process.env.TMPDIR = parent;
		});
		afterEach(async () => {
			maker?.kill("SIGKILL");
			if (TMPDIR === undefined) delete process.env.TMPDIR;
			else process.env.TMPDIR = TMPDIR;
			await rm(parent, { recursive: true });
		});

		async function madeByAnother(): Promise<string> {
			maker = fork(__filename, { env: { ...process.env, TEMPORARY_KIND: "image" }, execArgv: [] });
			const [name] = (await once(maker, "message")) as [string];
			return name;
		}
		const list = () => readdir(parent);

		it("is gone after the work, however that ends", async () => {
			await withTemporaryFolder("image", async (folder) => assert.deepEqual(await list(), [basename(folder)]));
			await assert.rejects(
				withTemporaryFolder("image", async () => assert.fail("it failed")),
				/it failed/,
			);
			assert.deepEqual(await list(), []);
		});

		it("stays with a process that runs, and is removed by the next one after a kill", async () => {
			const name = await madeByAnother();
			await sweepTemporaries(parent);
			assert.deepEqual(await list(), [name]);
			const ended = once(maker!, "exit");
			maker!.kill("SIGKILL");
			await ended;
			assert.ok(existsSync(join(parent, name, "secret")));
			await withTemporaryFolder("image", async (folder) => assert.deepEqual(await list(), [basename(folder)]));
		});

		it("of another boot or container is left alone for a day", async () => {
			const name = `clones-image-0a0a0a0a-${process.pid}-1-abcdef`;
			await mkdir(join(parent, name));
			await writeFile(join(parent, name, "image"), "");
			const longAgo = new Date(Date.now() - 25 * 3600_000);
			await utimes(join(parent, name), longAgo, longAgo);
			await sweepTemporaries(parent);
			assert.deepEqual(await list(), [name]);
			await utimes(join(parent, name, "image"), longAgo, longAgo);
			await utimes(join(parent, name), longAgo, longAgo);
			await sweepTemporaries(parent);
			assert.deepEqual(await list(), []);
		});

		it("of another user, or of another name, is never removed", async () => {
			const name = await madeByAnother();
			const ended = once(maker!, "exit");
			maker!.kill("SIGKILL");
			await ended;
			await chown(join(parent, name), 65534, 65534);
			await mkdir(join(parent, "clones-image-abcdef"));
			await sweepTemporaries(parent);
			assert.deepEqual((await list()).sort(), ["clones-image-abcdef", name].sort());
		});

		it("has no file in it that is nameless: others open that by its path as long as the work lasts", async () => {
			await withNamelessFile("saved", async (file) => {
				assert.deepEqual(await list(), []);
				await writeFile(file, "s3cret");
				assert.equal(String(await readFile(file)), "s3cret");
			});
			assert.deepEqual(await list(), []);
		});
	});
}
