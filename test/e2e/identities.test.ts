import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withStore } from "../../provider/identity/access";
import { Project } from "../../tools/pulumi/project";

interface Outputs {
	reservations: Array<{ mac: string; ip: string; name: string }>;
	taken: Array<{ name: string; mac: string; ips: string[]; licenceId: string }>;
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
		assert.deepEqual((await taken()).map(({ name, licenceId }) => `${name} ${licenceId}`).sort(), [
			"web-001 CAD-1",
			"web-002 CAD-2",
		]);
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
		await project.refresh(["--expect-no-changes"]);
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
		const { stdout: growing, changes } = await project.preview();
		assert.match(growing, /count: live: makes web-005, web-006/);
		assert.equal(changes.replace, undefined, "machines would have to be others");
		await project.up();
		assert.equal(Object.keys(await states()).length, 6);
		await project.setConfig("count", "5");
		assert.match((await project.preview()).stdout, /count: live: removes web-006; refused while machines hold them/);
		await project.up();
		assert.equal(Object.keys(await states()).length, 5);
		await project.setConfig("count", "1");
		const { code, stdout } = await project.run(["preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /got a pool of 1 identities, of which the program takes 1 elsewhere; allowed is/);
		await project.setConfig("count", "5");
	});

	it("that nobody holds any more are told by refresh, and freed by the command line alone", async () => {
		const leases = (await taken()).map(({ name }, index) => ({ name, lessee: ["b", "c", "d"][index]! }));
		const [last, ...others] = leases.sort((a, b) => (a.name < b.name ? 1 : -1));
		const [lost, owner] = [last!.name, `organization/identities/dev/${last!.lessee}`];
		const { deployment } = await project.state();
		const { urn } = deployment.resources!.find(
			({ type, urn }) => type.endsWith(":Identity") && urn.endsWith(`::${last!.lessee}`),
		)!;
		await project.must(["state", "delete", urn, "--yes"]);
		await project.setConfig("leases", JSON.stringify(others.map(({ lessee }) => lessee)));
		await project.up();
		assert.match(
			(await project.must(["refresh", "--yes", "--diff"])).stdout,
			new RegExp(`${lost} is held by ${owner} since`),
		);
		assert.equal((await states())[lost], "leased");

		// Not removed by a pool that shrinks, either.
		await project.setConfig("count", String(Number(lost.slice(-3)) - 1));
		const refused = await project.run(["up", "--yes", "--skip-preview"]);
		assert.match(
			refused.stdout + refused.stderr,
			new RegExp(`cannot be removed from pool web while machines hold them: .*${owner}`),
		);
		await project.setConfig("count", "5");
		await project.up();

		const identities = (...args: string[]) =>
			project.commandLine("identities", ...args, "--stack", "organization/identities/dev");
		const list = await identities("list");
		assert.match(
			list.stdout,
			new RegExp(`^web +${lost} +leased +${owner} +\\d+ +\\S+Z +its owner is gone$`, "m"),
			list.stderr,
		);
		assert.match(list.stdout, /^web +web-005 +free +- /m);
		assert.doesNotMatch(list.stdout, /PRIVATE|"key"|password/);
		const [held] = (await taken()).map(({ name }) => name);
		assert.match(
			(await identities("release", held!, "--yes")).stderr,
			/is held by .*\/[bcd] since .*, which is in the state of its stack; destroy it/,
		);
		assert.match(
			(await identities("release", "web-005", "--yes")).stderr,
			/web-005 of the pool web is free; allowed are leased ones/,
		);
		assert.match((await identities("release", "web-099", "--yes")).stderr, /no pool of .* has an identity web-099/);
		assert.match(
			(await identities("release", lost, "--pool", "wep")).stderr,
			/--pool: got "wep"; allowed are pools of .*: web/,
		);
		const asked = await identities("release", lost);
		assert.match(
			asked.stdout,
			new RegExp(`would release ${lost} of the pool web, held by ${owner}\nNothing was changed`),
		);
		assert.equal((await states())[lost], "leased");
		assert.match(
			(await identities("release", lost, "--yes")).stdout,
			new RegExp(`^released ${lost} of the pool web, held by`),
		);
		assert.equal((await states())[lost], "free");
		await project.must(["refresh", "--yes"]);
		await project.refresh(["--expect-no-changes"]);
		await project.setConfig("leases", '["b", "c", "d"]');
		await project.up();
	});

	it("that a stack holds which is gone itself are freed when their owner is named", async () => {
		const store = { sqlite: { path: join(folder, "store", "identities.sqlite") } };
		const owner = "organization/identities/gone/vm-0";
		const { name, secrets } = await withStore(store, (opened) => opened.allocate("web", owner));
		const release = (...args: string[]) =>
			project.commandLine("identities", "release", name, ...args, "--stack", "organization/identities/dev");
		const unnamed = await release("--yes");
		assert.match(unnamed.stderr, new RegExp(`held by ${owner} since .*, of another stack; .*: --owner ${owner}`));
		const misnamed = await release("--owner", "organization/identities/gone/vm-1", "--yes");
		assert.match(
			misnamed.stderr,
			new RegExp(`held by ${owner} since .*; --owner: got "organization/identities/gone/vm-1"`),
		);
		assert.match((await release("--owner", owner)).stdout, /^would release .*\nNothing was changed/);
		assert.equal((await states())[name], "leased");
		const released = await release("--owner", owner, "--yes");
		assert.match(released.stdout, new RegExp(`^released ${name} of the pool web, held by ${owner}`), released.stderr);
		const [free] = await withStore(store, async (opened) =>
			(await opened.list("web", { states: ["free"] })).filter((own) => own.name === name),
		);
		assert.notDeepEqual(free!.secrets, secrets);
	});

	it("are kept in quarantine, and drained", async () => {
		await project.setConfig("quarantined", '["web-005"]');
		await project.setConfig("draining", "true");
		const { stdout } = await project.preview();
		assert.match(stdout, /quarantined: live: web-005 into quarantine/);
		assert.match(stdout, /draining: live: no identity is given out any more/);
		await project.up();
		assert.equal((await states())["web-005"], "quarantined");
		const stack = ["--stack", "organization/identities/dev"];
		const asked = await project.commandLine("identities", "release", "web-005", ...stack, "--yes");
		assert.match(asked.stderr, /web-005 of the pool web is in quarantine as the program asks; take it from/);
		const store = { sqlite: { path: join(folder, "store", "identities.sqlite") } };
		const free = Object.entries(await states()).find(([, state]) => state === "free")![0];
		await withStore(store, (opened) => opened.quarantine("web", free, "its account was locked"));
		const list = await project.commandLine("identities", "list", ...stack);
		assert.match(list.stdout, new RegExp(`${free} +quarantined .*its account was locked$`, "m"));
		const released = await project.commandLine("identities", "release", free, ...stack, "--yes");
		assert.match(
			released.stdout,
			new RegExp(`^released ${free} of the pool web, in quarantine: its account was locked`),
		);
		assert.equal((await states())[free], "free");
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
