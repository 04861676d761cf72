import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit, type ClonedInstanceWithInitArgs } from "../../../index";
import type { DomainArgs } from "../../../provider/domain/resource";
import type { DiskInputs } from "../../../provider/domain/schema";
import type { ForkedInputs } from "../../../provider/fork/forked";
import { type InjectedInput, payloadOf, recordedOf } from "../../../provider/init/injected";
import type { CloudInit } from "../../../provider/volume/schema";
import { good, hello } from "./init-arguments";
import { type Registered, registeredBy } from "./mocks";

const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const POINT = "pulumi-nodejs:dynamic/clones:ForkPoint";
const VOLUME = "pulumi-nodejs:dynamic/clones:Volume";
const SOURCE = "pulumi-nodejs:dynamic/clones:CloneSource";
const STOP = "pulumi-nodejs:dynamic/clones:SourceStop";
const INJECTION = "pulumi-nodejs:dynamic/clones:Injection";
const HOSTS = "pulumi-nodejs:dynamic/clones:CloneHosts";

interface Machine {
	uuid?: string;
	smbios?: object;
	disks: Array<{ serial?: string }>;
	nics: Array<{ mac?: string }>;
	init: { parameters: object; boot: string[] };
}

async function made(args: Partial<ClonedInstanceWithInitArgs>): Promise<Registered[]> {
	return registeredBy(() => ({ machines: new ClonedInstanceWithInit("web", { ...good, ...args }).instances }));
}

const inputs = (registered: Registered[], type: string, name: string) =>
	registered.find((resource) => resource.type === type && resource.name === name)!.inputs;

