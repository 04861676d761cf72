import assert from "node:assert/strict";
import { type EmulatorQuery, type Host, LibvirtError } from "../../../provider/libvirt";
import { lossWhileRunning } from "../../../provider/move/emulated";
import { obstacles } from "../../../provider/move/obstacles";
import { parse } from "../../../provider/xml/element";

const HOST_MODEL = `<domainCapabilities><cpu><mode name="custom"/><mode name="host-model" supported="yes">
	<model fallback="forbid">Cascadelake-Server</model><vendor>Intel</vendor><feature policy="require" name="avx512f"/>
</mode></cpu></domainCapabilities>`;

const error = (errorName: string, reason: string) =>
	new LibvirtError({ reason, libvirtCode: 1, errorName, errorDomain: "VIR_FROM_QEMU", call: "c", uri: "u" });

interface Given {
	missing?: string;
	fails?: LibvirtError;
}

/** A host as libvirt tells of it. */
function host(uri: string, asked: string[], { missing, fails }: Given = {}): Host {
	return {
		uri,
		domainCapabilitiesXml: async ({ machine }: EmulatorQuery) => {
			if (machine === "pc-q35-99") throw error("VIR_ERR_INVALID_ARG", "the machine 'pc-q35-99' is not supported");
			return HOST_MODEL;
		},
		compareCpu: async (xml: string) => {
			asked.push(`${uri} ${xml}`);
			if (fails) throw fails;
			return missing && `the CPU is incompatible with host CPU: ${missing}`;
		},
	} as unknown as Host;
}

function machine(cpu: string, devices = "", board = "pc-q35-7.2") {
	return parse(
		`<domain type="kvm"><os><type arch="x86_64" machine="${board}">hvm</type></os>${cpu}<devices>${devices}</devices></domain>`,
	);
}

async function found(root: ReturnType<typeof machine>, there: Given = {}, here: Given = {}) {
	const asked: string[] = [];
	const all = await obstacles(host("here", asked, here), host("there", asked, there), root);
	return { all: all.map(({ mode, reason }) => `${mode}: ${reason}`), asked };
}

const NAMED = `<cpu mode="custom" match="exact" check="full"><model>Haswell</model><topology sockets="1"/>
	<feature policy="require" name="vmx"/><numa><cell id="0" memory="1"/></numa></cpu>`;

describe("what keeps a machine from going on on another host", () => {
	it("is nothing where that can give its CPU and board", async () => {
		const { all, asked } = await found(machine(NAMED));
		assert.deepEqual(all, []);
		assert.match(asked.join(), /<model>Haswell<\/model><feature policy="require" name="vmx"\/><\/cpu>$/);
		assert.deepEqual((await found(machine(""))).asked, []);
	});

	it("is what its CPU has and that one has not", async () => {
		const missing = "Host CPU does not provide required features: vmx";
		assert.deepEqual((await found(machine(NAMED), { missing })).all, [
			`reboot: there does not have its CPU: ${missing}`,
		]);
	});

	for (const mode of ["host-passthrough", "maximum"]) {
		it(`is what the CPU of its host has, where it has that as ${mode}`, async () => {
			const { all, asked } = await found(machine(`<cpu mode="${mode}"/>`), { missing: "avx512f" });
			assert.deepEqual(all, ["reboot: there does not have its CPU: avx512f"]);
			assert.match(asked[0]!, /Cascadelake-Server.*avx512f/);
		});
	}

	it("is not what libvirt finds missing on both, nor what it cannot tell", async () => {
		assert.deepEqual((await found(machine(NAMED), { missing: "vmx" }, { missing: "vmx" })).all, []);
		assert.deepEqual((await found(machine(NAMED), { fails: error("VIR_ERR_NO_SUPPORT", "no") })).all, []);
	});

	it("is a board that is not there", async () => {
		const { all } = await found(machine(NAMED, "", "pc-q35-99"));
		assert.equal(all.length, 1);
		assert.match(all[0]!, /^reboot: there does not have its board, pc-q35-99 of x86_64 with kvm: the machine/);
	});

	it("are devices that stay, each kind of them", async () => {
		const devices = `<hostdev type="pci"/><hostdev type="usb"/><filesystem type="mount"/>
			<disk type="network"><target dev="vda"/></disk><disk type="file"/>`;
		assert.deepEqual((await found(machine("", devices))).all, [
			"reboot: 2 device(s) of its host are passed through to it",
			"reboot: it shares 1 folder(s) with its host",
			"impossible: 1 disk(s) are on storage in the network",
		]);
	});
});

describe("what QEMU loses of the memory of a machine that runs while it is sent", () => {
	const loss = (xml: string, [major, minor, micro]: number[]) => {
		const qmp = async (uuid: string, command: string) => {
			assert.deepEqual([uuid, command], ["1-2", "query-version"]);
			return { qemu: { major, minor, micro }, package: "Debian" };
		};
		return lossWhileRunning({ domains: { qmp } } as unknown as Host, parse(xml));
	};
	const running = (type: string, more = "") => `<domain type="${type}" id="7"><uuid>1-2</uuid>${more}</domain>`;

	it("is what its guest writes where it has no KVM and QEMU is older than 9.0", async () => {
		const said = "without KVM, QEMU 8.2.2 loses what its guest writes meanwhile";
		assert.equal(await loss(running("qemu"), [8, 2, 2]), said);
		assert.equal(await loss(running("qemu"), [9, 0, 0]), undefined);
		assert.equal(await loss(running("qemu"), [10, 0, 2]), undefined);
	});

	it("is what its guest writes beside its first piece of memory, with a newer one", async () => {
		const said = /^without KVM, QEMU 10\.0\.2 loses what its guest writes meanwhile to memory beside the first piece /;
		const plugged = '<devices><memory model="virtio-mem"/></devices>';
		const cells = (count: number) => `<cpu><numa>${"<cell/>".repeat(count)}</numa></cpu>`;
		assert.match((await loss(running("qemu", cells(1) + plugged), [10, 0, 2])) ?? "", said);
		assert.match((await loss(running("qemu", cells(2)), [10, 0, 2])) ?? "", said);
		assert.equal(await loss(running("qemu", `${cells(1)}<devices/>`), [10, 0, 2]), undefined);
	});

	it("is nothing with KVM, and of one that is off", async () => {
		assert.equal(await loss(running("kvm"), [7, 2, 22]), undefined);
		assert.equal(await loss('<domain type="qemu"><uuid>1-2</uuid></domain>', [7, 2, 22]), undefined);
	});
});
