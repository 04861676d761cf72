import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForkedChild } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/forked-web-workers", function () {
	this.timeout(400_000);
	let bench: Bench;
	let folder: string;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "forked-web-workers-"));
		bench = await startBench({
			program: "examples/forked-web-workers",
			config: { store: join(folder, "identities.sqlite"), workers: "2" },
		});
	});
	after(async () => {
		await bench?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	const machines = async () => (await bench.project.outputs<{ machines: ForkedChild[] }>()).machines;

	it("says in a preview what is going to be made", async () => {
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /ForkPoint/);
	});

	it("forks workers that answer under their own names, without a boot", async () => {
		await bench.project.up();
		const all = await machines();
		assert.deepEqual(all.map(({ identity }) => identity).sort(), ["web-01", "web-02"]);
		for (const { name, identity, verified, macs } of all) {
			assert.equal(verified!.hostname, identity);
			assert.equal(verified!.hostKeys.length, 2);
			assert.equal(macs[0], `52:54:00:15:50:${identity!.slice(-2)}`);
			const address = verified!.addresses[0]!.split("/")[0];
			assert.equal(address, `192.168.155.${9 + Number(identity!.slice(-2))}`);
			const answer = await bench.host.exec("curl", ["-sS", "--max-time", "20", `http://${address}/cgi-bin/name`]);
			assert.equal(answer.stdout.trim(), identity);
			assert.match(await inGuest(bench.host, name, "cat /etc/machine-identity.json"), new RegExp(`"${identity}"`));
		}
		assert.equal(new Set(all.map(({ verified }) => verified!.random)).size, 2);
	});

	it("shows no change in a second preview, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("forks one more without touching the others", async () => {
		const before = await machines();
		await bench.project.setConfig("workers", "3");
		const { changes } = await bench.project.preview();
		assert.equal(changes.replace, undefined);
		await bench.project.up();
		assert.deepEqual((await machines()).slice(0, 2), before);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
