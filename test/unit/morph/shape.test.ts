import assert from "node:assert/strict";
import { planMorph } from "../../../provider/morph/planner";
import { shapeOf } from "../../../provider/morph/shape";
import { attribute, child, children, element, parse, serialize } from "../../../provider/xml/element";
import { hasOwnRoom, moduleElement, readRoom, removeRoom, requesting, setRoom } from "../../../provider/xml/room";

/** A machine of somebody else's that has all that is needed, and one part of it changed. */
const foreign = (change: (xml: string) => string = (xml) => xml) =>
	parse(
		change(`<domain type="kvm" id="3"><name>m</name>
<maxMemory slots="4" unit="KiB">4194304</maxMemory><memory unit="KiB">2097152</memory><currentMemory unit="KiB">1310720</currentMemory>
<vcpu placement="static" current="2">8</vcpu>
<os><type arch="x86_64" machine="pc-q35-7.2">hvm</type></os><features><acpi/></features>
<cpu mode="host-model"><numa><cell id="0" cpus="0-3" memory="524288" unit="KiB"/><cell id="1" cpus="4-7" memory="0.5" unit="GiB"/></numa></cpu>
<devices>
<controller type="pci" index="0" model="pcie-root"/>
<controller type="pci" index="1" model="pcie-root-port"><address type="pci" domain="0x0000" bus="0x00" slot="0x02" function="0x0"/></controller>
<controller type="pci" index="2" model="pcie-root-port"><address type="pci" domain="0x0000" bus="0x00" slot="0x02" function="0x1"/></controller>
<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0" state="connected"/></channel>
<memory model="virtio-mem"><target><size unit="KiB">1048576</size><node>0</node><block unit="KiB">2048</block><requested unit="KiB">262144</requested><current unit="KiB">262144</current></target><alias name="virtiomem0"/></memory>
<memballoon model="virtio"><address type="pci" domain="0x0000" bus="0x01" slot="0x00" function="0x0"/></memballoon>
</devices></domain>`),
	);

describe("the shape of a machine", () => {
	it("is read from its XML, in MiB, whatever its units", () => {
		const { memory, ...rest } = shapeOf(foreign());
		assert.deepEqual(rest, {
			accelerator: "kvm",
			agent: true,
			vcpus: { present: 2, max: 8, hotPlug: true },
			lacks: [],
		});
		const { device, ...room } = memory.room!;
		assert.deepEqual(room, { bootMiB: 1024, maxMemoryMiB: 4096, modules: [], free: { slots: 3, memoryMiB: 2048 } });
		const { element: _, ...amounts } = device!;
		assert.deepEqual(amounts, { sizeMiB: 1024, requestedMiB: 256, currentMiB: 256, blockMiB: 2 });
		assert.deepEqual([memory.presentMiB, memory.bootMiB], [1280, 1024]);
		assert.equal(planMorph(shapeOf(foreign()), { vcpus: 4, memoryMiB: 2048 }).mode, "live");
	});

	const lacking: Array<[string, (xml: string) => string, RegExp]> = [
		["room for vCPUs", (xml) => xml.replace(' current="2"', ""), /^room for vCPUs: its maximum is the 8/],
		["ACPI", (xml) => xml.replace("<acpi/>", ""), /^hot plug of vCPUs/],
		["a PC's board", (xml) => xml.replace("x86_64", "aarch64"), /^hot plug of vCPUs/],
		["<maxMemory>", (xml) => xml.replace(/<maxMemory.*<\/maxMemory>/, ""), /^room for memory/],
		["a NUMA cell", (xml) => xml.replace(/<numa>.*<\/numa>/, ""), /^a NUMA cell/],
		[
			"virtio-mem, and without slots for modules",
			(xml) => xml.replace(/<memory model.*<\/memory>/, "").replace('slots="4"', 'slots="0"'),
			/^a virtio-mem device/,
		],
		["a balloon", (xml) => xml.replace('<memballoon model="virtio">', '<memballoon model="none">'), /^a balloon/],
		[
			"the agent's channel",
			(xml) => xml.replace("org.qemu.guest_agent.0", "com.example"),
			/^the channel of the guest agent/,
		],
		[
			"a free port",
			(xml) => xml.replace('index="2" model="pcie-root-port"', 'index="2" model="x"'),
			/^a free PCI Express/,
		],
	];
	for (const [what, change, expected] of lacking) {
		it(`tells of a machine without ${what} that it lacks that`, () => {
			assert.ok(
				shapeOf(foreign(change)).lacks.some((line) => expected.test(line)),
				shapeOf(foreign(change)).lacks.join("\n"),
			);
		});
	}

	it("lacks nearly everything when it is a plain machine", () => {
		const plain =
			'<domain type="qemu"><memory>1048576</memory><vcpu>1</vcpu><os><type arch="x86_64">hvm</type></os></domain>';
		assert.equal(shapeOf(parse(plain)).lacks.length, 7);
	});

	it("has no free port to tell of on a board without such", () => {
		const pc = foreign((xml) => xml.replace("pc-q35-7.2", "pc-i440fx-7.2").replaceAll("pcie-root-port", "pci-bridge"));
		assert.deepEqual(shapeOf(pc).lacks, []);
	});
});

