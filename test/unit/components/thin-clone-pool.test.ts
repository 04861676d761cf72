import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Domain, Network, ThinClonePool, type ThinClonePoolArgs, Volume } from "../../../index";
import { type Registered, registeredBy } from "./mocks";
import { checkTurns } from "./order";

const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const VOLUME = "pulumi-nodejs:dynamic/clones:Volume";

const base = { base: "/images/gold.qcow2", pool: "images" };

async function made(args: Partial<ThinClonePoolArgs>): Promise<Registered[]> {
	return registeredBy(() => new ThinClonePool("web", { ...base, ...args } as ThinClonePoolArgs));
}

const names = (registered: Registered[], type: string) =>
	registered.filter((resource) => resource.type === type).map((resource) => resource.name);
const inputs = (registered: Registered[], type: string, name: string) =>
	registered.find((resource) => resource.type === type && resource.name === name)!.inputs;

describe("ThinClonePool", () => {
	it("makes one volume and one domain a clone, by count and by name", async () => {
		const registered = await made({ count: 2, instances: ["db"] });
		assert.deepEqual(names(registered, DOMAIN), ["web-0", "web-1", "web-db"]);
		assert.deepEqual(names(registered, VOLUME), ["web-0", "web-1", "web-db"]);
	});

	it("marks what it makes as the stack's", async () => {
		const registered = await made({ count: 1 });
		assert.equal(inputs(registered, DOMAIN, "web-0").ownerId, "org/project/dev/web-0");
		assert.match(inputs(registered, VOLUME, "web-0").name as string, /^web-0-[0-9a-f]{8}\.qcow2$/);
	});

	it("refuses a MAC address for a machine without a NIC, instead of ignoring it", async () => {
		const instances = { db: { mac: "52:54:00:00:00:01" } };
		await assert.rejects(made({ instances }), /instances: got the mac 52:54:00:00:00:01 for db, which has no NIC/);
		const registered = await made({ instances, network: "default" });
		const [nic] = inputs(registered, DOMAIN, "web-db").nics as Array<{ mac: string }>;
		assert.equal(nic!.mac, "52:54:00:00:00:01");
	});

	it("makes one guard a host, before anything else", async () => {
		const registered = await made({ count: 2, uri: "qemu:///session" });
		const guards = registered.filter(({ type }) => type.endsWith(":Guard"));
		assert.equal(guards.length, 1);
		assert.equal(guards[0]!.inputs.uri, "qemu:///session");
	});

	it("refuses two machines of one name: on the host they would be one", async () => {
		const program = () => {
			new ThinClonePool("web", { ...base, count: 1 });
			new Domain("web-0", { nics: [] });
		};
		await assert.rejects(registeredBy(program), /two resources Domain named "web-0"/);
	});

	it("takes names, ids and resources of any package that has an id, for base, pool and network", async () => {
		class Bridged extends pulumi.CustomResource {
			constructor(name: string, type: string, props = {}) {
				super(`libvirt:index/${type}:${type}`, name, { pool: undefined, ...props });
			}
			declare readonly pool: pulumi.Output<string>;
		}
		const registered = await registeredBy(
			() =>
				new ThinClonePool("web", {
					base: new Bridged("gold", "volume", { pool: "bridged-pool" }),
					network: new Bridged("lab", "network"),
					count: 1,
				}),
		);
		const volume = inputs(registered, VOLUME, "web-0");
		assert.deepEqual([volume.base, volume.pool], ["/pool/gold", "bridged-pool"]);
		assert.deepEqual(inputs(registered, DOMAIN, "web-0").nics, [{ network: "/pool/lab" }]);
	});

	it("copies the hardware and clones the disk of a template domain", async () => {
		const registered = await made({ base: { domain: "golden" }, count: 1 });
		assert.equal(inputs(registered, VOLUME, "web-0").baseDomain, "golden");
		assert.equal(inputs(registered, DOMAIN, "web-0").template, "golden");
	});

	it("customises through a seed image or through the guest agent", async () => {
		const seeded = await made({
			count: 1,
			customize: ({ index }) => ({ hostname: `h${index}`, userData: "#!/bin/sh" }),
		});
		assert.deepEqual(names(seeded, VOLUME).sort(), ["web-0", "web-0-seed"]);
		assert.deepEqual(inputs(seeded, VOLUME, "web-0-seed").source, {
			cloudInit: { hostname: "h0", userData: "#!/bin/sh" },
		});
		const [, seed] = inputs(seeded, DOMAIN, "web-0").disks as Array<Record<string, unknown>>;
		assert.deepEqual([seed!.volume, seed!.readOnly, seed!.target], ["/pool/web-0-seed", true, "vdz"]);

		const agent = await made({ count: 1, customize: { channel: "guest-agent" } });
		assert.deepEqual(names(agent, VOLUME), ["web-0"]);
		assert.deepEqual(inputs(agent, DOMAIN, "web-0").guestSetup, { hostname: "web-0", files: [] });
	});

	it("numbers counted and named machines apart, so that a growing count changes none of the named", async () => {
		const customize = ({ index }: { index: number }) => ({ hostname: `h${index}` });
		const hostOf = async (count: number) => {
			const registered = await made({ count, instances: ["db"], customize });
			return inputs(registered, VOLUME, "web-db-seed").source;
		};
		assert.deepEqual(await hostOf(1), { cloudInit: { hostname: "h0" } });
		assert.deepEqual(await hostOf(3), { cloudInit: { hostname: "h0" } });
	});

	it("lets an instance differ in what it says, and in nothing else", async () => {
		const registered = await made({
			instances: { db: { memoryMiB: 2048, mac: "52:54:00:00:00:01", running: false }, app: {} },
			domain: { memoryMiB: 512, vcpus: 2 },
			network: "lab",
		});
		const db = inputs(registered, DOMAIN, "web-db");
		assert.deepEqual([db.memoryMiB, db.vcpus, db.running], [2048, 2, false]);
		assert.deepEqual(db.nics, [{ network: "lab", mac: "52:54:00:00:00:01" }]);
		const app = inputs(registered, DOMAIN, "web-app");
		assert.deepEqual([app.memoryMiB, app.vcpus, app.running], [512, 2, undefined]);
	});

	it("gives data disks, sizes and the width of the lane to its children", async () => {
		const registered = await made({ count: 1, diskSizeGiB: 2.5, dataDisks: [{ sizeGiB: 1 }], maxParallel: 4 });
		assert.equal(inputs(registered, VOLUME, "web-0").sizeMiB, 2560);
		assert.equal(inputs(registered, VOLUME, "web-0-data-0").sizeMiB, 1024);
		assert.deepEqual(inputs(registered, DOMAIN, "web-0").lane, { name: "web", width: 4 });
	});

	it("keeps existing clones on a changed base unless told otherwise", async () => {
		assert.equal(inputs(await made({ count: 1 }), VOLUME, "web-0").onBaseChange, "keep");
		assert.equal(inputs(await made({ count: 1, onBaseChange: "rolling" }), VOLUME, "web-0").onBaseChange, "replace");
	});

	it("puts machines into batches in their order, and says in the preview which and after whom", async () => {
		const rolling = { batchSize: 3, healthCheck: { exec: ["true"] } };
		const args: Partial<ThinClonePoolArgs> = {
			count: 7,
			instances: ["db"],
			onBaseChange: "rolling",
			rolling,
			uri: "test:///default",
		};
		const registered = await made(args);
		const batchOf = (name: string) => inputs(registered, VOLUME, name).batch;
		assert.deepEqual(batchOf("web-0"), { number: 1, of: 3 });
		assert.deepEqual(batchOf("web-5"), { number: 2, of: 3, after: "web-0 to web-2 (3) are healthy" });
		assert.deepEqual(batchOf("web-db"), { number: 3, of: 3, after: "web-3 to web-5 (3) are healthy" });
		assert.deepEqual(inputs(registered, DOMAIN, "web-db").healthCheck, { exec: ["true"] });
		const single = await made({ ...args, rolling: {} });
		assert.deepEqual(inputs(single, VOLUME, "web-1").batch, { number: 2, of: 8, after: "web-0 is healthy" });
		assert.equal(inputs(await made({ count: 2 }), VOLUME, "web-1").batch, undefined);
	});

	it("lets a batch wait for the one before it if one of its machines exists, and for nobody otherwise", () =>
		checkTurns((uri) => made({ count: 4, onBaseChange: "rolling", rolling: { pauseSeconds: 0.01 }, uri })));

	it("lets clones go to another base or stand alone", async () => {
		const instances = { db: { independent: false }, app: {} };
		const registered = await made({ instances, onBaseChange: "rebase", independent: true });
		const { onBaseChange, independent } = inputs(registered, VOLUME, "web-app");
		assert.deepEqual([onBaseChange, independent], ["rebase", true]);
		assert.equal(inputs(registered, VOLUME, "web-db").independent, false);
	});

	it("describes its machines", async () => {
		let pool: ThinClonePool | undefined;
		await registeredBy(() => {
			pool = new ThinClonePool("web", { ...base, count: 1, network: new Network("n", { ipv4: "10.1.0.1/24" }) });
		});
		const [machine] = await new Promise<Array<Record<string, unknown>>>((resolve) =>
			pool!.instances.apply((instances) => resolve(instances as never)),
		);
		assert.deepEqual([machine!.name, machine!.uuid, machine!.volumePath], ["web-0", "uuid-web-0", "/pool/web-0"]);
		assert.deepEqual(machine!.timings, { volumeMs: 1, createMs: 1, defineMs: 2 });
	});

	it("refuses bad arguments at once, naming each", async () => {
		const refused: Array<[Partial<ThinClonePoolArgs>, RegExp]> = [
			[{}, /count: got neither count nor instances/],
			[{ count: -1 }, /count: got -1/],
			[{ count: 2, instances: ["1"] }, /instances: got "1" twice/],
			[{ count: 1, pool: undefined }, /pool: is required where base is not a volume resource/],
			[{ count: 1, customize: { channel: "guest-agent", userData: "x" } }, /customize: got userData with the channel/],
			[{ count: 1, customize: () => ({ hostname: "-bad-" }) }, /customize of web-0: hostname: got "-bad-"/],
			[{ count: 1, rolling: {} }, /rolling: is given, and onBaseChange is keep; give onBaseChange: "rolling"/],
			[
				{ count: 1, onBaseChange: "rolling", rolling: { healthCheck: { exec: ["true"] } }, domain: { agent: false } },
				/rolling\.healthCheck: is done by the guest agent, and domain\.agent is false/,
			],
			[{ count: 1, diskSizeGiB: 0 }, /diskSizeGiB: got 0/],
			[{ count: 1, domain: { memoryMiB: -5 } }, /domain\.memoryMiB: got -5/],
		];
		for (const [args, message] of refused) {
			await assert.rejects(made(args), message);
		}
	});
});

