import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiskSource, DiskSpec, NicSource, NicSpec } from "../../../provider/xml/devices";
import { buildDomain, type DomainSpec } from "../../../provider/xml/domain";
import { attribute, child, children, copy, element, parse, serialize } from "../../../provider/xml/element";
import { type FoundDomain, readDomain } from "../../../provider/xml/read-domain";
import { withoutIdentity } from "../../../provider/xml/template";

const plainText = fc
	.string({ unit: "grapheme" })
	// biome-ignore lint/suspicious/noControlCharactersInRegex: refused by the schema
	.map((value) => value.replace(/[\u0000-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "") + "<>&'\"é");
const path = plainText.map((value) => `/${value}`);

const source = fc.oneof(
	fc.record<DiskSource & { type: "file" }>({ type: fc.constant("file"), path }),
	fc.record<DiskSource & { type: "block" }>({ type: fc.constant("block"), path }),
	fc.record<DiskSource & { type: "network" }>(
		{
			type: fc.constant("network"),
			protocol: fc.constantFrom("rbd", "iscsi"),
			name: plainText,
			hosts: fc.array(fc.record({ name: plainText, port: fc.nat(65535).map(String) }, { requiredKeys: ["name"] }), {
				minLength: 1,
				maxLength: 3,
			}),
			auth: fc.record({ username: plainText, secretType: fc.constantFrom("ceph", "iscsi"), secretUuid: fc.uuid() }),
		},
		{ requiredKeys: ["type", "protocol", "name"] },
	),
);

const disks = fc
	.array(
		fc.record({
			source,
			format: fc.constantFrom("qcow2" as const, "raw" as const),
			device: fc.constantFrom("disk" as const, "cdrom" as const),
			bus: fc.constantFrom("virtio" as const, "scsi" as const, "sata" as const),
			readOnly: fc.boolean(),
			serial: fc.option(fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/), { nil: undefined }),
			cache: fc.constantFrom("default", "none", "writeback"),
			bootOrder: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
		}),
		{ maxLength: 4 },
	)
	.map((all): DiskSpec[] =>
		all.map((disk, index) => ({
			...disk,
			readOnly: disk.readOnly || disk.device === "cdrom",
			alias: `ua-disk-${index}`,
			target: `${disk.bus === "virtio" ? "vd" : "sd"}${"abcd"[index]}`,
		})),
	);

const nics = fc
	.array(
		fc.record({
			source: fc.oneof<fc.Arbitrary<NicSource>[]>(
				fc.record({ network: plainText }),
				fc.record({ bridge: plainText }),
				fc.constant({ user: true as const }),
			),
			model: fc.constantFrom("virtio", "e1000e"),
		}),
		{ maxLength: 3 },
	)
	.map((all): NicSpec[] =>
		all.map((nic, index) => ({ ...nic, alias: `ua-nic-${index}`, mac: `52:00:00:00:00:0${index}` })),
	);

const spec: fc.Arbitrary<DomainSpec> = fc
	.record({
		name: plainText,
		uuid: fc.uuid(),
		description: fc.option(plainText, { nil: undefined }),
		owner: plainText,
		domainType: fc.constantFrom("qemu", "kvm"),
		hardware: fc.constantFrom(
			{ arch: "x86_64", machine: "q35", firmware: "bios" as const },
			{ arch: "x86_64", machine: "pc", firmware: "uefi" as const },
			{ arch: "x86_64", machine: "q35", firmware: "uefi-secure" as const },
			{ arch: "aarch64", machine: "virt", firmware: "uefi" as const },
		),
		memoryMiB: fc.integer({ min: 1, max: 1 << 20 }),
		moreMiB: fc.nat(1 << 20),
		vcpus: fc.integer({ min: 1, max: 512 }),
		moreVcpus: fc.nat(512),
		disks,
		nics,
		boot: fc.option(fc.record({ kernel: path, initrd: path, cmdline: plainText }, { requiredKeys: ["kernel"] }), {
			nil: undefined,
		}),
		consoleLog: fc.option(path, { nil: undefined }),
		agent: fc.boolean(),
		rng: fc.boolean(),
		graphics: fc.constantFrom("none" as const, "vnc" as const),
	})
	.map(({ owner, hardware, moreMiB, moreVcpus, ...rest }) => ({
		...rest,
		...hardware,
		recorded: { owner },
		maxMemoryMiB: rest.memoryMiB + moreMiB,
		maxVcpus: rest.vcpus + moreVcpus,
	}));

