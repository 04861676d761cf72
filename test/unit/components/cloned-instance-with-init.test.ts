import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit, type ClonedInstanceWithInitArgs } from "../../../index";
import { type InjectedInput, payloadOf, recordedOf } from "../../../provider/init/injected";
import { type Registered, registeredBy } from "./mocks";

const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const VOLUME = "pulumi-nodejs:dynamic/clones:Volume";
const SOURCE = "pulumi-nodejs:dynamic/clones:CloneSource";

const good: ClonedInstanceWithInitArgs = {
	source: "/images/gold.qcow2",
	pool: "images",
	network: "lab",
	count: 2,
	parameters: { hostname: "web-{instance}" },
	init: [{ library: "hostname", with: { name: { parameter: "hostname" } } }],
};
const hello = { name: "hello", content: "#!/bin/sh\necho hello\n" };

interface Machine {
	uuid?: string;
	smbios?: object;
	disks: Array<{ serial?: string }>;
	nics: Array<{ mac?: string }>;
	init: { parameters: object; boot: string[] };
}

async function made(args: Partial<ClonedInstanceWithInitArgs>): Promise<Registered[]> {
	return registeredBy(() => new ClonedInstanceWithInit("web", { ...good, ...args }));
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

	describe("refuses", () => {
		const causes: Array<[what: string, given: object, complaint: RegExp]> = [
			["no clones", { count: undefined }, /count: got neither count nor instances/],
			["a name twice", { instances: ["db", "db"] }, /instances: got "db" twice/],
			["a name that a number has", { instances: ["1"] }, /instances: got "1" twice/],
			[
				"a number twice",
				{ instances: { a: { instanceId: 7 }, b: { instanceId: 7 } } },
				/instanceId 7 for web-a and web-b/,
			],
			["a path without a pool", { pool: undefined }, /pool: is required where source is not a volume resource/],
			["a range that ends before it begins", { instanceIds: { from: 9, to: 3 } }, /instanceIds: got 9 to 3/],
			[
				"too few numbers",
				{ instanceIds: { from: 9, to: 9 } },
				/instanceIds: got 9 to 9, in which web-1 \(10\) has no place/,
			],
			[
				"a number outside of the range",
				{ instanceIds: { from: 0, to: 5 }, instances: { a: { instanceId: 9 } } },
				/web-a \(9\) has no place/,
			],
			["an identifier that there is not", { identifier: "hostname" }, /identifier: got "hostname"; allowed are/],
			[
				"the MAC address of a NIC that there is not",
				{ identifier: "mac 1" },
				/identifier: got "mac 1", and the clones have one NIC/,
			],
			[
				"the MAC address of a machine without a NIC",
				{ network: undefined, identifier: "mac" },
				/and the clones have no NIC/,
			],
			["a disk that there is not", { identifier: "disk-serial 1" }, /allowed is disk-serial 0/],
			[
				"the same in a script",
				{ init: [{ ...hello, identifier: "disk-serial 1" }] },
				/init: identifier of \[0\]: got "disk-serial 1"/,
			],
			[
				"a disk serial that is too long",
				{ identifier: "disk-serial", namePrefix: "a-name-that-is-too-long" },
				/allowed are serials of at most 20 bytes/,
			],
			["what to do about a busy volume", { whenSourceBusy: {} }, /whenSourceBusy: is given, and source is a volume/],
			[
				"a server that is none of the clones",
				{ relations: { server: "db" } },
				/relations\.server: got "db".*allowed are 0 to 1/,
			],
			[
				"clients that wait for what nobody waits for",
				{ relations: { clientsWait: true }, timeoutSeconds: 0 },
				/relations\.clientsWait: got true with timeoutSeconds 0/,
			],
			["no agent that could tell", { domain: { agent: false } }, /domain\.agent: got false/],
			["a script that is nowhere", { init: [{ name: "x" }] }, /init\[0\]: got none of library, content and file/],
			[
				"a script that is in two places",
				{ init: [{ ...hello, library: "hostname" }] },
				/init\[0\]: got library and content/,
			],
			[
				"a script of its own without a name",
				{ init: [{ content: hello.content }] },
				/init\[0\]\.name: is required with content/,
			],
			[
				"settings of a script of its own",
				{ init: [{ ...hello, with: { a: "b" } }] },
				/init\[0\]\.with: got settings with content/,
			],
			[
				"two scripts of a name",
				{ init: [hello], cleanup: [hello] },
				/cleanup\[0\]\.name: got "hello", which is the name of init\[0\]/,
			],
			[
				"a script that the library does not have",
				{ init: [{ library: "hostnam" }] },
				/init\[0\]\.library: got "hostnam".*did you mean "hostname"/,
			],
			[
				"a setting that there is not",
				{ init: [{ library: "hostname", with: { nam: "a" } }] },
				/init\[0\]\.with\.nam: there is no such property/,
			],
			["a setting that is missing", { init: [{ library: "hostname" }] }, /init\[0\]\.with\.name: is required/],
			[
				"a setting of a wrong form",
				{ init: [{ library: "hostname", with: { name: "a_b" } }] },
				/init\[0\]\.with\.name: got "a_b"/,
			],
			[
				"a setting by a parameter that there is not",
				{ init: [{ library: "hostname", with: { name: { parameter: "host" } } }] },
				/init\[0\]\.with\.name: got the parameter "host"; allowed are hostname/,
			],
			[
				"a parameter of a setting's name",
				{ parameters: { hostname: "a-{instance}", "hostname-name": "b" } },
				/parameters\.hostname-name: got a parameter of the name/,
			],
			[
				"a file that is not there",
				{ init: [{ name: "x", file: "/nonexistent/x.sh" }] },
				/file: got \/nonexistent\/x\.sh: ENOENT/,
			],
			[
				"a script without an interpreter",
				{ init: [{ name: "x", content: "echo" }] },
				/first line names its interpreter/,
			],
			[
				"a script that is too large",
				{ init: [{ name: "x", content: `#!/bin/sh\n${"x".repeat(300_000)}` }] },
				/at most 256 KiB/,
			],
			[
				"two times for a script",
				{ init: [{ ...hello, when: { everyBoot: true, firstLogin: true } }] },
				/allowed is one of everyBoot/,
			],
			[
				"an argument that is no parameter",
				{ init: [{ ...hello, arguments: ["host"] }] },
				/arguments: got "host"; allowed are names of parameters/,
			],
			["a place after no script", { customize: [{ ...hello, after: "x" }] }, /after: got "x"/],
			["a place after itself", { customize: [{ ...hello, after: "hello" }] }, /in a circle/],
			["an order of another kind of script", { init: [{ ...hello, after: "hello" }] }, /for customize only/],
			[
				"the removal of what is to run later",
				{ init: [{ ...hello, when: { dailyAt: "03:00" } }], afterwards: "remove" },
				/afterwards: got "remove", and hello runs daily 03:00/,
			],
			[
				"a parameter with a name that is reserved",
				{ parameters: { id: "a" } },
				/parameters\.id|allowed are other names than id/,
			],
			[
				"an expression that is none",
				{ parameters: { hostname: "web-{instance +}" } },
				/parameters\.hostname: got "web-\{instance \+\}"/,
			],
			[
				"ranges that overlap",
				{
					parameters: {
						hostname: {
							ranges: [
								{ from: 0, to: 5, value: "a" },
								{ from: 5, to: 9, value: "b" },
							],
						},
					},
				},
				/parameters\.hostname\.ranges\[/,
			],
			[
				"a clone in no row of a table",
				{ parameters: { hostname: { table: { "0": "a" } } } },
				/parameters\.hostname: of web-1: /,
			],
			[
				"a host name twice",
				{ parameters: { hostname: "web" } },
				/parameters\.hostname: comes to "web" for web-0 and web-1/,
			],
			["a division by zero", { parameters: { hostname: "web-{1 / instance}" } }, /parameters\.hostname: of web-0: /],
			["a component's own hardware", { domain: { uuid: "3c5b" } }, /domain\.uuid: there is no such property/],
		];
		for (const [what, given, complaint] of causes) {
			it(what, async () => {
				let message = "";
				const registered = await registeredBy(() => {
					try {
						new ClonedInstanceWithInit("web", { ...good, ...given } as ClonedInstanceWithInitArgs);
					} catch (error) {
						({ message } = error as Error);
					}
				});
				assert.match(message, /^ClonedInstanceWithInit web: /);
				assert.match(message, complaint);
				assert.deepEqual(
					registered.filter(({ type }) => !type.endsWith(":ClonedInstanceWithInit")),
					[],
				);
			});
		}
	});
});
