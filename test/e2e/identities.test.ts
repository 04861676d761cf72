import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withStore } from "../../provider/identity/access";
import { Project } from "../../tools/pulumi/project";

interface Outputs {
	reservations: Array<{ mac: string; ip: string; name: string }>;
	taken: Array<{ name: string; mac: string; ips: string[] }>;
}

describe("identities", function () {
	this.timeout(300_000);
	let project: Project;
	let folder: string;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "identities-"));
		project = await Project.start({
			program: "test/e2e/fixtures/identities",
			config: { store: join(folder, "store", "identities.sqlite"), count: "4", leases: '["a", "b"]' },
		});
	});
	after(async () => {
		await project?.remove();
		await rm(folder, { recursive: true, force: true });
	});

	const taken = async () => (await project.outputs<Outputs>()).taken;
	const states = () =>
		withStore({ sqlite: { path: join(folder, "store", "identities.sqlite") } }, async (store) =>
			Object.fromEntries((await store.list("web")).map(({ name, state }) => [name, state])),
		);

	it("are said in the preview, which makes nothing, and are made and taken by up", async () => {
		const { stdout } = await project.preview();
		assert.match(stdout, /makes web-001 to web-004 \(4\)/);
		await assert.rejects(readFile(join(folder, "store", "identities.sqlite")), /ENOENT/);
		await project.up();
		const { reservations } = await project.outputs<Outputs>();
		assert.deepEqual(
			reservations.map(({ ip, name }) => `${name} ${ip}`),
			["web-001 10.0.0.2", "web-002 10.0.0.3", "web-003 10.0.0.4", "web-004 10.0.0.5"],
		);
		assert.deepEqual((await taken()).map(({ name }) => name).sort(), ["web-001", "web-002"]);
		assert.deepEqual(await states(), {
			"web-001": "leased",
			"web-002": "leased",
			"web-003": "free",
			"web-004": "free",
		});
	});

	it("stay with whoever holds them", async () => {
		const before = await taken();
		await project.preview(["--expect-no-changes"]);
		await project.refresh(["--expect-no-changes"]);
		await project.up();
		assert.deepEqual(await taken(), before);
	});

	it("are encrypted in the state, as is the way to them", async () => {
		const { deployment } = await project.state();
		const text = JSON.stringify(deployment);
		assert.doesNotMatch(text, /OPENSSH PRIVATE KEY/);
		const pool = deployment.resources!.find(({ type }) => type.endsWith(":IdentityPool"))!;
		assert.match(JSON.stringify(pool.outputs.access), /ciphertext/);
	});

	it("are taken from those that are free, of which the preview says how many there are", async () => {
		await project.setConfig("leases", '["a", "b", "c"]');
		const { stdout } = await project.preview();
		assert.match(stdout, /takes one of 2 free identities of the pool web/);
		const before = await taken();
		await project.up();
		assert.deepEqual((await taken()).slice(0, 2), before);
		assert.equal((await taken())[2]!.name, "web-003");
	});

	it("are returned when their resource goes, and have new keys when they are taken again", async () => {
		const former = JSON.stringify((await project.must(["stack", "output", "keys", "--show-secrets", "--json"])).stdout);
		await project.setConfig("leases", '["b", "c"]');
		await project.up();
		assert.deepEqual(Object.values(await states()).sort(), ["free", "free", "leased", "leased"]);
		await project.setConfig("leases", '["b", "c", "d"]');
		await project.up();
		const [, , d] = await taken();
		const keys = JSON.parse((await project.must(["stack", "output", "keys", "--show-secrets", "--json"])).stdout);
		assert.ok(d!.name === "web-001" || d!.name === "web-002" || d!.name === "web-004");
		assert.doesNotMatch(former, new RegExp(keys[2][0].publicKey.split(" ")[1].slice(0, 60).replace(/[+/]/g, ".")));
	});

	it("grow, and shrink by those that nobody holds", async () => {
		await project.setConfig("count", "6");
		assert.match((await project.preview()).stdout, /count: live: makes web-005, web-006/);
		await project.up();
		assert.equal(Object.keys(await states()).length, 6);
		await project.setConfig("count", "5");
		assert.match((await project.preview()).stdout, /count: live: removes web-006; refused while machines hold them/);
		await project.up();
		assert.equal(Object.keys(await states()).length, 5);
		await project.setConfig("count", "1");
		const refused = await project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(refused.code, 0);
		assert.match(
			refused.stdout + refused.stderr,
			/cannot be removed from pool web while machines hold them: .*organization\/identities\/dev\//,
		);
		assert.equal(Object.keys(await states()).length, 5);
		await project.setConfig("count", "5");
		await project.up();
	});

	it("are kept in quarantine, and drained", async () => {
		await project.setConfig("quarantined", '["web-005"]');
		await project.setConfig("draining", "true");
		const { stdout } = await project.preview();
		assert.match(stdout, /quarantined: live: web-005 into quarantine/);
		assert.match(stdout, /draining: live: no identity is given out any more/);
		await project.up();
		assert.equal((await states())["web-005"], "quarantined");
		await project.setConfig("leases", '["b", "c", "d", "e"]');
		const refused = await project.run(["up", "--yes", "--skip-preview"]);
		assert.match(refused.stdout + refused.stderr, /pool web is drained/);
		await project.setConfig("draining", "false");
		await project.setConfig("quarantined", "[]");
		await project.up();
		assert.equal((await states())["web-005"], "free");
	});

	it("are gone with their pool", async () => {
		await project.destroy();
		await withStore({ sqlite: { path: join(folder, "store", "identities.sqlite") } }, async (store) =>
			assert.deepEqual(await store.pools(), []),
		);
	});
});
