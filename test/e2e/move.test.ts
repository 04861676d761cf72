import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";
import { type Bench, leftOn, startBench } from "./hosts";

const run = promisify(execFile);

/** With nothing that has to boot: what it sends, and how, is the same. */
describe("a machine of a program whose host becomes another one", function () {
	this.timeout(300_000);
	let bench: Bench;
	let second: TestHost;
	let there: Pick<Bench, "host" | "poolPath">;

	before(async () => {
		second = await startTestHost();
		const secondPath = join(second.poolDirectory, "images");
		bench = await startBench({
			program: "test/e2e/fixtures/move",
			config: { on: "first", second: second.uri, secondPath },
		});
		there = { host: second, poolPath: secondPath };
		await connectHosts(bench.host, second);
		await bench.project.up();
	});
	after(async () => {
		await bench?.stop();
		await second?.stop();
	});

	const outputs = () => bench.project.outputs<{ paths: [string, string]; uuid: string }>();
	const move = (on: string) => bench.project.setConfig("on", on);

	it("is refused where its volumes may not go, or nothing tells the way, before anything is touched", async () => {
		await move("second");
		await bench.project.setConfig("fixed", "true");
		const fixed = await bench.project.run(["preview"]);
		assert.match(fixed.stdout, /uri: got .*allowed is that for a movable one/);
		await bench.project.setConfig("fixed", "false");
		const lost = await bench.project.run(["preview"]);
		assert.match(lost.stdout, /migration\.peerUri: got none, and uri is .* allowed is a URI with a host name/);
		assert.equal(await bench.host.virsh("list", "--all", "--name"), "machine");
	});

	it("moves with its disks, as the preview says", async () => {
		const before = await outputs();
		const data = before.paths[1];
		await bench.host.exec("qemu-io", ["-f", "qcow2", "-c", "write -P 7 1M 64k", data]);
		await bench.project.setConfig("secondPeer", `qemu+tcp://${second.linkAddress}/system`);
		const { stdout, changes } = await bench.project.preview(["--diff"]);
		assert.deepEqual(
			[changes.update, changes.replace, changes.create, changes.delete],
			[1, 2, undefined, undefined],
			stdout,
		);
		// Long lines go on in the next.
		const plans = stdout.replace(/",?\s+\+? +\[\d+\]: " +/g, " ");
		assert.match(plans, /uri: live: moves from .*: what its 2 disk\(s\) hold is sent to tcp:\/\/\S+; it stays off"/);
		assert.match(
			plans,
			/"uri: replace: made on the new host first; this one goes when the machine on it has moved there"/,
		);
		await bench.project.up();

		const after = await outputs();
		assert.equal(after.uuid, before.uuid);
		assert.equal(await second.virsh("domuuid", "machine"), before.uuid);
		assert.equal(await second.virsh("domstate", "machine"), "shut off");
		assert.equal(await bench.host.virsh("list", "--all", "--name"), "");
		for (const path of before.paths) assert.ok(!existsSync(path), path);
		await second.exec("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 7 1M 64k", after.paths[1]]);
		const { stdout: info } = await run("qemu-img", ["info", "--output=json", after.paths[0]]);
		assert.match(JSON.parse(info)["full-backing-filename"], /gold-second/);
	});

	it("shows no change afterwards, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("goes back while it runs, by the steps of a template, which the next run ends when one of them fails", async () => {
		const { uuid, paths } = await outputs();
		await bench.project.setConfig("running", "true");
		await bench.project.setConfig("last", "false");
		await bench.project.up();
		await bench.project.setConfig("firstPeer", `qemu+tcp://${bench.host.linkAddress}/system`);
		await move("first");
		const { stdout } = await bench.project.must(["preview", "--json"]);
		const { steps } = JSON.parse(stdout) as { steps: Array<{ newState?: { inputs?: { plan?: string[] } } }> };
		const plans = steps
			.flatMap(({ newState }) => newState?.inputs?.plan ?? [])
			.join(" ")
			.replace(/\s+/g, " ");
		assert.match(
			plans,
			/morph: live: 4 step\(s\); 1\. preMigration: run true on the host; 2\. migration: goes to .*; 3\. duringMigration: run true/,
		);
		const failed = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(failed.code, 0);
		assert.match(failed.stdout, /could not run false on the host: it ended with exit code 1/);
		assert.equal(await bench.host.virsh("domstate", uuid), "running");
		assert.equal(await second.virsh("list", "--all", "--name"), "");
		for (const path of paths) assert.ok(existsSync(path), `${path} goes when all has succeeded`);
		await bench.project.setConfig("last", "true");
		await bench.project.up();
		await bench.project.preview(["--expect-no-changes"]);
		assert.equal(await bench.host.virsh("domuuid", "machine"), uuid);
		assert.equal(await bench.host.virsh("domstate", uuid), "running");
	});

	it("leaves nothing on either", async () => {
		assert.deepEqual(
			(await leftOn({ ...bench, ...there })).filter((name) => !/^(images|gold-second-.*)$/.test(name)),
			[],
		);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		assert.deepEqual(await leftOn({ ...bench, ...there }), []);
	});
});
