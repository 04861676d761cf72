import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { connect, DeadlineError, type Host } from "../../provider/libvirt";
import { startTestHost, type TestHost } from "../../tools/testhost";

const MiB = 1024 * 1024;
const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

describe("libvirt binding: upload and download", () => {
	let machine: TestHost;
	let host: Host;
	let pool: string;

	before(async () => {
		machine = await startTestHost();
		host = connect(machine.uri);
		const xml = `<pool type="dir"><name>p</name><target><path>${machine.poolDirectory}</path></target></pool>`;
		({ uuid: pool } = await host.pools.define(xml));
		await host.pools.start(pool);
	});
	after(async () => {
		await host?.close();
		await machine?.stop();
	});

	async function volume(name: string, bytes: number): Promise<string> {
		const xml = `<volume><name>${name}</name><capacity>${bytes}</capacity><allocation>0</allocation></volume>`;
		return (await host.volumes.create(pool, xml)).key;
	}

	function randomFile(name: string, bytes: number): string {
		const file = join(machine.directory, name);
		const block = randomBytes(MiB);
		const descriptor = openSync(file, "w");
		// Each block differs, so that blocks in the wrong order show.
		for (let left = bytes, i = 0; left > 0; left -= MiB, i++) {
			block.writeUInt32BE(i);
			writeSync(descriptor, left < MiB ? block.subarray(0, left) : block);
		}
		closeSync(descriptor);
		return file;
	}

	it("brings 100 MiB and a bit there and back", async () => {
		const bytes = 100 * MiB + 12345;
		const file = randomFile("source", bytes);
		const key = await volume("round-trip", bytes);
		const progress: number[] = [];
		const sent = await host.volumes.upload(key, file, { onProgress: (count) => progress.push(count) });
		assert.deepEqual(sent, { bytes, sha256: sha256(file) });
		assert.deepEqual(sha256(key), sent.sha256);
		assert.ok(progress.length >= 1, "64 MiB are worth a message");
		assert.deepEqual(
			[...progress].sort((a, b) => a - b),
			progress,
		);

		const copy = join(machine.directory, "copy");
		writeFileSync(copy, "what was there before");
		assert.deepEqual(await host.volumes.download(key, copy), sent);
		assert.equal(sha256(copy), sent.sha256);
	});

	it("does not send holes, and leaves holes", async () => {
		const file = join(machine.directory, "holes");
		const bytes = 300 * MiB;
		const descriptor = openSync(file, "w");
		writeSync(descriptor, randomBytes(MiB), 0, MiB, 64 * MiB);
		writeSync(descriptor, randomBytes(MiB), 0, MiB, 200 * MiB);
		ftruncateSync(descriptor, bytes);
		closeSync(descriptor);
		const key = await volume("holes", bytes);
		const expected = { bytes, sha256: sha256(file) };
		assert.deepEqual(await host.volumes.upload(key, file, { sparse: true }), expected);
		assert.equal(sha256(key), expected.sha256);
		assert.ok(statSync(key).blocks * 512 < 8 * MiB, "the volume is sparse");

		const copy = join(machine.directory, "holes-copy");
		assert.deepEqual(await host.volumes.download(key, copy), expected);
		assert.equal(sha256(copy), expected.sha256);
		assert.ok(statSync(copy).blocks * 512 < 8 * MiB, "the copy is sparse");
	});

	it("transfers nothing of an empty file", async () => {
		const file = join(machine.directory, "empty");
		writeFileSync(file, "");
		const sent = await host.volumes.upload(await volume("empty", MiB), file);
		assert.deepEqual(sent, { bytes: 0, sha256: createHash("sha256").digest("hex") });
	});

	it("says what is wrong with a file or a volume", async () => {
		const key = await volume("errors", MiB);
		await assert.rejects(host.volumes.upload(key, "/nonexistent/file"), /ENOENT.*\/nonexistent\/file/);
		await assert.rejects(host.volumes.upload("/nonexistent/volume", "/etc/passwd"), {
			errorName: "VIR_ERR_NO_STORAGE_VOL",
		});
		await assert.rejects(host.volumes.download(key, "/nonexistent/file"), /ENOENT.*\/nonexistent\/file/);
	});

	it("ends when it is called off, and the volume can be used again", async () => {
		const bytes = 1024 * MiB;
		const file = join(machine.directory, "called-off");
		writeFileSync(file, "");
		const descriptor = openSync(file, "r+");
		ftruncateSync(descriptor, bytes);
		closeSync(descriptor);
		const key = await volume("called-off", bytes);
		const abort = new AbortController();
		const reason = new Error("called off");
		const upload = host.volumes.upload(key, file, { signal: abort.signal, onProgress: () => abort.abort(reason) });
		await assert.rejects(upload, reason);
		await host.volumes.delete(key);
	});

	it("fails with what the caller's own progress function throws", async () => {
		const bytes = 200 * MiB;
		const file = randomFile("thrown", bytes);
		const key = await volume("thrown", bytes);
		const broken = new Error("broken");
		const onProgress = () => {
			throw broken;
		};
		await assert.rejects(host.volumes.upload(key, file, { onProgress }), broken);
	});

	it("is given up when nothing moves any more, not when it takes long", async () => {
		const bytes = 600 * MiB;
		const file = join(machine.directory, "stalled");
		writeFileSync(file, "");
		const descriptor = openSync(file, "r+");
		ftruncateSync(descriptor, bytes);
		closeSync(descriptor);
		const key = await volume("stalled", bytes);
		let stopped: Promise<void> | undefined;
		try {
			const upload = host.volumes.upload(key, file, {
				deadlineSeconds: 2,
				onProgress: () => {
					stopped ??= machine.killLibvirtd("SIGSTOP");
				},
			});
			await assert.rejects(upload, (error: DeadlineError) => {
				assert.ok(error instanceof DeadlineError);
				assert.match(error.message, /volumes\.upload on .* made no progress for 2 s, \d+ bytes in/);
				return true;
			});
		} finally {
			await stopped;
			await machine.killLibvirtd("SIGCONT");
		}
		assert.ok(stopped !== undefined);
		assert.equal((await host.pools.find("p"))?.active, true);
	});
});
