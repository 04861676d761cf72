import assert from "node:assert/strict";
import { type EmulatorQuery, type Host, LibvirtError } from "../../../provider/libvirt";
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
