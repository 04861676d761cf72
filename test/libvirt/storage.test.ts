import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { freshHost } from "./fast";

const MiB = 1024 * 1024;
const volumeXml = (name: string, mebibytes = 5) =>
	`<volume><name>${name}</name><capacity unit="MiB">${mebibytes}</capacity></volume>`;

describe("libvirt binding: pools and volumes (test driver)", () => {
	const host = freshHost();
	const poolUuid = async () => (await host().pools.find("default-pool"))!.uuid;

	it("defines, builds, starts, measures, stops, deletes and undefines a pool", async () => {
		const { pools } = host();
		const uuid = randomUUID();
		const xml = `<pool type="dir"><name>p</name><uuid>${uuid}</uuid><target><path>/p</path></target></pool>`;
		assert.deepEqual(await pools.define(xml), { name: "p", uuid, active: false, persistent: true });
		assert.deepEqual((await pools.list()).map(({ name }) => name).sort(), ["default-pool", "p"]);
		await pools.build(uuid);
		await pools.start(uuid);
		await pools.refresh(uuid);
		assert.equal((await pools.find("p"))?.active, true);
		assert.match(await pools.xml(uuid), /<path>\/p<\/path>/);
		const { capacityBytes, allocationBytes, availableBytes } = await pools.space(uuid);
		assert.equal(capacityBytes, allocationBytes + availableBytes);
		assert.ok(capacityBytes > 0);
		await pools.setAutostart(uuid, true);
		assert.equal(await pools.getAutostart(uuid), true);
		await pools.destroy(uuid);
		await pools.delete(uuid);
		await pools.undefine(uuid);
		assert.equal(await pools.find(uuid), undefined);
		assert.equal(await pools.find("p"), undefined);
	});

	it("creates, finds, lists, measures and deletes volumes", async () => {
		const { pools, volumes } = host();
		const pool = await poolUuid();
		const made = await volumes.create(pool, volumeXml("a"));
		assert.deepEqual(made, {
			name: "a",
			key: "/default-pool/a",
			path: "/default-pool/a",
			pool: "default-pool",
		});
		assert.deepEqual(await volumes.find(made.key), made);
		assert.deepEqual(await volumes.findInPool(pool, "a"), made);
		assert.equal((await pools.findByVolume(made.key))?.uuid, pool);
		assert.deepEqual(await volumes.size(made.key), { capacityBytes: 5 * MiB, allocationBytes: 5 * MiB });
		const [listed, ...more] = await pools.listVolumes(pool);
		assert.deepEqual(more, []);
		assert.equal(listed?.key, made.key);
		assert.equal(listed?.xml, await volumes.xml(made.key));
		await volumes.delete(made.key);
		assert.equal(await volumes.find(made.key), undefined);
		assert.equal(await volumes.findInPool(pool, "a"), undefined);
		assert.equal(await pools.findByVolume(made.key), undefined);
	});

	it("creates a volume from another", async () => {
		const { volumes } = host();
		const pool = await poolUuid();
		const source = await volumes.create(pool, volumeXml("source"));
		const copy = await volumes.createFrom(pool, volumeXml("copy"), source.key);
		assert.equal(copy.path, "/default-pool/copy");
	});

	it("passes sizes beyond 32 bits and beyond 2^53 / 1024", async () => {
		const { volumes } = host();
		const bytes = 50 * 1024 * MiB;
		const xml = `<volume><name>big</name><capacity>${bytes}</capacity><allocation>0</allocation></volume>`;
		const { key } = await volumes.create(await poolUuid(), xml);
		assert.equal((await volumes.size(key)).capacityBytes, bytes);
	});
});
