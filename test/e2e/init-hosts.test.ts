import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { InitInstance } from "../../index";
import { ensureAppliance } from "../../tools/images/appliance";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const MIB = 2 ** 20;

describe("clones with scripts on several hosts", function () {
	this.timeout(400_000);
	let bench: Bench;
	let second: TestHost;
	let secondPath: string;

	before(async () => {
		second = await startTestHost();
		secondPath = join(second.poolDirectory, "images");
		bench = await startBench({
			program: "test/e2e/fixtures/init-hosts",
			config: { nodes: "2", second: second.uri, secondPath },
			env: { LIBGUESTFS_PATH: await ensureAppliance() },
		});
	});
	after(async () => {
		await bench?.stop();
		await second?.stop();
	});

	const machines = async () => (await bench.project.outputs<{ machines: InitInstance[] }>()).machines;
	const replica = async () => {
		const [name, ...others] = (await readdir(secondPath)).filter((file) => file.startsWith("node-image-"));
		assert.deepEqual(others, []);
		return stat(join(secondPath, name!));
	};

	it("makes nothing where one of the hosts does not answer", async () => {
		await bench.project.setConfig("other", "qemu+unix:///system?socket=/nowhere/libvirt-sock");
		const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(failed.code, 0);
		assert.match(failed.stdout, /cannot connect to .*\/nowhere\/libvirt-sock/);
		assert.deepEqual(
			(await leftOn(bench)).filter((name) => name.startsWith("node")),
			[],
		);
		await bench.project.configure({ "init-hosts:other": undefined });
	});

	it("says in the preview where each clone is made", async () => {
		const { stdout } = await bench.project.preview(["--diff"]);
		for (const [name, uri] of [
			["node-0", bench.host.uri],
			["node-1", second.uri],
		]) {
			const [, domain = ""] = stdout.split(`clones:Domain::${name}]`);
			assert.equal(/^ +uri +: "(.*)"$/m.exec(domain)?.[1], uri, stdout);
		}
	});

	it("makes the clones in turn, each of which computes who it is", async () => {
		await bench.project.up();
		const made = await machines();
		assert.deepEqual(
			made.map(({ name, uri }) => [name, uri]),
			[
				["node-0", bench.host.uri],
				["node-1", second.uri],
			],
		);
		assert.equal(await inGuest(bench.host, "node-0", "hostname"), "node-01");
		assert.equal(await inGuest(second, "node-1", "hostname"), "node-02");
		// Of the image only what it has beside the gold image, which is there.
		assert.ok((await replica()).size < 6 * MIB);
	});

	it("sends nothing again, also for one more clone", async () => {
		const before = await replica();
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.setConfig("nodes", "3");
		const { changes } = await bench.project.up();
		// The list of the hosts' clones is recorded.
		assert.deepEqual([changes.create, changes.update, changes.replace], [2, 1, undefined]);
		assert.equal((await machines())[2]!.uri, second.uri);
		assert.equal(await inGuest(second, "node-2", "hostname"), "node-03");
		const now = await replica();
		assert.deepEqual([now.ino, now.mtimeMs], [before.ino, before.mtimeMs]);
	});

	it("leaves nothing on either", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		assert.deepEqual(await leftOn({ ...bench, host: second, poolPath: secondPath }), []);
	});
});
