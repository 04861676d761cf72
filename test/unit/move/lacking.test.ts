import assert from "node:assert/strict";
import { adapted, lacksIn } from "../../../provider/move/lacking";
import { type Element, parse, serialize } from "../../../provider/xml/element";

/** What libvirt 9.0 tells of QEMU 7.2. */
const ALL = `<domainCapabilities><devices>
	<disk supported='yes'>
		<enum name='diskDevice'><value>disk</value><value>cdrom</value><value>floppy</value><value>lun</value></enum>
		<enum name='bus'><value>fdc</value><value>scsi</value><value>virtio</value><value>usb</value>
		<value>sata</value></enum>
		<enum name='model'><value>virtio</value><value>virtio-transitional</value>
		<value>virtio-non-transitional</value></enum>
	</disk>
	<graphics supported='yes'>
		<enum name='type'><value>sdl</value><value>vnc</value><value>spice</value><value>egl-headless</value>
		<value>dbus</value></enum>
	</graphics>
	<video supported='yes'>
		<enum name='modelType'><value>vga</value><value>cirrus</value><value>vmvga</value><value>qxl</value>
		<value>virtio</value><value>none</value><value>bochs</value><value>ramfb</value></enum>
	</video>
	<rng supported='yes'>
		<enum name='model'><value>virtio</value><value>virtio-transitional</value>
		<value>virtio-non-transitional</value></enum>
		<enum name='backendModel'><value>random</value><value>egd</value><value>builtin</value></enum>
	</rng>
	<tpm supported='yes'>
		<enum name='model'><value>tpm-tis</value><value>tpm-crb</value></enum>
		<enum name='backendModel'><value>passthrough</value><value>emulator</value><value>external</value></enum>
		<enum name='backendVersion'><value>1.2</value><value>2.0</value></enum>
	</tpm>
	<redirdev supported='yes'>
		<enum name='bus'><value>usb</value></enum>
	</redirdev>
	<channel supported='yes'>
		<enum name='type'><value>pty</value><value>unix</value><value>spicevmc</value></enum>
	</channel>
</devices></domainCapabilities>`;

const without = (...parts: string[]) => parse(parts.reduce((xml, part) => xml.replace(part, ""), ALL));
const machine = (devices: string) => parse(`<domain><devices>${devices}</devices></domain>`);
const named = (alias: string) => `<alias name="${alias}"/>`;

const NOISE = `<rng model="virtio"><backend model="builtin"/>${named("ua-noise")}</rng>`;
const PORT = `<redirdev bus="usb" type="tcp">${named("ua-port")}</redirdev>`;
const CHANNEL = `<channel type="null"><target type="virtio" name="a.b"/>${named("ua-channel")}</channel>`;
const TPM = '<tpm model="tpm-crb"><backend type="emulator" version="2.0"/></tpm>';
const SCREEN = '<graphics type="spice"/><video><model type="qxl"/></video>';
const DISK = '<disk type="file"><target dev="vda" bus="virtio"/></disk>';

function found(root: Element, offered: Element): string[] {
	return lacksIn(root, offered).map(({ what, remedy = "none" }) => `${what}: ${remedy}`);
}

describe("devices that another host lacks", () => {
	it("are none where it lists what they are", () => {
		assert.deepEqual(found(machine(NOISE + PORT + TPM + SCREEN + DISK), parse(ALL)), []);
	});

	it("are those that it does not list, with what can be done without a restart", () => {
		const offered = without(
			"<value>builtin</value>",
			"<value>emulator</value>",
			"<value>spice</value>",
			"<value>qxl</value>",
		);
		assert.deepEqual(found(machine(NOISE + TPM + SCREEN + DISK), offered), [
			"rng ua-noise with backend builtin: emulate",
			"tpm with backend emulator: none",
			"video with model qxl: none",
			"graphics with type spice: none",
		]);
	});

	it("are not those of which it lists nothing", () => {
		const all = machine(NOISE + PORT + TPM + SCREEN + DISK + CHANNEL);
		assert.deepEqual(found(all, parse("<domainCapabilities><devices/></domainCapabilities>")), []);
		const empty = "<rng supported='yes'><enum name='backendModel'/></rng>";
		assert.deepEqual(found(all, parse(`<domainCapabilities><devices>${empty}</devices></domainCapabilities>`)), []);
	});

	it("are all of a kind that it does not support", () => {
		const offered = parse("<domainCapabilities><devices><redirdev supported='no'/></devices></domainCapabilities>");
		assert.deepEqual(found(machine(PORT), offered), ["redirdev ua-port with bus usb: remove"]);
		assert.deepEqual(found(machine(PORT.replace(named("ua-port"), "")), offered), ["redirdev with bus usb: none"]);
		assert.doesNotMatch(serialize(adapted(machine(PORT + DISK), offered)), /redirdev/);
	});

	it("leave what nothing stands in for, and what libvirt lists in part only", () => {
		const root = machine(TPM + CHANNEL + NOISE);
		const after = serialize(adapted(root, without("<value>emulator</value>", "<value>builtin</value>")));
		assert.match(after, /<backend type="emulator" version="2.0"\/>/);
		assert.match(after, /<channel type="null">/);
		assert.match(after, /ua-noise"\/><backend model="random">\/dev\/urandom<\/backend><\/rng>/);
		assert.match(serialize(root), /<backend model="builtin"\/>/, "the given one is left alone");
	});

	it("have the other backend where the first one is not there", () => {
		const egd = machine(NOISE.replace("builtin", "egd"));
		const offered = without("<value>random</value>", "<value>egd</value>");
		assert.match(serialize(adapted(egd, offered)), /<backend model="builtin"\/><\/rng>/);
	});
});