describe("room for memory", () => {
	const made = (memoryMiB: number, maxMemoryMiB: number) => {
		const root = element("domain", {}, element("devices"));
		setRoom(root, { memoryMiB, maxMemoryMiB, maxVcpus: 4 });
		return root;
	};

	it("is what it was made with", () => {
		const room = readRoom(parse(serialize(made(256, 1024))))!;
		assert.deepEqual(
			[room.bootMiB, room.maxMemoryMiB, room.device!.sizeMiB, room.device!.requestedMiB],
			[256, 1024, 768, 0],
		);
	});

	it("has whole blocks, and no device where there is none", () => {
		assert.equal(readRoom(made(255, 1024))!.device!.sizeMiB, 768);
		assert.equal(readRoom(made(256, 258))!.device, undefined);
	});

	it("is made again in place of what was there", () => {
		const root = made(256, 1024);
		setRoom(root, { memoryMiB: 512, maxMemoryMiB: 1024, maxVcpus: 1 });
		assert.equal(children(child(root, "devices"), "memory").length, 1);
		assert.equal(attribute(root, "cpu/numa/cell", "cpus"), "0");
		assert.equal(readRoom(root)!.bootMiB, 512);
	});

	it("has slots in place of a device where it is for modules, each under a name of its own", () => {
		const root = element("domain", {}, element("devices"));
		setRoom(root, { memoryMiB: 256, maxMemoryMiB: 1024, maxVcpus: 1, room: "dimm" });
		const { device, modules, free } = readRoom(root)!;
		assert.deepEqual([device, modules, free], [undefined, [], { slots: 16, memoryMiB: 768 }]);
		const first = moduleElement(128, []);
		const second = moduleElement(256, [{ element: first, sizeMiB: 128 }]);
		for (const module of [first, second]) child(root, "devices")!.appendChild(module);
		const found = readRoom(parse(serialize(root)))!;
		assert.deepEqual(
			found.modules.map(({ sizeMiB }) => sizeMiB),
			[128, 256],
		);
		assert.deepEqual(found.free, { slots: 14, memoryMiB: 384 });
		const again = moduleElement(128, found.modules.slice(1));
		assert.equal(attribute(again, "alias", "name"), attribute(first, "alias", "name"));
		assert.notEqual(attribute(again, "alias", "name"), attribute(second, "alias", "name"));
	});

	it("is asked for another amount by the same device", () => {
		const device = readRoom(made(256, 1024))!.device!.element;
		const asked = requesting(device, 64);
		assert.match(serialize(asked), /<requested unit="MiB">64</);
		assert.match(serialize(device), /<requested unit="MiB">0</);
		assert.equal(attribute(asked, "alias", "name"), attribute(device, "alias", "name"));
	});

	it("is taken out whole, and nothing of somebody else's", () => {
		const root = made(256, 1024);
		removeRoom(root);
		assert.equal(hasOwnRoom(root), false);
		assert.equal(child(root, "maxMemory"), undefined);
		assert.equal(child(root, "memory")?.textContent, "256");
		const other = foreign();
		removeRoom(other);
		assert.equal(serialize(other), serialize(foreign()));
	});
});
