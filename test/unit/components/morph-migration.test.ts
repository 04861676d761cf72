import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import {
	Domain,
	type MorphMachine,
	MorphMigration,
	type MorphMigrationArgs,
	MorphTemplate,
	Volume,
} from "../../../index";
import { type Registered, registeredBy } from "./mocks";
import { checkTurns, follows } from "./order";

const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const VOLUME = "pulumi-nodejs:dynamic/clones:Volume";

const NOBODY = "qemu+unix:///system?socket=/nonexistent";
const a = { uri: "test:///default", base: "/images/gold", pool: "images", network: "lan" };
const b = {
	uri: NOBODY,
	base: "/b/gold",
	pool: "there",
	network: "far",
	migration: { peerUri: "qemu+tls://b/system" },
};

async function made(args: Partial<MorphMigrationArgs>, options: { preview?: boolean } = {}): Promise<Registered[]> {
	const good = { hosts: { a, b }, host: "a", instanceType: "small" as const };
	return registeredBy(() => new MorphMigration("web", { ...good, ...args }), options);
}

const of = (registered: Registered[], type: string) => registered.filter((resource) => resource.type === type);
const inputs = (registered: Registered[], type: string, name: string) =>
	of(registered, type).find((resource) => resource.name === name)!.inputs;

describe("MorphMigration", () => {
	it("makes one volume that goes with it and one domain of each machine, where it is to be", async () => {
		const registered = await made(
			{ count: 1, members: { db: { host: "b", instanceType: "large" } } },
			{ preview: true },
		);
		assert.deepEqual(
			of(registered, DOMAIN).map(({ name }) => name),
			["web-0", "web-db"],
		);
		const { uri, pool, base, movable, onBaseChange } = inputs(registered, VOLUME, "web-db");
		assert.deepEqual([uri, pool, base, movable, onBaseChange], [NOBODY, "there", "/b/gold", true, "keep"]);
		const there = inputs(registered, DOMAIN, "web-db");
		assert.deepEqual([there.uri, there.instanceType, there.migration], [NOBODY, "large", b.migration]);
		assert.deepEqual(there.nics, [{ network: "far" }]);
		const here = inputs(registered, DOMAIN, "web-0");
		assert.deepEqual([here.uri, here.instanceType, here.migration], [a.uri, "small", undefined]);
		assert.deepEqual(here.nics, [{ network: "lan" }]);
	});

	it("makes the disks of a type after those of the set, and gives the machine the rest of it", async () => {
		const type = {
			vcpus: 1,
			memoryMiB: 512,
			disks: [{ sizeGiB: 2 }, { sizeGiB: 1, format: "raw" as const, serial: "logs" }],
		};
		const args = { members: { db: { instanceType: type }, web: {} }, dataDisks: [{ sizeGiB: 4 }] };
		const registered = await made(args, { preview: true });
		const { instanceType, disks } = inputs(registered, DOMAIN, "web-db");
		assert.deepEqual(instanceType, { vcpus: 1, memoryMiB: 512 });
		assert.deepEqual(
			(disks as Array<{ serial?: string; format?: string }>).map(({ serial, format }) => [serial, format]),
			[
				[undefined, undefined],
				["data-0", "qcow2"],
				["type-0", "qcow2"],
				["logs", "raw"],
			],
		);
		const made0 = inputs(registered, VOLUME, "web-db-type-0");
		assert.deepEqual([made0.sizeMiB, made0.movable, made0.uri, made0.base], [2048, true, a.uri, undefined]);
		assert.deepEqual(
			of(registered, VOLUME)
				.map(({ name }) => name)
				.filter((name) => name.includes("type")),
			["web-db-type-0", "web-db-type-1"],
		);
	});

	it("gives all of them the steps, and a member its own in their place", async () => {
		const drain = { preMigration: [{ exec: ["drain"] }] };
		const own = { postMigration: [{ exec: ["warm"] }] };
		const args = { count: 1, members: { db: { morph: own } }, morph: drain };
		const registered = await made(args, { preview: true });
		assert.deepEqual(inputs(registered, DOMAIN, "web-0").morph, drain);
		assert.deepEqual(inputs(registered, DOMAIN, "web-db").morph, own);
	});

	it("takes the steps of a stored template, which then tells of the machines", async () => {
		const steps = { preMigration: [{ exec: ["drain"] }] };
		const registered = await registeredBy(() => {
			const template = new MorphTemplate("drain", { steps });
			const args = { hosts: { a }, instanceType: "small" as const, count: 1, members: { db: { morph: {} } } };
			const set = new MorphMigration("web", { ...args, morph: { template } });
			return { uuid: new Domain("alone", { uri: a.uri, morph: { template } }).uuid, machines: set.machines };
		});
		const [stored] = of(registered, "pulumi-nodejs:dynamic/clones:MorphTemplate");
		assert.deepEqual([stored!.inputs.steps, stored!.inputs.machines], [steps, ["alone", "web-0"]]);
		for (const name of ["web-0", "alone"]) assert.deepEqual(inputs(registered, DOMAIN, name).morph, steps);
		assert.deepEqual(inputs(registered, DOMAIN, "web-db").morph, {});
	});

	it("refuses a template beside steps, and what is none", async () => {
		const complaint = async (morph: (template: MorphTemplate) => object) => {
			let message = "";
			await registeredBy(() => {
				try {
					new Domain("alone", { morph: morph(new MorphTemplate("drain", { steps: {} })) });
				} catch (error) {
					message = (error as Error).message;
				}
			});
			return message;
		};
		assert.match(
			await complaint((template) => ({ template, hotPlug: [] })),
			/got it with hotPlug; allowed is it alone/,
		);
		assert.match(await complaint(() => ({ template: "drain" })), /got "drain"; allowed is a MorphTemplate/);
	});

	it("takes a member's MAC address and its data disks to wherever it is", async () => {
		const members = { db: { mac: "52:54:00:00:00:01", host: "b" } };
		const registered = await made({ members, dataDisks: [{ sizeGiB: 2 }] });
		assert.deepEqual(inputs(registered, DOMAIN, "web-db").nics, [{ network: "far", mac: "52:54:00:00:00:01" }]);
		const { uri, movable, sizeMiB } = inputs(registered, VOLUME, "web-db-data-0");
		assert.deepEqual([uri, movable, sizeMiB], [NOBODY, true, 2048]);
		const disks = inputs(registered, DOMAIN, "web-db").disks as Array<{ volume: string }>;
		assert.deepEqual(
			disks.map(({ volume }) => volume),
			["/pool/web-db", "/pool/web-db-data-0"],
		);
	});

	it("says in the preview whose turn is after whose", async () => {
		const registered = await made({ count: 3, members: ["db"], maxParallel: 2 }, { preview: true });
		const batchOf = (name: string) => inputs(registered, DOMAIN, name).batch;
		assert.deepEqual(batchOf("web-1"), { number: 1, of: 2 });
		assert.deepEqual(batchOf("web-db"), { number: 2, of: 2, after: "web-0 and web-1 are healthy" });
		const single = await made({ count: 2 }, { preview: true });
		assert.deepEqual(inputs(single, DOMAIN, "web-1").batch, { number: 2, of: 2, after: "web-0 is healthy" });
		assert.equal(inputs(await made({ count: 1 }), DOMAIN, "web-0").batch, undefined);
	});

	it("tells each machine among which hosts it moves, and what it has to show", async () => {
		const healthCheck = { connect: { port: 80 }, timeoutSeconds: 9 };
		const domain = inputs(await made({ count: 1, healthCheck }), DOMAIN, "web-0");
		assert.deepEqual([domain.among, domain.memberCheck], [[a.uri, NOBODY], healthCheck]);
	});

	it("takes up a machine when the one before is done, but makes new ones all at once", () =>
		checkTurns((uri) => made({ hosts: { a: { ...a, uri } }, count: 4 })));

	it("lets each wait where a host does not tell what is there", async () =>
		assert.ok(follows(await made({ count: 2 }), "web-1", "web-0")));

	it("describes its machines", async () => {
		let set: MorphMigration | undefined;
		await registeredBy(() => {
			const base = new Volume("gold", { pool: "images", source: { url: "https://x/y", sha256: "ab".repeat(32) } });
			set = new MorphMigration("web", {
				hosts: { a: { ...a, base, pool: undefined } },
				count: 1,
				instanceType: "nano",
			});
		});
		const [machine] = await new Promise<MorphMachine[]>((resolve) =>
			(set!.machines as pulumi.Output<MorphMachine[]>).apply((all) => resolve(all as MorphMachine[])),
		);
		assert.deepEqual(machine, {
			name: "web-0",
			host: "a",
			uri: a.uri,
			uuid: "uuid-web-0",
			instanceType: "nano",
			macs: [],
			addresses: [],
			volumePath: "/pool/web-0",
		});
		assert.deepEqual([[...set!.domains.keys()], [...set!.volumes.keys()]], [["web-0"], ["web-0"]]);
	});
});
