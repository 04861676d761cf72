import * as assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { appendFile, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finishRefreshes } from "../../provider/volume/refresh";
import { imageInfo, run, temporaryFiles, VolumeLab } from "./volume-lab";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("uploaded volumes", () => {
	let lab: VolumeLab;
	let folder: string;
	let qcow2: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "upload-test-"));
		qcow2 = join(folder, "image.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", qcow2, "64M"]);
		await run("qemu-io", ["-c", "write -P 7 1M 2M", qcow2]);
		lab = await VolumeLab.start();
		await lab.pool("pool");
	});
	after(async () => {
		await lab?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	it("hold the file byte for byte, in its format, with its virtual size", async () => {
		const made = await lab.volume("image.qcow2", { source: { file: qcow2 } });
		const bytes = await readFile(qcow2);
		assert.deepEqual(await readFile(made.path), bytes);
		assert.equal((await imageInfo(made.path)).format, "qcow2");
		assert.deepEqual(
			[made.made, made.capacityBytes, made.contentId, made.source?.sha256],
			["upload", 64 * 2 ** 20, `sha256:${sha256(bytes)}`, sha256(bytes)],
		);
		assert.match(await lab.machine.virsh("vol-dumpxml", "image.qcow2", "pool"), /<format type='qcow2'\/>/);
		assert.deepEqual(await lab.read(made), made, "an untouched volume reads as recorded");
	});

	it("of raw files keep holes, and grow to the size asked for", async () => {
		const raw = join(folder, "image.raw");
		await writeFile(raw, Buffer.concat([Buffer.from("start"), Buffer.alloc(8 * 2 ** 20), Buffer.from("end")]));
		await run("fallocate", ["--dig-holes", raw]);
		const made = await lab.volume("image.img", { source: { file: raw }, format: "raw", sizeMiB: 32 });
		assert.equal(made.capacityBytes, 32 * 2 ** 20);
		const info = await imageInfo(made.path);
		assert.ok(info["actual-size"] < 2 ** 20, `${info["actual-size"]} bytes allocated`);
		const bytes = await readFile(made.path);
		assert.deepEqual(bytes.subarray(0, 5 + 8 * 2 ** 20 + 3), await readFile(raw));
	});

	it("of qcow2 files grow to the size asked for, content kept", async () => {
		const made = await lab.volume("grown.qcow2", { source: { file: qcow2 }, sizeMiB: 128 });
		assert.equal((await imageInfo(made.path))["virtual-size"], 128 * 2 ** 20);
		const { stdout } = await run("qemu-io", ["-c", "read -P 7 1M 2M", "-c", "read -P 0 64M 64M", made.path]);
		assert.doesNotMatch(stdout, /Pattern/);
	});

	it("tell their progress when it takes a while", async () => {
		await lab.farPool("slow");
		const big = join(folder, "big.raw");
		await writeFile(big, randomBytes(400 * 2 ** 20));
		lab.logged = [];
		const made = await lab.volume("big.img", { pool: "slow", source: { file: big }, format: "raw" });
		await rm(big);
		const { stdout } = await lab.machine.exec("sha256sum", [made.path]);
		assert.equal(`sha256:${stdout.split(" ")[0]}`, made.contentId);
		await lab.delete(made);
		if (made.timings.createMs > 4000) assert.match(lab.logged.join("\n"), /uploaded \d+ of 400 MiB \(\d0 %\) in \d+ s/);
	});

	it("are refused when the hash, the format, the size or the file is wrong, and nothing is left", async () => {
		const before = await readdir(lab.path("pool"));
		const wrong = async (more: Record<string, unknown>, expected: RegExp) => {
			await assert.rejects(lab.volume("wrong.qcow2", more), expected);
		};
		await wrong({ source: { file: qcow2, sha256: "0".repeat(64) } }, /got 0{64}; .*image\.qcow2 has [0-9a-f]{64}/);
		await wrong({ source: { file: qcow2 }, format: "raw" }, /got "raw"; .* is qcow2: set format to "qcow2"/);
		await wrong(
			{ source: { file: qcow2 }, sizeMiB: 63 },
			/virtual size of 64 MiB and cannot be cut: allowed are 64 and more/,
		);
		await wrong({ source: { file: join(folder, "none") } }, /none", which cannot be read: ENOENT/);
		const overlay = join(folder, "overlay.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", qcow2, "-F", "qcow2", overlay]);
		await wrong({ source: { file: overlay } }, /is an overlay on .*image\.qcow2, which would be missing on the host/);
		const packed = join(folder, "image.qcow2.gz");
		await writeFile(packed, Buffer.from("1f8b0800", "hex"));
		await wrong({ source: { file: packed } }, /is gzip: unpack it first/);
		assert.deepEqual(await readdir(lab.path("pool")), before);
	});

	it("are undone when the file changes while it is uploaded", async () => {
		const changing = join(folder, "changing.qcow2");
		await copyFile(qcow2, changing);
		const inputs = await lab.volumeInputs("changing.qcow2", { source: { file: changing } });
		await appendFile(changing, "more");
		const { volume } = await import("../../provider/volume/lifecycle.js");
		await assert.rejects(volume.create(inputs, lab.context), /changing\.qcow2 changed while it was uploaded/);
		await finishRefreshes();
		assert.ok(!(await readdir(lab.path("pool"))).includes("changing.qcow2"));
	});

	describe("that exist already", () => {
		const tag = createHash("sha256").update("org/project/stack").digest("hex").slice(0, 8);

		it("are taken over when the content is equal, and uploaded again when it was cut off", async () => {
			const name = `half-${tag}.qcow2`;
			const made = await lab.volume(name, { source: { file: qcow2 } });
			await lab.newProcess();
			const again = await lab.volume(name, { source: { file: qcow2 } });
			assert.deepEqual({ ...again, timings: made.timings }, made);
			assert.doesNotMatch(lab.logged.join("\n"), /uploading again/);

			const bytes = await readFile(made.path);
			await writeFile(made.path, Buffer.concat([bytes.subarray(0, 300_000), Buffer.alloc(bytes.length - 300_000)]));
			await lab.newProcess();
			await lab.volume(name, { source: { file: qcow2 } });
			assert.match(lab.logged.join("\n"), /had been interrupted: uploading again/);
			assert.deepEqual(await readFile(made.path), bytes);
		});

		it("are uploaded again when nothing had come yet", async () => {
			const name = `none-${tag}.qcow2`;
			const bytes = await readFile(qcow2);
			await writeFile(lab.path("pool", name), Buffer.alloc(bytes.length));
			await lab.newProcess();
			await lab.volume(name, { source: { file: qcow2 } });
			assert.deepEqual(await readFile(lab.path("pool", name)), bytes);
		});

		for (const more of [{}, { sizeMiB: 128 }]) {
			it(`keep what was written to them since they were complete ${JSON.stringify(more)}`, async () => {
				const name = `kept${Object.keys(more).length}-${tag}.qcow2`;
				const made = await lab.volume(name, { source: { file: qcow2 }, ...more });
				await run("qemu-io", ["-c", "write -P 9 1M 64k", made.path]);
				await lab.newProcess();
				const again = await lab.volume(name, { source: { file: qcow2 }, ...more });
				assert.equal(again.capacityBytes, made.capacityBytes);
				const { stdout } = await run("qemu-io", ["-c", "read -P 9 1M 64k", made.path]);
				assert.doesNotMatch(stdout, /Pattern/);
			});
		}

		it("under a name of the user's are refused when the content is another one", async () => {
			const mine = join(folder, "mine.qcow2");
			await run("qemu-img", ["create", "-q", "-f", "qcow2", mine, "64M"]);
			await copyFile(mine, lab.path("pool", "mine.qcow2"));
			await lab.newProcess();
			await assert.rejects(
				lab.volume("mine.qcow2", { source: { file: qcow2 } }),
				/"mine\.qcow2" exists already .* was not made by this resource; it may hold data.*adopt: true/,
			);
			assert.deepEqual(await readFile(lab.path("pool", "mine.qcow2")), await readFile(mine));
			const equal = await lab.volume("mine.qcow2", { source: { file: mine } });
			assert.equal(equal.made, "upload");
			const adopted = await lab.volume("mine.qcow2", { source: { file: qcow2 }, adopt: true });
			assert.deepEqual([adopted.made, adopted.contentId], ["adopted", undefined]);
			assert.deepEqual(await readFile(lab.path("pool", "mine.qcow2")), await readFile(mine), "as it is");
		});
	});

	describe("from https", () => {
		const temporary = temporaryFiles();
		let server: Server;
		let url: string;
		let image: Buffer;
		before(async () => {
			image = await readFile(qcow2);
			const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
			const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
			await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files]);
			const credentials = {
				key: await readFile(join(folder, "key.pem")),
				cert: await readFile(join(folder, "cert.pem")),
			};
			server = createServer(credentials, (request, response) => {
				if (request.url === "/moved") response.writeHead(302, { location: "/image.qcow2" }).end();
				else if (request.url === "/plain") response.writeHead(302, { location: "http://localhost/image" }).end();
				else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
				else if (request.url?.startsWith("/image.qcow2")) response.end(image);
				else response.writeHead(404).end();
			});
			await new Promise<void>((resolve) => server.listen(0, resolve));
			url = `https://localhost:${(server.address() as AddressInfo).port}`;
		});
		after(() => server?.close());

		/** In a process of its own: Node reads its extra certificate authorities at the start. */
		async function create(name: string, source: Record<string, unknown>, trusted = true): Promise<string> {
			const script = `
				const { volume } = require(${JSON.stringify(join(__dirname, "../../provider/volume/lifecycle.js"))});
				const { connect, closeAll } = require(${JSON.stringify(join(__dirname, "../../provider/libvirt"))});
				const host = connect(${JSON.stringify(lab.machine.uri)});
				const inputs = ${JSON.stringify({ ownerId: "o/p/s/n", pool: "pool", name, format: "qcow2", cloning: "auto", source })};
				volume.create({ ...inputs, uri: host.uri }, { host, log() {} })
					.then(({ state }) => console.log(JSON.stringify(state)), (error) => console.log(error.message))
					.finally(closeAll);`;
			const env = { ...process.env, ...(trusted ? { NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") } : {}) };
			return (await new Promise<string>((resolve, reject) =>
				import("node:child_process").then(({ execFile }) =>
					execFile(process.execPath, ["-e", script], { env }, (error, stdout) =>
						error ? reject(error) : resolve(stdout),
					),
				),
			)) as string;
		}

		it("are verified, and may be redirected", async () => {
			const hash = sha256(image);
			const state = JSON.parse(await create("net.qcow2", { url: `${url}/moved`, sha256: hash }));
			assert.deepEqual([state.contentId, state.capacityBytes], [`sha256:${hash}`, 64 * 2 ** 20]);
			assert.deepEqual(await readFile(lab.path("pool", "net.qcow2")), image);
		});

		it("are refused before the host is touched", async () => {
			const before = await readdir(lab.path("pool"));
			const hash = sha256(image);
			const cases: Array<[string, string, RegExp, boolean?]> = [
				[
					"/image.qcow2?token=secret",
					"0".repeat(64),
					/localhost:\d+\/image\.qcow2\?\.\.\.: it sent \d+ bytes with the SHA-256/,
				],
				["/plain", hash, /redirects to http:\/\/localhost\/image; allowed are https addresses only/],
				["/loop", hash, /redirects more than 10 times/],
				["/none", hash, /the server answered 404 Not Found/],
				["/image.qcow2", hash, /self-signed certificate/, false],
			];
			for (const [path, expectedHash, message, trusted = true] of cases) {
				const said = await create("refused.qcow2", { url: url + path, sha256: expectedHash }, trusted);
				assert.match(said, message);
				assert.doesNotMatch(said, /token=secret/);
			}
			assert.deepEqual(await readdir(lab.path("pool")), before);
			assert.deepEqual(await temporary(), []);
		});
	});
});
