import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";
import { type Bench, leftOn, startBench } from "./hosts";

/** Private hosts have the machine's files in common: a pool of one path on both is storage that they share. */
describe("a machine of a program that goes to a host with the same storage", function () {
	this.timeout(300_000);
	let bench: Bench;
	let second: TestHost;

	before(async () => {
		second = await startTestHost({ network: false });
		bench = await startBench(
			{ program: "test/e2e/fixtures/move-shared", config: { on: "first", second: second.uri } },
			{ network: false },
		);
		await connectHosts(bench.host, second);
		await bench.project.setConfig("firstPeer", `qemu+tcp://${bench.host.linkAddress}/system`);
		await bench.project.setConfig("secondPeer", `qemu+tcp://${second.linkAddress}/system`);
		await bench.project.up();
	});
	after(async () => {
		await bench?.stop();
		await second?.stop();
	});

	const outputs = () => bench.project.outputs<{ paths: [string, string]; uuid: string }>();

	it("keeps its files, and nothing of it is left on the former host", async () => {
		const before = await outputs();
		await bench.host.exec("qemu-io", ["-f", "qcow2", "-c", "write -P 7 1M 64k", before.paths[1]]);
		const inodes = () => Promise.all(before.paths.map(async (path) => (await stat(path)).ino));
		const found = await inodes();
		for (const [on, host, other] of [
			["second", second, bench.host],
			["first", bench.host, second],
		] as const) {
			await bench.project.setConfig("on", on);
			await bench.project.up();
			assert.deepEqual(await outputs(), before);
			assert.equal(await host.virsh("domuuid", "machine"), before.uuid);
			assert.equal(await other.virsh("list", "--all", "--name"), "");
			assert.deepEqual(await inodes(), found);
			const marks = (await readdir(bench.poolPath)).filter((name) => name.endsWith(".held"));
			assert.equal(marks.length, 2, marks.join());
			await bench.project.preview(["--expect-no-changes"]);
			await bench.project.refresh(["--expect-no-changes"]);
		}
		await second.exec("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 7 1M 64k", before.paths[1]]);
	});

	it("leaves neither file nor mark on either when it is removed", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		assert.deepEqual(await leftOn({ ...bench, host: second }), []);
	});
});
