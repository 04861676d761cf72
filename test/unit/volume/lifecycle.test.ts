import * as assert from "node:assert/strict";
import { injectedOf } from "../../../provider/init/injected";
import { connect, type Host } from "../../../provider/libvirt";
import type { Context } from "../../../provider/lifecycle";
import { pool } from "../../../provider/pool/lifecycle";
import { poolSchema } from "../../../provider/pool/schema";
import { handlerOf } from "../../../provider/resource";
import { withSmallState } from "../../../provider/small-state";
import { volume } from "../../../provider/volume/lifecycle";
import { volumeSchema } from "../../../provider/volume/schema";

describe("pools and volumes on libvirt's test driver", () => {
	let host: Host;
	let context: Context;
	beforeEach(() => {
		host = connect("test:///default");
		context = { host, log() {} };
	});
	afterEach(() => host.close());

	const common = { uri: "test:///default", ownerId: "o/p/s/x" };
	const inputs = (more: Record<string, unknown>) => volumeSchema.parse({ ...common, pool: "mine", ...more });
	const makePool = (more: Record<string, unknown> = {}) =>
		pool.create(poolSchema.parse({ ...common, name: "mine", path: "/mine", ...more }), context);

	it("go from create to delete", async () => {
		const made = await makePool();
		assert.deepEqual(await pool.read(made.id, made.state, context), made.state);
		const base = await volume.create(inputs({ name: "base.qcow2", sizeMiB: 64 }), context);
		const clone = await volume.create(inputs({ name: "clone.qcow2", base: base.id, sizeMiB: 128 }), context);
		assert.deepEqual([clone.state.made, clone.state.lineage?.chain], ["overlay", [base.id]]);
		assert.deepEqual((await host.pools.listVolumes(made.id)).map(({ name }) => name).sort(), [
			"base.qcow2",
			"clone.qcow2",
		]);
		await volume.delete(clone.id, clone.state, context);
		await volume.delete(base.id, base.state, context);
		await volume.delete(base.id, base.state, context);
		await pool.delete(made.id, made.state, context);
		await pool.delete(made.id, made.state, context);
		assert.equal(await host.pools.find("mine"), undefined);
		assert.equal(await volume.read(base.id, base.state, context), undefined);
	});

	it("record of scripts in an image their version alone, and tell in a preview what they come to", async () => {
		await makePool();
		await volume.create(inputs({ name: "base.qcow2", sizeMiB: 64 }), context);
		const version = "5".repeat(64);
		const files = [{ path: "/usr/lib/clones-init/plan/secret", mode: 0o600, content: Buffer.from("very secret") }];
		const injected = injectedOf({ version, files, links: [], lines: [] });
		const given = { ...common, ownerId: "o/p/s/image", pool: "mine", name: "image.qcow2", base: "base.qcow2" };
		const handler = withSmallState(volume, handlerOf(volume));
		const about = { secretInputs: [["injected", "packed"]] };
		const checked = await handler.check({}, { ...given, injected, about });
		assert.deepEqual(checked.failures, []);
		assert.deepEqual(checked.inputs.injected, { version });
		assert.doesNotMatch(JSON.stringify(checked.inputs), /very secret|packed/);
		const plan = (checked.inputs.plan as string[]).join("\n");
		assert.match(plan, /scripts 55555555: 1 files of 1 KiB are put into it by libguestfs; the base stays as it is/);
		assert.match(plan, /warning: scripts cannot be put into a disk in the pool "mine".*not files of this machine/);
		const refused = await handler.check({}, { ...given, base: undefined, sizeMiB: 1, injected, about });
		assert.deepEqual(refused.failures, [
			{ property: "", reason: "injected: needs a base: scripts are put into an overlay on it" },
		]);
	});

	it("tell in a preview what will be done, and change nothing", async () => {
		assert.deepEqual(await volume.plan!(inputs({ name: "a", sizeMiB: 64 }), context), [
			'the pool "mine" is not there or not active yet',
		]);
		const made = await makePool();
		await volume.create(inputs({ name: "base.qcow2", sizeMiB: 64 }), context);
		const plan = (more: Record<string, unknown>) => volume.plan!(inputs({ name: "a", ...more }), context);
		assert.deepEqual(await plan({ sizeMiB: 64 }), ["empty qcow2 volume, 64 MiB"]);
		assert.deepEqual(await plan({ base: "base.qcow2" }), [
			"overlay on /mine/base.qcow2, 64 MiB, made by libvirt; no data is copied",
		]);
		assert.deepEqual(await plan({ base: "base.qcow2", cloning: "copy" }), [
			"full copy of /mine/base.qcow2, 64 MiB: up to 64 MiB are copied",
		]);
		assert.deepEqual(await plan({ source: { cloudInit: { userData: "secret" } }, format: "raw" }), [
			"upload of the cloud-init seed",
		]);
		assert.equal((await host.pools.listVolumes(made.id)).length, 1);
	});

	it("say what pools there are", async () => {
		await assert.rejects(
			volume.create(inputs({ name: "a", sizeMiB: 1 }), context),
			/no storage pool "mine" on test:\/\/\/default; there are: default-pool\./,
		);
	});

	it("tell what changing a pool means", async () => {
		const { state } = await makePool();
		const told = (more: Record<string, unknown>) =>
			pool
				.changes(state, poolSchema.parse({ ...common, name: "mine", path: "/mine", ...more }))
				.map((c) => `${c.property} ${c.effect}`);
		assert.deepEqual(told({ ownerId: "o/p/s/other", adopt: true }), []);
		assert.deepEqual(told({ name: "b", path: "/b" }), ["name live", "path replace"]);
		assert.deepEqual(told({ autostart: false, deleteDirectory: true }), ["autostart live", "deleteDirectory live"]);
	});
});
