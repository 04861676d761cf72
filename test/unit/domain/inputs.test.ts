import assert from "node:assert/strict";
import { hardwareOf, withDefaults } from "../../../provider/domain/defaults";
import { isMachine } from "../../../provider/domain/definition";
import { poll } from "../../../provider/domain/patience";
import { rules } from "../../../provider/domain/rules";
import { domainSchema } from "../../../provider/domain/schema";
import { usableAddresses } from "../../../provider/domain/wait";
import { validate } from "../../../provider/problems";
import { UNKNOWN } from "../../../provider/unknown";
import { common, type Given, inputsOf } from "./inputs";

describe("inputs of a domain", () => {
	it("have defaults that stay the same when they are filled in twice", () => {
		const once = inputsOf();
		assert.deepEqual(withDefaults(once), once);
		assert.deepEqual(withDefaults(domainSchema.parse(once)), once);
		assert.deepEqual(
			[
				once.arch,
				once.machine,
				once.firmware,
				once.memoryMiB,
				once.vcpus,
				once.agent,
				once.rng,
				once.graphics,
				once.nics,
			],
			["x86_64", "q35", "bios", 1024, 1, true, true, "none", []],
		);
		const arm = inputsOf({ arch: "aarch64" });
		assert.deepEqual([arm.machine, arm.firmware], ["virt", "uefi"]);
	});

	it("leave to a template what they do not say", () => {
		const inputs = inputsOf({ template: "t" });
		assert.deepEqual(
			[inputs.memoryMiB, inputs.machine, inputs.nics, inputs.agent],
			[undefined, undefined, undefined, undefined],
		);
		const inherited = { memoryMiB: 512, maxMemoryMiB: 2048, vcpus: 2, maxVcpus: 4, machine: "pc-q35-7.2" };
		const own = hardwareOf(inputs, inherited);
		assert.deepEqual(
			[own.memoryMiB, own.maxMemoryMiB, own.vcpus, own.maxVcpus, own.machine],
			[512, 2048, 2, 4, "pc-q35-7.2"],
		);
		const given = hardwareOf(inputsOf({ template: "t", memoryMiB: 4096, vcpus: 8 }), inherited);
		assert.deepEqual([given.memoryMiB, given.maxMemoryMiB, given.vcpus, given.maxVcpus], [4096, 4096, 8, 8]);
	});

	const bad: Array<[string, Given, RegExp]> = [
		[
			"a ceiling below the memory",
			{ memoryMiB: 512, maxMemoryMiB: 256 },
			/maxMemoryMiB: got 256, less than memoryMiB \(512\)/,
		],
		["a ceiling below the vCPUs", { vcpus: 4, maxVcpus: 2 }, /maxVcpus: got 2, less than vcpus \(4\)/],
		[
			"a topology of another size",
			{ vcpus: 4, cpu: { sockets: 1, cores: 3 } },
			/cpu: 1 sockets x 3 cores x 1 threads do not make.*4 vCPUs/,
		],
		["cores that do not fit", { vcpus: 3, cpu: { cores: 2 } }, /cpu: any number of sockets x 2 cores/],
		["a custom CPU without a model", { cpu: { mode: "custom" } }, /cpu: got mode "custom", which needs a model/],
		["features of no model", { cpu: { features: { avx2: "disable" } } }, /cpu: got features without a model/],
		["a check of no model", { cpu: { mode: "maximum", check: "full" } }, /cpu: got check without a model/],
		[
			"a model with another mode",
			{ cpu: { mode: "host-model", model: "x" } },
			/cpu: got model "x" with mode "host-model"/,
		],
		["BIOS on Arm", { arch: "aarch64", firmware: "bios" }, /firmware: got "bios"/],
		[
			"Secure Boot on the old board",
			{ firmware: "uefi-secure", machine: "pc" },
			/firmware: got "uefi-secure" with machine "pc"/,
		],
		[
			"a virtio drive",
			{ disks: [{ volume: "/a", device: "cdrom", bus: "virtio" }] },
			/disks: \[0\] got bus "virtio" for a cdrom; allowed are sata and scsi/,
		],
		[
			"a target of another bus",
			{ disks: [{ volume: "/a", bus: "virtio", target: "sda" }] },
			/disks: \[0\] got target "sda" on bus virtio; allowed there/,
		],
		[
			"a target twice",
			{
				disks: [
					{ volume: "/a", target: "vda" },
					{ volume: "/b", target: "vda" },
				],
			},
			/disks: \[1\] has the same target as \[0\]/,
		],
		["a volume twice", { disks: [{ volume: "/a" }, { volume: "/a" }] }, /disks: \[1\] has the same volume as \[0\]/],
		[
			"a boot order twice",
			{
				disks: [
					{ volume: "/a", bootOrder: 1 },
					{ volume: "/b", bootOrder: 1 },
				],
			},
			/same bootOrder/,
		],
		[
			"a NIC that is nowhere",
			{ nics: [{}] },
			/nics: \[0\] got none of them; allowed is exactly one of network, bridge and user/,
		],
		[
			"a NIC in two places",
			{ nics: [{ network: "n", user: true }] },
			/nics: \[0\] got network and user; allowed is exactly one/,
		],
		[
			"a MAC address twice",
			{
				nics: [
					{ user: true, mac: "52:00:00:00:00:01" },
					{ user: true, mac: "52:00:00:00:00:01" },
				],
			},
			/same mac/,
		],
		[
			"a set-up without an agent",
			{ agent: false, guestSetup: { hostname: "h" } },
			/guestSetup: is done by the guest agent/,
		],
		["a wait for an agent that is not there", { agent: false, waitFor: { agent: true } }, /waitFor: got agent true/],
		[
			"a wait for an address without a NIC",
			{ waitFor: { address: "auto" } },
			/waitFor: got address "auto", but the machine has no nics/,
		],
		[
			"a lease without a network",
			{ nics: [{ user: true }], waitFor: { address: "lease" } },
			/waitFor: got address "lease"/,
		],
		["malformed extraXml", { extraXml: "<domain>\n<a></domain>" }, /extraXml: got what is not well-formed near line 2/],
		["extraXml with a name", { extraXml: "<domain><name>x</name></domain>" }, /extraXml: got <name>/],
		["a control character", { description: "a\u0001" }, /description: got .*allowed are printable characters/],
		[
			"a kernel command line of two lines",
			{ boot: { kernel: "/k", cmdline: "a\nb" } },
			/boot.cmdline: got .*allowed is one line/,
		],
	];
	for (const [what, given, complaint] of bad) {
		it(`refuse ${what}`, () => {
			const { problems } = validate(domainSchema, { ...common, name: "m", ...given }, rules);
			assert.match(problems.map(({ property, message }) => `${property}: ${message}`).join("\n"), complaint);
		});
	}

	it("are not judged by what is not known yet", () => {
		const given = {
			...common,
			name: "m",
			vcpus: UNKNOWN,
			cpu: { cores: 3 },
			disks: [{ volume: UNKNOWN }],
			nics: [{ network: UNKNOWN }],
		};
		assert.deepEqual(validate(domainSchema, given, rules).problems, []);
	});
});

