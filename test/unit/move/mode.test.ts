import assert from "node:assert/strict";
import { carrierOf } from "../../../provider/move/carrier";
import { modeOf } from "../../../provider/move/mode";
import type { Obstacle } from "../../../provider/move/obstacles";
import { attribute, child, children, parse, text } from "../../../provider/xml/element";

const WEB = { name: "web", to: "qemu+tls://b/system" };
const CPU: Obstacle = { mode: "reboot", reason: "it does not have its CPU: avx2" };
const LOSS: Obstacle = { mode: "paused", reason: "without KVM, QEMU 7.2.22 loses what its guest writes meanwhile" };
const NETWORK: Obstacle = { mode: "impossible", reason: "1 disk(s) are on storage in the network" };

describe("the way of a machine to another host", () => {
	it("is live unless another one is wanted", () => {
		assert.equal(modeOf(WEB), "live");
		assert.equal(modeOf(WEB, { mode: "auto", allowReboot: true }), "live");
		assert.equal(modeOf(WEB, { mode: "saveRestore" }), "saveRestore");
		assert.equal(modeOf(WEB, { mode: "reboot", allowReboot: true }), "reboot");
	});

	it("is standing still where its memory would not come whole, and otherwise as it is wanted", () => {
		assert.equal(modeOf(WEB, {}, [LOSS]), "paused");
		for (const mode of ["paused", "saveRestore"] as const) assert.equal(modeOf(WEB, { mode }, [LOSS]), mode);
		assert.equal(modeOf(WEB, { mode: "paused" }), "paused");
		assert.throws(
			() => modeOf(WEB, { mode: "live" }, [LOSS]),
			/^InputError: got "live" for web: without KVM, QEMU 7\.2\.22 loses .*; allowed are "auto", "paused"/,
		);
		assert.equal(modeOf(WEB, { allowReboot: true }, [LOSS, CPU]), "reboot");
		assert.throws(() => modeOf(WEB, {}, [LOSS, CPU]), /web cannot go on: it does not have its CPU: avx2\. /);
	});

	it("is a restart where nothing else is possible and that is allowed", () => {
		assert.equal(modeOf(WEB, { allowReboot: true }, [CPU]), "reboot");
		assert.throws(() => modeOf(WEB, {}, [CPU]), /web cannot go on: .*avx2\. .* a restart .*: migration\.allowReboot$/);
		for (const mode of ["live", "saveRestore"] as const) {
			assert.throws(
				() => modeOf(WEB, { mode, allowReboot: true }, [CPU]),
				/migration\.mode "reboot" with allowReboot$/,
			);
		}
	});

	it("is none where a restart does not help", () => {
		for (const mode of ["auto", "reboot"] as const) {
			const all = () => modeOf(WEB, { mode, allowReboot: true }, [CPU, NETWORK]);
			assert.throws(
				all,
				/avx2; 1 disk\(s\) are on storage in the network\. Allowed is a host that has what it runs with$/,
			);
		}
	});
});

describe("what carries the disks of a machine that its new host could not run", () => {
	it("has its disks and firmware, and none of its CPU, room and devices of its host", () => {
		const root = parse(`<domain type="kvm"><name>web</name><maxMemory slots="4" unit="KiB">4096</maxMemory>
			<memory unit="KiB">3072</memory><currentMemory unit="MiB">2</currentMemory><vcpu current="1">4</vcpu>
			<os><type arch="x86_64" machine="pc-q35-9.9">hvm</type><nvram>/vars</nvram></os><cpu mode="host-passthrough"/>
			<devices><disk><target dev="vda"/></disk><hostdev/><filesystem/><memory model="dimm"/></devices></domain>`);
		const wanted = parse(`<domain type="qemu"><os><type machine="pc-q35-7.2">hvm</type></os></domain>`);
		const carrier = carrierOf(root, wanted);
		assert.deepEqual(
			children(carrier).map(({ tagName }) => tagName),
			["name", "memory", "currentMemory", "vcpu", "os", "devices"],
		);
		assert.deepEqual(
			children(child(carrier, "devices")).map(({ tagName }) => tagName),
			["disk"],
		);
		assert.deepEqual([text(carrier, "memory"), attribute(carrier, "memory", "unit")], ["2", "MiB"]);
		assert.deepEqual(
			[attribute(carrier, "", "type"), attribute(carrier, "os/type", "machine")],
			["qemu", "pc-q35-7.2"],
		);
		assert.equal(text(carrier, "os/nvram"), "/vars");
		assert.equal(attribute(root, "", "type"), "kvm");
	});
});
