import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForkedChild, ForkedChildUsage } from "../../index";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/forked-web-workers", function () {
	this.timeout(400_000);
	let bench: Bench;
	let folder: string;
	let second: TestHost | undefined;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "forked-web-workers-"));
		bench = await startBench({
			program: "examples/forked-web-workers",
			config: { store: join(folder, "identities.sqlite"), workers: "2" },
		});
	});
	after(async () => {
		await bench?.stop();
		await second?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	const machines = async () => (await bench.project.outputs<{ machines: ForkedChild[] }>()).machines;
	const spare = async () => (await machines()).find(({ name }) => name === "web-spare")!;
	const workers = async () => (await machines()).filter(({ name }) => name !== "web-spare");

	async function answers({ name, identity, verified }: ForkedChild): Promise<void> {
		const address = verified!.addresses[0]!.split("/")[0];
		assert.equal(address, `192.168.155.${9 + Number(identity!.slice(-2))}`);
		const answer = await bench.host.exec("curl", ["-sS", "--max-time", "20", `http://${address}/cgi-bin/name`]);
		assert.equal(answer.stdout.trim(), identity);
		assert.match(await inGuest(bench.host, name, "cat /etc/machine-identity.json"), new RegExp(`"${identity}"`));
	}

	it("says in a preview what is going to be made", async () => {
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /ForkPoint/);
	});

	it("forks workers that answer under their own names, without a boot", async () => {
		await bench.project.up();
		const all = await workers();
		const identities = (await machines()).map(({ identity }) => identity).sort();
		assert.deepEqual(identities, ["web-01", "web-02", "web-03"]);
		for (const worker of all) {
			const { identity, verified, macs } = worker;
			assert.equal(verified!.hostname, identity);
			assert.equal(verified!.hostKeys.length, 2);
			assert.equal(macs[0], `52:54:00:15:50:${identity!.slice(-2)}`);
			await answers(worker);
		}
		assert.equal(new Set(all.map(({ verified }) => verified!.random)).size, 2);
	});

	it("keeps one more waiting in QEMU", async () => {
		const { power, verified } = await spare();
		assert.deepEqual({ power, verified }, { power: "warm", verified: undefined });
		assert.match(await bench.host.virsh("domstate", "web-spare"), /paused/);
	});

	it("shows no change in a second preview, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("forks one more, and goes on with the one that waits, without touching the others", async () => {
		const before = await workers();
		await bench.project.configure({ workers: "3", spare: "on", usage: "true" });
		const { changes, stdout } = await bench.project.preview();
		assert.equal(changes.replace, undefined);
		assert.match(stdout, /goes on from its parent in the QEMU that waits for it/);
		await bench.project.up();
		assert.deepEqual((await workers()).slice(0, 2), before);
		const { power, verified } = await spare();
		assert.equal(power, "on");
		assert.equal(verified!.timings.startMs, undefined);
		await answers(await spare());
	});

	it("tells what each has for itself", async () => {
		const { usage } = await bench.project.outputs<{ usage: ForkedChildUsage[] }>();
		assert.deepEqual(usage.map(({ name }) => name).sort(), ["web-0", "web-1", "web-2", "web-spare"]);
		for (const { name, state, privateMemoryBytes, sharedMemoryBytes, diskBytes } of usage) {
			assert.equal(state, "running");
			assert.ok(privateMemoryBytes! > 0 && privateMemoryBytes! < sharedMemoryBytes!, name);
			assert.ok(diskBytes > 0, name);
		}
	});

	it("forks one of them afresh at an operator's word, as who it is, and touches no other", async () => {
		const before = await machines();
		const args = ["web", "1", "--on-reset", "refork", "--stack", "dev", "--yes"];
		const { code, stderr } = await bench.project.commandLine("fork", "reset", ...args);
		assert.equal(code, 0, stderr);
		const after = await machines();
		const others = (all: ForkedChild[]) => all.filter(({ name }) => name !== "web-1");
		assert.deepEqual(others(after), others(before));
		const [was, is] = [before, after].map((all) => all.find(({ name }) => name === "web-1")!);
		assert.deepEqual([is!.identity, is!.uuid, is!.macs], [was!.identity, was!.uuid, was!.macs]);
		assert.notEqual(is!.verified!.random, was!.verified!.random);
		await answers(is!);
	});

	it("lets one go to another host as it runs, with nothing left to change", async () => {
		second = await startTestHost();
		await connectHosts(bench.host, second);
		const before = await spare();
		const { uri, linkAddress } = second;
		const host = `{ uri: "${uri}", pool: new StoragePool("there", { uri: "${uri}", path: "${second.poolDirectory}/images" }), network: "default", migration: { peerUri: "qemu+tcp://${linkAddress}/system" } }`;
		await bench.project.edit("index.ts", "children: { spare: { power:", `children: { spare: { host: ${host}, power:`);
		const { changes, stdout } = await bench.project.preview();
		assert.deepEqual([changes.update, changes.replace, changes.delete], [1, 1, undefined], stdout);
		const bootId = "cat /proc/sys/kernel/random/boot_id; hostname";
		const was = await inGuest(bench.host, "web-spare", bootId);
		await bench.project.up();
		const now = await spare();
		assert.deepEqual({ ...now, volumePath: before.volumePath }, before);
		assert.equal(await inGuest(second, "web-spare", bootId), was);
		assert.equal((await bench.host.virsh("list", "--all", "--name")).includes("web-spare"), false);
		assert.ok(!existsSync(before.volumePath));
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		assert.deepEqual(await leftOn({ ...bench, host: second!, poolPath: join(second!.poolDirectory, "images") }), []);
	});
});