describe("helpers of a domain", () => {
	it("know a machine type in full by its short name", () => {
		assert.ok(isMachine("q35", "pc-q35-7.2"));
		assert.ok(isMachine("pc", "pc-i440fx-7.2"));
		assert.ok(isMachine("virt", "virt-7.2"));
		assert.ok(isMachine("pc-q35-7.2", "pc-q35-7.2"));
		assert.ok(!isMachine("pc", "pc-q35-7.2"));
		assert.ok(!isMachine("q35", "pc-i440fx-7.2"));
		assert.ok(!isMachine("pc-q35-7.1", "pc-q35-7.2"));
	});

	it("take for addresses what the machine can be reached by, IPv4 first", () => {
		const of = (mac: string, ...list: string[]) => ({
			name: "eth0",
			mac,
			addresses: list.map((address) => ({
				address,
				prefix: 24,
				family: address.includes(":") ? ("ipv6" as const) : ("ipv4" as const),
			})),
		});
		const found = [
			of("00:00:00:00:00:00", "127.0.0.1", "::1"),
			of("52:00:00:00:00:01", "fe80::1", "2001:db8::1", "169.254.3.4", "10.0.0.7"),
			of("02:42:00:00:00:09", "172.17.0.1"),
			of("52:00:00:00:00:0A", "10.0.0.8", "10.0.0.7"),
		];
		assert.deepEqual(usableAddresses(found, ["52:00:00:00:00:01", "52:00:00:00:00:0a"]), [
			"10.0.0.7",
			"10.0.0.8",
			"2001:db8::1",
		]);
		assert.deepEqual(usableAddresses(found.slice(0, 1), ["52:00:00:00:00:01"]), []);
	});

	it("poll quickly at first, one question at a time, and end with the time", async () => {
		let open = 0;
		let most = 0;
		let asked = 0;
		const began = performance.now();
		const answer = await poll(0.4, async () => {
			open++;
			most = Math.max(most, open);
			asked++;
			await new Promise((resolve) => setTimeout(resolve, 10));
			open--;
			return undefined;
		});
		const took = performance.now() - began;
		assert.equal(answer, undefined);
		assert.equal(most, 1);
		assert.ok(asked >= 3, `asked ${asked} times`);
		assert.ok(took >= 390, `took ${took} ms`);
		assert.equal(await poll(0, async () => "at once"), "at once");
	});
});