describe("ClonedInstanceWithInit", () => {
	it("makes one image for all, and a disk of it and a machine a clone", async () => {
		const registered = await made({ instances: ["db"] });
		const names = (type: string) => registered.filter((own) => own.type === type).map(({ name }) => name);
		assert.deepEqual(names(VOLUME), ["web-image", "web-0", "web-1", "web-db"]);
		assert.deepEqual(names(DOMAIN), ["web-0", "web-1", "web-db"]);
		const image = inputs(registered, VOLUME, "web-image");
		assert.equal(image.base, "/images/gold.qcow2");
		assert.match((image.injected as { version: string }).version, /^[0-9a-f]{64}$/);
		assert.equal(inputs(registered, VOLUME, "web-1").base, "/pool/web-image");
		assert.equal(inputs(registered, VOLUME, "web-1").onBaseChange, "keep");
	});

	it("puts the same into the image whatever the number of clones", async () => {
		const version = async (count: number) =>
			(inputs(await made({ count }), VOLUME, "web-image").injected as { version: string }).version;
		assert.equal(await version(2), await version(8));
	});

	it("gives each clone hardware with its number in it, and says what it will compute from that", async () => {
		const registered = await made({ instanceIds: { from: 258 } });
		const { nics, init } = inputs(registered, DOMAIN, "web-1") as unknown as Machine;
		assert.match(nics[0]!.mac!, /^52:54:[0-9a-f]{2}:[0-9a-f]{2}:01:03$/);
		assert.deepEqual(init.parameters, { hostname: "web-259" });
		assert.deepEqual(init.boot, ["hostname"]);
	});

	it("identifies machines by whatever is asked for", async () => {
		const registered = await made({
			identifier: ["uuid", "serial", "oem clone=", "disk-serial"],
			domain: { smbios: { oemStrings: ["rack=4"] } },
		});
		const { uuid, smbios, disks, nics } = inputs(registered, DOMAIN, "web-1") as unknown as Machine;
		assert.match(uuid!, /-[0-9a-f]{4}00000001$/);
		assert.deepEqual(smbios, { serial: "web-1", oemStrings: ["rack=4", "clone=web-1"] });
		assert.equal(disks[0]!.serial, "web-1");
		assert.equal(nics[0]!.mac, undefined);
	});

	it("leaves to a NIC the address that it is given", async () => {
		const registered = await made({
			network: undefined,
			count: 1,
			domain: { nics: [{ network: "lab", mac: "52:54:00:00:00:07" }] },
		});
		const { nics } = inputs(registered, DOMAIN, "web-0") as unknown as Machine;
		assert.equal(nics[0]!.mac, "52:54:00:00:00:07");
	});

	it("gives the scripts to all clones on one further disk, where the image takes them from there", async () => {
		const registered = await made({ injectInto: "seed" });
		assert.equal(inputs(registered, VOLUME, "web-image").injected, undefined);
		const { source } = inputs(registered, VOLUME, "web-seed") as { source: { cloudInit: CloudInit } };
		assert.ok(source.cloudInit.files!.some(({ path }) => path === "/usr/lib/clones-init/run"));
		for (const name of ["web-0", "web-1"]) {
			const { disks } = inputs(registered, DOMAIN, name) as unknown as { disks: DiskInputs[] };
			assert.deepEqual(
				disks.map(({ volume, readOnly, serial }) => [volume, readOnly, serial]),
				[
					[`/pool/${name}`, undefined, undefined],
					["/pool/web-seed", true, "seed"],
				],
			);
		}
	});

	it("has clones go on as one machine with the scripts in it, which are told who they are", async () => {
		const registered = await made({ withState: true, domain: { memoryMiB: 256, autostart: true } });
		const names = registered.flatMap(({ type, name }) =>
			type.includes("dynamic") ? [`${type.split(":").at(-1)} ${name}`] : [],
		);
		assert.deepEqual(names.filter((name) => !name.startsWith("Guard")).sort(), [
			"Domain web-0",
			"Domain web-1",
			"ForkPoint web-state",
			"Volume web-0",
			"Volume web-1",
		]);
		const { base, pool, domain, injected } = inputs(registered, POINT, "web-state");
		assert.deepEqual([base, pool, domain], ["/images/gold.qcow2", "images", { memoryMiB: 256 }]);
		assert.match((injected as InjectedInput).version, /^[0-9a-f]{64}$/);
		assert.equal(inputs(registered, VOLUME, "web-1").base, "/pool/web-state.qcow2");
		const clone = inputs(registered, DOMAIN, "web-1") as unknown as Machine & { fork: ForkedInputs } & DomainArgs;
		assert.deepEqual(
			[clone.template, clone.memoryMiB, clone.autostart, clone.init.boot],
			["uuid-web-state", undefined, true, ["hostname"]],
		);
		const { point, files, first, onParentChange, timeoutSeconds } = clone.fork;
		assert.deepEqual([point, onParentChange, timeoutSeconds], ["uuid-web-state", "keep", 600]);
		assert.deepEqual(first, [["/usr/lib/clones-init/run", "fork", "early"]]);
		const [told] = files;
		assert.equal(told!.content, `id mac 0 ${clone.nics[0]!.mac}\nid uuid ${clone.uuid}\n`);
	});

	it("brings clones that went on up to date by their agent", async () => {
		const registered = await made({ withState: true, onScriptChange: "rerun" });
		const names = registered.flatMap(({ type, name }) => (type.endsWith("Injection") ? [name] : []));
		assert.deepEqual(names.sort(), ["web-0", "web-1"]);
		const { fork } = inputs(registered, DOMAIN, "web-1") as unknown as { fork: ForkedInputs };
		assert.equal(fork.onParentChange, "keep");
	});

	it("has them go on from another fork point, with its hardware", async () => {
		const registered = await made({ withState: true, source: { forkPoint: "warm" } });
		const { base, parent, domain } = inputs(registered, POINT, "web-state");
		assert.deepEqual([base, parent, domain], [undefined, "warm", undefined]);
	});

	it("has them go on from a copy of a machine that runs, and leaves that alone", async () => {
		const registered = await made({ withState: true, source: { domain: "machine" } });
		assert.deepEqual(inputs(registered, SOURCE, "web-source").action, "copy");
		const { base, parent, source } = inputs(registered, POINT, "web-state");
		assert.deepEqual([base, parent, source], [undefined, undefined, "uuid-web-source"]);
		assert.equal(inputs(registered, DOMAIN, "web-0").templateFrom, undefined);
	});

	it("has a source domain looked at before its disk is used, and takes its hardware", async () => {
		const registered = await made({
			source: { domain: "template" },
			whenSourceBusy: { action: "wait", timeoutSeconds: 30 },
		});
		const { domain, action, timeoutSeconds } = inputs(registered, SOURCE, "web-source");
		assert.deepEqual([domain, action, timeoutSeconds], ["template", "wait", 30]);
		assert.equal(inputs(registered, VOLUME, "web-image").baseDomain, "uuid-web-source");
		assert.equal(inputs(registered, DOMAIN, "web-0").template, "template");
	});

	it("makes the clones of a copy of a source that goes on, and ends that once they are up", async () => {
		const registered = await made({
			source: { domain: "template" },
			whenSourceBusy: { action: "copy", timeoutSeconds: 30 },
			afterClone: "stopSource",
			elevatedCredentials: { uri: "qemu+ssh://admin@a/system" },
		});
		const { baseDomain, whileRunning, cloning } = inputs(registered, VOLUME, "web-copy");
		assert.deepEqual([baseDomain, whileRunning, cloning], ["uuid-web-source", true, "reflink"]);
		const { base, baseDomain: none } = inputs(registered, VOLUME, "web-image");
		assert.deepEqual([base, none], ["/pool/web-copy", undefined]);
		assert.deepEqual(inputs(registered, DOMAIN, "web-0").templateFrom, { mayRun: true });
		const order = registered.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
		assert.ok(order.indexOf("SourceStop web-source") > order.indexOf("Domain web-1"), order.join("\n"));
		const { domain, timeoutSeconds } = inputs(registered, STOP, "web-source");
		assert.deepEqual([domain, timeoutSeconds], ["template", 30]);
		for (const type of [SOURCE, STOP]) {
			const { elevatedCredentials: given } = inputs(registered, type, "web-source");
			assert.ok(JSON.stringify(given).includes(pulumi.runtime.specialSigKey), "it is no secret");
		}
	});

	it("puts the scripts into the source where that is asked for, before anything is made of it", async () => {
		const registered = await made({ injectInto: "source" });
		const { volume, injected } = inputs(registered, INJECTION, "web-source");
		assert.equal(volume, "/images/gold.qcow2");
		assert.match((injected as { version: string }).version, /^[0-9a-f]{64}$/);
		const image = inputs(registered, VOLUME, "web-image");
		assert.deepEqual([image.base, image.injected], ["/images/gold.qcow2", undefined]);
		const ofDomain = await made({ injectInto: "source", source: { domain: "template" } });
		assert.equal(inputs(ofDomain, INJECTION, "web-source").domain, "uuid-web-source");
		assert.equal("powerOnSeconds" in inputs(ofDomain, INJECTION, "web-source"), false);
		const powered = {
			injectInto: "source",
			source: { domain: "template" },
			whenSourceBusy: { action: "powerOn" },
		} as const;
		const elevated = { ...powered, elevatedCredentials: { uri: "qemu+ssh://admin@a/system" } };
		const given = inputs(await made(elevated), INJECTION, "web-source");
		assert.equal(given.powerOnSeconds, 300);
		assert.ok(JSON.stringify(given.elevatedCredentials).includes(pulumi.runtime.specialSigKey), "it is no secret");
		const timed = { ...powered, whenSourceBusy: { action: "powerOn", timeoutSeconds: 40 } } as const;
		assert.equal(inputs(await made(timed), INJECTION, "web-source").powerOnSeconds, 40);
	});

	describe("on several hosts", () => {
		const [A, B] = ["qemu+ssh://a/system", "qemu+ssh://b/system"];
		const hosts = [{ uri: A }, { uri: B, pool: "fast", network: "net-b" }];

		it("makes clones in turn, of the image that was made once and brought to the others", async () => {
			const registered = await made({ uri: A, hosts, count: 3, instances: ["db"] });
			const of = (name: string) => {
				const { uri, pool } = inputs(registered, VOLUME, name);
				const { nics } = inputs(registered, DOMAIN, name) as { nics: Array<{ network: string }> };
				return [uri, pool, nics[0]!.network];
			};
			assert.deepEqual(["web-0", "web-1", "web-2", "web-db"].map(of), [
				[A, "images", "lab"],
				[B, "fast", "net-b"],
				[A, "images", "lab"],
				[A, "images", "lab"],
			]);
			const [image, replica, ...others] = registered.filter(({ name }) => name.startsWith("web-image"));
			assert.deepEqual(others, []);
			assert.deepEqual([image!.inputs.uri, replica!.inputs.uri], [A, B]);
			const { uri, volume } = replica!.inputs.replicaOf as { uri: string; volume: string };
			assert.deepEqual([uri, volume], [A, "/pool/web-image"]);
			assert.equal(inputs(registered, VOLUME, "web-1").base, `/pool/${replica!.name}`);
			assert.deepEqual(inputs(registered, HOSTS, "web-hosts").hosts, [
				{ uri: A, pool: "images", network: "lab", clones: ["web-0", "web-2", "web-db"] },
				{ uri: B, pool: "fast", network: "net-b", clones: ["web-1"] },
			]);
		});

		it("makes clones where they are placed", async () => {
			const registered = await made({ uri: A, hosts, placement: { "0": B, "7": B } });
			assert.deepEqual(
				["web-0", "web-1"].map((name) => inputs(registered, DOMAIN, name).uri),
				[B, B],
			);
		});

		it("takes the hardware of a source where that is", async () => {
			const registered = await made({ uri: A, hosts, source: { domain: "template" } });
			const from = ["web-0", "web-1"].map((name) => inputs(registered, DOMAIN, name).templateFrom);
			assert.deepEqual(from, [undefined, { uri: A }]);
		});
	});

	it("starts clients after their server", async () => {
		const registered = await made({ count: 3, relations: { server: "2" } });
		const order = registered.filter(({ type }) => type === DOMAIN).map(({ name }) => name);
		assert.equal(order[0], "web-2");
	});

	it("keeps the output of scripts with secrets, and secret parameters, out of reports", async () => {
		const content = pulumi.secret("#!/bin/sh\necho hunter2\n");
		const registered = await made({
			parameters: { hostname: "web-{instance}", token: pulumi.secret("hunter2") },
			customize: [hello, { name: "quiet", content }],
		});
		const injected = inputs(registered, VOLUME, "web-image").injected as { value?: InjectedInput } & InjectedInput;
		const { files } = payloadOf(recordedOf(injected.value ?? injected));
		const text = (path: string) => files.find((file) => file.path.endsWith(path))!.content.toString();
		assert.equal(text("plan/secret-parameters").trim(), "token");
		assert.match(text("quiet/settings"), /^secret yes$/m);
		assert.doesNotMatch(text("hello/settings"), /^secret/m);
	});

	it("brings clones that exist up to date only where that is asked for", async () => {
		const updates = async (onScriptChange: ClonedInstanceWithInitArgs["onScriptChange"]) =>
			(await made({ onScriptChange })).filter(({ type }) => type.endsWith(":Injection"));
		assert.deepEqual(await updates("keep"), []);
		assert.deepEqual(await updates("replace"), []);
		const [first, ...others] = await updates("rerun");
		assert.equal(others.length, 1);
		assert.deepEqual([first!.inputs.domain, first!.inputs.leave], ["uuid-web-0", true]);
		assert.deepEqual((first!.inputs.run as { boot: string[] }).boot, ["hostname"]);
	});

	it("does not wait where it is told not to", async () => {
		assert.equal(inputs(await made({ timeoutSeconds: 0 }), DOMAIN, "web-0").init, undefined);
	});
});