describe("Volume", () => {
	it("names an uploaded image by its content", async () => {
		const registered = await registeredBy(
			() => new Volume("gold", { pool: "images", source: { url: "https://x/y", sha256: "ab".repeat(32) } }),
		);
		assert.match(inputs(registered, VOLUME, "gold").name as string, /^gold-abababab-[0-9a-f]{8}\.qcow2$/);
	});

	it("keeps user data secret, and its own name readable", async () => {
		const registered = await registeredBy(
			() => new Volume("seed", { pool: "images", source: { cloudInit: { userData: pulumi.secret("#!/bin/sh") } } }),
		);
		const { name, source } = inputs(registered, VOLUME, "seed");
		assert.match(name as string, /^seed-[0-9a-f]{8}-[0-9a-f]{8}\.iso$/);
		assert.match(JSON.stringify(source), /4dabf18193072939515e22adb298388d/);
	});
});

describe("the wire format of a dynamic resource", () => {
	it("is a type of the SDK's dynamic provider and a constant text that loads ours by name", async () => {
		const registered = await registeredBy(() => new Network("lab", { ipv4: "10.1.0.1/24", uri: "qemu:///session" }));
		const { type, inputs: found } = registered.find(({ name }) => name === "lab")!;
		assert.equal(type, "pulumi-nodejs:dynamic/clones:Network");
		assert.deepEqual(found, {
			__provider: 'exports.handler=()=>require("pulumi-libvirt-clones/provider").Network;',
			ipv4: "10.1.0.1/24",
			name: "lab",
			ownerId: "org/project/dev/lab",
			uri: "qemu:///session",
			about: { resourceUrn: "urn:pulumi:dev::project::pulumi-nodejs:dynamic/clones:Network::lab" },
		});
	});
});