/** What a definition says, in the shape of the description it was made from. */
function readBack(found: FoundDomain) {
	const { root, cpu, liveId, agentConnected, ...rest } = found;
	return {
		...rest,
		disks: found.disks.map(({ element, chain, ...disk }) => disk),
		nics: found.nics.map(({ element, ...nic }) => nic),
	};
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

function simple(more: Partial<DomainSpec> = {}): DomainSpec {
	return {
		domainType: "qemu",
		name: "n",
		uuid: "u",
		recorded: { owner: "o" },
		description: undefined,
		arch: "x86_64",
		machine: "q35",
		firmware: "bios",
		memoryMiB: 64,
		maxMemoryMiB: 64,
		vcpus: 1,
		maxVcpus: 1,
		disks: [],
		nics: [],
		agent: true,
		rng: true,
		graphics: "none",
		...more,
	};
}

describe("a domain's definition", () => {
	it("says what it was built from, whatever characters are in it", () => {
		fc.assert(
			fc.property(spec, (wanted) => {
				const found = readDomain(parse(serialize(buildDomain(wanted))));
				assert.deepEqual(plain(readBack(found)), plain(wanted));
			}),
			{ numRuns: 200 },
		);
	});

	it("does not change when it is built on itself", () => {
		fc.assert(
			fc.property(spec, (wanted) => {
				const first = buildDomain(wanted);
				const again = buildDomain(wanted, copy(first));
				assert.deepEqual(plain(readBack(readDomain(again))), plain(readBack(readDomain(first))));
				const devices = (root: typeof first) =>
					children(child(root, "devices"))
						.map(({ tagName }) => tagName)
						.sort();
				assert.deepEqual(devices(again), devices(first));
			}),
		);
	});

	it("lets libvirt choose the firmware, with Secure Boot only when asked", () => {
		const uefi = buildDomain(simple({ firmware: "uefi", nvramPath: "/n/u_VARS.fd" }));
		assert.equal(attribute(uefi, "os", "firmware"), "efi");
		assert.equal(attribute(uefi, "os/firmware/feature", "enabled"), "no");
		assert.equal(child(uefi, "os/nvram")?.textContent, "/n/u_VARS.fd");
		assert.equal(child(uefi, "features/smm"), undefined);
		const secure = buildDomain(simple({ firmware: "uefi-secure" }));
		assert.deepEqual(
			children(child(secure, "os/firmware"), "feature").map((item) => serialize(item)),
			['<feature enabled="yes" name="secure-boot"/>', '<feature enabled="yes" name="enrolled-keys"/>'],
		);
		assert.equal(attribute(secure, "features/smm", "state"), "on");
		assert.equal(child(buildDomain(simple({ nvramPath: "/n" })), "os/nvram"), undefined);
	});

	const cpus: Array<[string, Partial<DomainSpec>, string | undefined]> = [
		["the host's as a model under KVM", { domainType: "kvm" }, '<cpu mode="host-model"/>'],
		["libvirt's choice without KVM", {}, undefined],
		["the host's under KVM on Arm", { domainType: "kvm", arch: "aarch64" }, '<cpu mode="host-passthrough"/>'],
		["a 64-bit one without KVM on Arm", { arch: "aarch64" }, '<cpu mode="maximum"/>'],
		[
			"the given model",
			{ cpu: { model: "qemu64" } },
			'<cpu mode="custom" match="exact"><model fallback="forbid">qemu64</model></cpu>',
		],
		[
			"the given model, with more and less than it has",
			{ cpu: { model: "qemu64", features: { svm: "disable", aes: "require" }, check: "full" } },
			'<cpu mode="custom" match="exact" check="full"><model fallback="forbid">qemu64</model>' +
				'<feature policy="disable" name="svm"/><feature policy="require" name="aes"/></cpu>',
		],
		[
			"the given topology, with sockets as many as are needed",
			{ maxVcpus: 8, cpu: { cores: 2, threads: 2 } },
			'<cpu><topology sockets="2" cores="2" threads="2"/></cpu>',
		],
	];
	for (const [what, more, expected] of cpus) {
		it(`has as its CPU ${what}`, () => {
			const cpu = child(buildDomain(simple(more)), "cpu");
			assert.equal(cpu && serialize(cpu), expected);
		});
	}

	it("has a SCSI controller only for SCSI disks, and four root ports to spare on PCI Express", () => {
		const controllers = (root: ReturnType<typeof buildDomain>, model: string) =>
			children(child(root, "devices"), "controller").filter((item) => attribute(item, "", "model") === model).length;
		const disk: DiskSpec = {
			alias: "ua-disk-0",
			source: { type: "file", path: "/d" },
			format: "raw",
			device: "disk",
			target: "sda",
			bus: "scsi",
			readOnly: false,
			cache: "default",
		};
		const none = buildDomain(simple());
		const scsi = buildDomain(simple({ disks: [disk] }));
		assert.equal(controllers(none, "virtio-scsi"), 0);
		assert.equal(controllers(scsi, "virtio-scsi"), 1);
		// Serial bus of the agent, rng, balloon and USB.
		assert.equal(controllers(none, "pcie-root-port"), 4 + 4);
		assert.equal(controllers(scsi, "pcie-root-port"), 5 + 4);
		assert.equal(controllers(buildDomain(simple({ machine: "pc" })), "pcie-root-port"), 0);
	});

	it("keeps the console's log over restarts, and VNC on the loopback address", () => {
		const root = buildDomain(simple({ consoleLog: "/var/log/x", graphics: "vnc" }));
		assert.equal(
			serialize(child(root, "devices/serial")!),
			'<serial type="pty"><log file="/var/log/x" append="on"/></serial>',
		);
		assert.equal(attribute(root, "devices/graphics/listen", "address"), "127.0.0.1");
	});

	it("keeps the addresses, controllers and variables of the machine that it was", () => {
		const wanted = simple({
			firmware: "uefi",
			nics: [{ alias: "ua-nic-0", mac: "52:00:00:00:00:01", source: { user: true }, model: "virtio" }],
		});
		const before = buildDomain(wanted);
		child(before, "os/type")!.setAttribute("machine", "pc-q35-7.2");
		child(before, "os")!.appendChild(element("nvram", {}, "/old_VARS.fd"));
		const address = { type: "pci", domain: "0x0000", bus: "0x07", slot: "0x00", function: "0x0" };
		child(before, "devices/interface")!.appendChild(element("address", address));
		const controller = element("controller", { type: "pci", index: 7, model: "pcie-root-port" });
		child(before, "devices")!.appendChild(controller);
		const options = { definition: before, keepMachine: true, keepControllers: true };
		const after = buildDomain({ ...wanted, nvramPath: "/new_VARS.fd" }, undefined, options);
		assert.equal(attribute(after, "os/type", "machine"), "pc-q35-7.2");
		assert.equal(child(after, "os/nvram")?.textContent, "/old_VARS.fd");
		assert.equal(attribute(after, "devices/interface/address", "bus"), "0x07");
		assert.ok(children(child(after, "devices"), "controller").some((item) => attribute(item, "", "index") === "7"));
		const other = buildDomain({ ...wanted, machine: "pc" }, undefined, { ...options, keepMachine: false });
		assert.equal(attribute(other, "os/type", "machine"), "pc");
		assert.equal(child(other, "devices/interface/address"), undefined);
	});

	it("reads memory in every unit that libvirt writes", () => {
		const memory = (xml: string) => readDomain(parse(`<domain>${xml}</domain>`)).maxMemoryMiB;
		assert.equal(memory("<memory>1048576</memory>"), 1024);
		assert.equal(memory("<memory unit='GiB'>2</memory>"), 2048);
		assert.equal(memory("<memory unit='bytes'>1048576</memory>"), 1);
		assert.equal(memory("<memory unit='MB'>1049</memory>"), 1000);
	});
});

describe("a template's definition", () => {
	const template =
		parse(`<domain type='kvm' id='3'><name>t</name><uuid>u</uuid><title>T</title><description>D</description>
		<metadata><clones:object xmlns:clones="urn:pulumi-libvirt-clones:1"><clones:owner>x</clones:owner></clones:object><o:os xmlns:o="urn:os">linux</o:os></metadata>
		<genid>7</genid><memory>65536</memory><vcpu>4</vcpu>
		<os firmware='efi'><type machine='q35'>hvm</type><loader>/code</loader><nvram>/t_VARS.fd</nvram></os>
		<sysinfo type='smbios'><system><entry name='uuid'>u</entry><entry name='product'>p</entry></system></sysinfo>
		<devices><disk type='file'><source file='/t'/></disk><interface type='user'/><hostdev mode='subsystem'/>
		<serial type='file'><source path='/t.log'/><log file='/l'/></serial>
		<channel type='unix'><source mode='bind' path='/s'/><target name='c'/></channel>
		<graphics type='vnc' port='5901'/><vsock><cid address='3'/></vsock><watchdog model='itco'/></devices></domain>`);

	it("loses all that only one machine can have, and nothing else", () => {
		const bare = serialize(withoutIdentity(template)).replace(/\s*\n\s*/g, "");
		assert.equal(
			bare,
			'<domain type="kvm"><metadata><o:os xmlns:o="urn:os">linux</o:os></metadata><genid/><memory>65536</memory><vcpu>4</vcpu>' +
				'<os firmware="efi"><type machine="q35">hvm</type></os>' +
				'<sysinfo type="smbios"><system><entry name="product">p</entry></system></sysinfo>' +
				'<devices><serial type="pty"/><channel type="unix"><target name="c"/></channel>' +
				'<graphics type="vnc" autoport="yes"/><vsock><cid auto="yes"/></vsock><watchdog model="itco"/></devices></domain>',
		);
		assert.ok(child(template, "uuid"), "the template's own definition is not changed");
	});

	it("gets a CPU that emulation has when it was made for KVM", () => {
		const base = parse(
			"<domain><cpu mode='host-passthrough' check='none'><topology sockets='1' cores='4' threads='1'/><feature name='x'/></cpu></domain>",
		);
		const root = buildDomain(simple({ vcpus: 4, maxVcpus: 4 }), base);
		assert.equal(serialize(child(root, "cpu")!), '<cpu><topology sockets="1" cores="4" threads="1"/></cpu>');
		const fewer = buildDomain(simple({ vcpus: 2, maxVcpus: 2 }), copy(root));
		assert.equal(child(fewer, "cpu/topology"), undefined, "a topology of another number of vCPUs");
	});
});
