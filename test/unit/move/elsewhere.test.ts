import assert from "node:assert/strict";
import { attribute, child, children, parse, text } from "../../../provider/xml/element";
import { elsewhere } from "../../../provider/xml/elsewhere";
import { recordedIn } from "../../../provider/xml/metadata";

const LIVE = `<domain type="qemu" id="3"><name>m</name>
	<os><kernel>/a/kernel</kernel><initrd>/a/initrd</initrd></os>
	<devices>
		<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="/a/disk" index="2"/>
			<backingStore type="file"><format type="qcow2"/><source file="/a/gold"/></backingStore>
			<target dev="vda" bus="virtio"/><address type="pci" bus="0x03"/></disk>
		<disk type="file" device="cdrom"><source file="/a/seed.iso"/><target dev="sda" bus="sata"/></disk>
		<interface type="network"><mac address="52:54:00:00:00:01"/><source network="lab" bridge="virbr1"/>
			<target dev="vnet3"/><address type="pci" bus="0x01"/></interface>
		<interface type="bridge"><mac address="52:54:00:00:00:02"/><source bridge="br0"/></interface>
		<serial type="pty"><log file="/a/console.log"/></serial><console type="pty"><log file="/a/console.log"/></console>
	</devices></domain>`;

describe("a machine's XML for another host", () => {
	const root = parse(LIVE);
	const moved = elsewhere(root, {
		disks: new Map([["vda", { source: { type: "block" as const, path: "/dev/b" }, format: "raw" as const }]]),
		nics: new Map([["52:54:00:00:00:01", { bridge: "br7" }]]),
		boot: { kernel: "/b/kernel", initrd: "/b/initrd" },
		consoleLog: "/b/console.log",
		recorded: { owner: "o/p/s/m", guard: "12345678" },
	});
	const [disk, cdrom] = children(child(moved, "devices"), "disk");
	const [nic, other] = children(child(moved, "devices"), "interface");

	it("has the disks there, and nothing of what lies below them here", () => {
		assert.equal(attribute(disk, "", "type"), "block");
		assert.equal(attribute(disk, "source", "dev"), "/dev/b");
		assert.equal(attribute(disk, "driver", "type"), "raw");
		assert.equal(children(disk, "source").length, 1);
		assert.equal(child(disk, "backingStore"), undefined);
	});

	it("is connected there, with no device of this host", () => {
		assert.equal(attribute(nic, "", "type"), "bridge");
		assert.equal(attribute(nic, "source", "bridge"), "br7");
		assert.equal(attribute(nic, "source", "network"), undefined);
		assert.equal(child(nic, "target"), undefined);
	});

	it("has the guest's side of all devices as it is", () => {
		assert.equal(attribute(disk, "address", "bus"), "0x03");
		assert.equal(attribute(nic, "address", "bus"), "0x01");
		assert.equal(attribute(cdrom, "source", "file"), "/a/seed.iso");
		assert.equal(attribute(other, "source", "bridge"), "br0");
	});

	it("has kernel, console and record of there", () => {
		assert.equal(text(moved, "os/kernel"), "/b/kernel");
		assert.equal(text(moved, "os/initrd"), "/b/initrd");
		assert.equal(attribute(moved, "devices/serial/log", "file"), "/b/console.log");
		assert.equal(attribute(moved, "devices/console/log", "file"), "/b/console.log");
		assert.deepEqual(recordedIn(moved), { owner: "o/p/s/m", guard: "12345678" });
	});

	it("leaves the one that it is made of as it is", () => assert.equal(text(root, "os/kernel"), "/a/kernel"));
});
