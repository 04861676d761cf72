import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForkedChild } from "../../index";
import { withStore } from "../../provider/identity/access";
import { type Bench, leftOn, startBench } from "./hosts";

/** Refuses CAD-4 once, as if somebody else had it. */
const LICENCE_SERVER = `
	let held = true;
	require("node:http").createServer((request, response) => {
		const id = request.url.slice(1);
		const refused = id === "CAD-4" && held;
		if (refused) held = false;
		response.writeHead(refused ? 403 : 200);
		response.end(id + " is granted to " + request.socket.remoteAddress);
	}).listen(8080, "0.0.0.0");`;

describe("identities of forked machines", function () {
	this.timeout(400_000);
	let bench: Bench;
	let folder: string;
	const server = new AbortController();

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "forked-identities-"));
		bench = await startBench({
			program: "test/e2e/fixtures/forked-identities",
			config: { store: join(folder, "identities.sqlite"), children: '["a"]', sharedKey: "true", reserved: "false" },
		});
		bench.host.exec("node", ["-e", LICENCE_SERVER], { signal: server.signal }).catch(() => {});
	});
	after(async () => {
		server.abort();
		await bench?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	const machines = async () => (await bench.project.outputs<{ machines: ForkedChild[] }>()).machines;
	const inStore = () =>
		withStore({ sqlite: { path: join(folder, "identities.sqlite") } }, async (store) =>
			(await store.list("web")).map(({ name, state, reason = "" }) => `${name} ${state} ${reason}`.trim()),
		);

	it("are in quarantine when their machine does not become who it was to be, and it is gone", async () => {
		const { code, stdout, stderr } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		const said = stdout + stderr;
		assert.match(said, /the child is not who it was to be: it has ssh host keys that are not its own/);
		assert.match(said, /Its identity web-1 of the pool web is in quarantine; the next pulumi up takes another one/);
		const [first, ...others] = await inStore();
		assert.match(first!, /^web-1 quarantined the child is not who it was to be: it has ssh host keys that/);
		assert.deepEqual(others, ["web-2 free", "web-3 free", "web-4 free", "web-5 free"]);
		assert.doesNotMatch((await leftOn(bench)).join("\n"), /^vm-a$/m);
	});

	it("are in quarantine when the network gives their machine another address", async () => {
		await bench.project.setConfig("sharedKey", "false");
		const { code, stdout, stderr } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		const other = /its address is 192\.168\.156\.\d+\/24 instead of 192\.168\.156\.11, which its identity has/;
		assert.match(stdout + stderr, other);
		assert.match((await inStore())[1]!, /^web-2 quarantined the child is not who it was to be: its address is 192/);
		assert.doesNotMatch((await leftOn(bench)).join("\n"), /^vm-a$/m);
	});

	it("are others the next time, as the preview says", async () => {
		await bench.project.setConfig("reserved", "true");
		const ask = "wget -q -O - http://192.168.156.1:8080/$LICENCE_ID";
		await bench.project.setConfig("licence", JSON.stringify({ command: ["/bin/sh", "-c", ask] }));
		assert.match((await bench.project.preview(["--diff"])).stdout, /web-2 is in quarantine, and another one is taken/);
		await bench.project.up();
		assert.deepEqual(
			(await machines()).map(({ identity, verified }) => [identity, verified?.hostname]),
			[["web-3", "web-3"]],
		);
		assert.match(
			(await inStore()).join("; "),
			/^web-1 quarantined .*; web-2 quarantined .*; web-3 leased; web-4 free; web-5 free$/,
		);
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("have their licences renewed, each its own", async () => {
		const [{ verified }] = (await machines()) as [ForkedChild];
		assert.deepEqual(verified!.licence, { id: "CAD-3", outcome: "CAD-3 is granted to 192.168.156.12" });
		await bench.project.setConfig("children", '["a", "b"]');
		const { code, stdout, stderr } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout + stderr, /the licence was not renewed: its command ended with 1; it said: .*403 Forbidden/);
		assert.match((await inStore()).join("; "), /web-4 leased; web-5 free$/);
		assert.doesNotMatch((await leftOn(bench)).join("\n"), /^vm-b$/m);
		await bench.project.up();
		const [, b] = await machines();
		assert.deepEqual(b!.verified!.licence, { id: "CAD-4", outcome: "CAD-4 is granted to 192.168.156.13" });
	});

	it("are kept by machines that give way to one that needs their memory, and are on again when there is room", async () => {
		const domains = async () =>
			((await bench.project.state()).deployment.resources ?? []).filter(({ type }) => type.endsWith("clones:Domain"));
		await bench.host.seeMemory(600);
		await bench.project.setConfig("bigMiB", "768");
		const preview = await bench.project.preview();
		assert.match(preview.stdout, /give way, the last started first, until there is room: vm-b, vm-a/);
		await bench.project.up();
		for (const name of ["vm-a", "vm-b"]) assert.match(await bench.host.virsh("domstate", name), /shut off/);
		await bench.project.refresh();
		const away = (await domains()).filter(({ outputs }) => outputs?.preempted === true);
		assert.equal(away.length, 2);

		await bench.host.seeMemory(100);
		await bench.project.preview(["--expect-no-changes"]);

		await bench.host.seeMemory(600);
		await bench.project.configure({ bigMiB: undefined });
		assert.match(
			(await bench.project.preview(["--diff"])).stdout,
			/there is room for it again: goes on from its parent/,
		);
		await bench.project.up();
		assert.deepEqual(
			(await machines()).map(({ identity, power, preempted }) => [identity, power, preempted]),
			[
				["web-3", "on", false],
				["web-4", "on", false],
			],
		);
		for (const name of ["vm-a", "vm-b"]) assert.match(await bench.host.virsh("domstate", name), /running/);
	});

	it("are all gone with their pool", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
