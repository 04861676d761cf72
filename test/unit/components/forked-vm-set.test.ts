import assert from "node:assert/strict";
import { ForkedVMSet, type ForkedVMSetArgs, ForkPoint } from "../../../index";
import { connect } from "../../../provider/libvirt";
import { type Registered, registeredBy } from "./mocks";

const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const VOLUME = "pulumi-nodejs:dynamic/clones:Volume";

const parent = { uuid: "3c5b", disk: "/images/warm.qcow2", pool: "images" };

async function made(args: Partial<ForkedVMSetArgs>): Promise<Registered[]> {
	return registeredBy(() => new ForkedVMSet("web", { parent, ...args }));
}

const inputs = (registered: Registered[], type: string, name: string) =>
	registered.find((resource) => resource.type === type && resource.name === name)!.inputs;

describe("ForkedVMSet", () => {
	it("makes one disk on its parent's and one domain a child", async () => {
		const registered = await made({ count: 2, children: ["db"] });
		const names = (type: string) => registered.filter((own) => own.type === type).map(({ name }) => name);
		assert.deepEqual(names(DOMAIN), ["web-0", "web-1", "web-db"]);
		assert.deepEqual(names(VOLUME), ["web-0", "web-1", "web-db"]);
		assert.equal(inputs(registered, VOLUME, "web-db").base, parent.disk);
		assert.equal(inputs(registered, DOMAIN, "web-db").template, parent.uuid);
	});

	it("is what a fork point makes of itself, on its host", async () => {
		const uri = "qemu:///session";
		const registered = await registeredBy(() => {
			const warm = new ForkPoint("warm", { base: "/gold.qcow2", pool: "images", uri });
			return warm.derive("shop", { commands: [["load"]] }).createChildren("web", { count: 1 }).children;
		});
		const shop = inputs(registered, "pulumi-nodejs:dynamic/clones:ForkPoint", "shop");
		assert.deepEqual([shop.parent, shop.pool, shop.uri], ["/pool/warm", "images", uri]);
		const child = inputs(registered, DOMAIN, "web-0");
		assert.deepEqual([child.template, child.uri], ["uuid-shop", uri]);
	});

	it("keeps children on the parent that they have unless told otherwise", async () => {
		for (const [onParentChange, meant] of [
			[undefined, "keep"],
			["replace", "replace"],
			["rolling", "replace"],
		] as const) {
			const registered = await made({ count: 1, ...(onParentChange && { onParentChange }) });
			assert.equal(inputs(registered, VOLUME, "web-0").onBaseChange, meant);
			assert.equal((inputs(registered, DOMAIN, "web-0").fork as { onParentChange: string }).onParentChange, meant);
		}
	});

	it("puts children into batches, each after the one before it where it exists", async () => {
		const uri = "test:///default";
		const host = connect(uri);
		const xml = '<domain type="test"><name>web-2</name><memory unit="MiB">8</memory><os><type>hvm</type></os></domain>';
		try {
			await host.domains.define(xml, { validate: false });
			const registered = await made({ count: 4, onParentChange: "rolling", rolling: { batchSize: 2 }, uri });
			const batch = { number: 2, of: 2, after: "web-0 and web-1 are healthy" };
			assert.deepEqual(inputs(registered, VOLUME, "web-3").batch, batch);
			const at = (type: string, name: string) =>
				registered.findIndex((resource) => resource.type === type && resource.name === name);
			assert.ok(at(VOLUME, "web-2") > at(DOMAIN, "web-1"), "web-2 exists and waits for the first batch");
		} finally {
			await host.close();
		}
	});
});
