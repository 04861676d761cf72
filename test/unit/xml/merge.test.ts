import assert from "node:assert/strict";
import { parse, serialize, XmlError } from "../../../provider/xml/element";
import { ExtraXmlError, mergeExtra, parseExtra } from "../../../provider/xml/merge";

const QEMU = "http://libvirt.org/schemas/domain/qemu/1.0";

function merged(definition: string, extra: string): string {
	const root = parse(`<domain>${definition}</domain>`);
	mergeExtra(root, extra.startsWith("<domain") ? extra : `<domain>${extra}</domain>`);
	return serialize(root).replace(/^<domain>|<\/domain>$/g, "");
}

describe("extraXml", () => {
	const rules: Array<[string, string, string, string]> = [
		[
			"overrides attributes and keeps the others",
			'<cpu a="1" b="2"/>',
			'<cpu b="3" c="4"/>',
			'<cpu a="1" b="3" c="4"/>',
		],
		["adds an element that is not there", "<os/>", "<iothreads>2</iothreads>", "<os/><iothreads>2</iothreads>"],
		["replaces a text", "<on_crash>destroy</on_crash>", "<on_crash>restart</on_crash>", "<on_crash>restart</on_crash>"],
		["merges at every depth", "<a><b><c/></b></a>", '<a><b><c x="1"/><d/></b></a>', '<a><b><c x="1"/><d/></b></a>'],
		[
			"merges listed elements of the same key and appends others",
			'<clock><timer name="rtc" a="1"/></clock>',
			'<clock><timer name="rtc" a="2"/><timer name="tsc"/></clock>',
			'<clock><timer name="rtc" a="2"/><timer name="tsc"/></clock>',
		],
		[
			"appends vCPU pins of other vCPUs",
			'<cputune><vcpupin vcpu="0" cpuset="1"/></cputune>',
			'<cputune><vcpupin vcpu="1" cpuset="2"/></cputune>',
			'<cputune><vcpupin vcpu="0" cpuset="1"/><vcpupin vcpu="1" cpuset="2"/></cputune>',
		],
		[
			"appends devices",
			"<devices><disk/></devices>",
			'<devices><disk type="file"/><watchdog/></devices>',
			'<devices><disk/><disk type="file"><alias name="ua-extra-0"/></disk><watchdog/></devices>',
		],
		[
			"merges a device into the one of the same alias",
			'<devices><disk><target dev="vda"/><alias name="ua-disk-0"/></disk></devices>',
			'<devices><disk><alias name="ua-disk-0"/><iotune/></disk></devices>',
			'<devices><disk><target dev="vda"/><alias name="ua-disk-0"/><iotune/></disk></devices>',
		],
		[
			"merges devices of which there is one",
			'<devices><memballoon model="virtio"/><emulator>/a</emulator></devices>',
			'<devices><memballoon model="none"/><emulator>/b</emulator></devices>',
			'<devices><memballoon model="none"/><emulator>/b</emulator></devices>',
		],
		[
			"merges controllers of the same type and index, and appends PCI's",
			'<devices><controller type="usb" index="0" model="x"/><controller type="pci" model="p"/></devices>',
			'<devices><controller type="usb" model="none"/><controller type="pci" model="q"/></devices>',
			'<devices><controller type="usb" index="0" model="none"/><controller type="pci" model="p"/><controller type="pci" model="q"><alias name="ua-extra-0"/></controller></devices>',
		],
		["makes devices where there are none", "", "<devices><tpm/></devices>", "<devices><tpm/></devices>"],
		[
			"keeps the metadata of others apart",
			'<metadata><a:x xmlns:a="urn:a">1</a:x></metadata>',
			'<metadata><b:x xmlns:b="urn:b">2</b:x></metadata>',
			'<metadata><a:x xmlns:a="urn:a">1</a:x><b:x xmlns:b="urn:b">2</b:x></metadata>',
		],
	];
	for (const [what, definition, extra, expected] of rules) {
		it(what, () => assert.equal(merged(definition, extra), expected));
	}

	it("passes arguments to QEMU in the order given", () => {
		const extra = `<domain xmlns:qemu="${QEMU}"><qemu:commandline><qemu:arg value="-a"/><qemu:arg value="-b"/><qemu:env name="X" value="1"/></qemu:commandline></domain>`;
		const root = parse("<domain><name>n</name></domain>");
		mergeExtra(root, extra);
		assert.equal(
			serialize(root),
			`<domain xmlns:qemu="${QEMU}"><name>n</name><qemu:commandline><qemu:arg value="-a"/><qemu:arg value="-b"/><qemu:env name="X" value="1"/></qemu:commandline></domain>`,
		);
		assert.equal(serialize(parse(serialize(root))), serialize(root));
	});

	const refused: Array<[string, string, RegExp]> = [
		["another root", "<network/>", /got <network> as the root element; allowed is <domain>/],
		["a name", "<domain><name>x</name></domain>", /got <name>, which it must not change/],
		["a UUID", "<domain><uuid>x</uuid></domain>", /got <uuid>/],
		["a type", "<domain type='kvm'/>", /use the input type/],
		[
			"an owner",
			"<domain><metadata><z:object xmlns:z='urn:pulumi-libvirt-clones:1'/></metadata></domain>",
			/by which owners are told apart/,
		],
	];
	for (const [what, extra, complaint] of refused) {
		it(`refuses ${what}`, () => {
			assert.throws(
				() => parseExtra(extra),
				(error: Error) => error instanceof ExtraXmlError && complaint.test(error.message),
			);
		});
	}

	it("names the line of what is malformed", () => {
		assert.throws(
			() => parseExtra("<domain>\n<devices>\n<disk></devices></domain>"),
			(error: XmlError) =>
				error instanceof XmlError && error.line === 3 && /extraXml is not well-formed near line 3/.test(error.message),
		);
		assert.throws(() => parseExtra("<domain><qemu:commandline/></domain>"), /prefix/);
	});
});
