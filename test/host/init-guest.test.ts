import assert from "node:assert/strict";
import { givenMac } from "../../provider/init/given-ids";
import { compileParameters, evaluate } from "../../provider/init/parameters";
import { InitImage } from "./init-lab";
import { withLibguestfs } from "./inject-lab";

const NAME = `#!/bin/sh
printf '%s\\n' "$CLONE_NAME" > /etc/hostname
printf '%s' "$CLONE_NAME" > /proc/sys/kernel/hostname
`;
/** What the machine has come to, on its console. */
const SAY = `#!/bin/sh
read -r name < /proc/sys/kernel/hostname
echo "RESULT $name $CLONE_ADDRESS $CLONE_ROLE $CLONE_ID" > /dev/console
`;
const scripts = [
	{ kind: "init" as const, name: "name", content: NAME, stage: "early" as const },
	{ kind: "customize" as const, name: "say", content: SAY },
];
const parameters = {
	name: "web-{instance + 1:02}",
	address: "10.0.{byte(-2)}.{byte(-1)}",
	role: { table: { "0": "server" }, default: "client" },
};

describe("an image with scripts", function () {
	this.timeout(600_000);
	withLibguestfs();
	const images: InitImage[] = [];
	after(() => Promise.all(images.map((image) => image.remove())));
	const make = async (...args: Parameters<typeof InitImage.make>) => {
		const image = await InitImage.make(...args);
		images.push(image);
		return image;
	};
	const result = (console: string) => /^RESULT (.*)$/m.exec(console)?.[1];

	it("makes eight machines of eight kinds, which nobody tells who they are", async () => {
		const image = await make("micro", { identifier: ["mac"], parameters, scripts });
		const machine = async (n: number) => {
			const mac = givenMac("org/project/stack/web", n);
			const hardware = [
				"-machine",
				"q35",
				"-device",
				"virtio-blk-pci,drive=disk",
				"-device",
				`virtio-net-pci,mac=${mac}`,
			];
			const console = await image.console(`web-${n}`, hardware, /02-say is done/);
			const values = evaluate(compileParameters(parameters), { identifier: ["mac 0"], hardware: { "mac 0": mac } });
			assert.equal(result(console), `${values.name} ${values.address} ${values.role} ${mac}`, console);
			return result(console);
		};
		const found = [];
		for (let n = 0; n < 8; n += 2) found.push(...(await Promise.all([machine(n), machine(n + 1)])));
		assert.equal(new Set(found).size, 8);
		assert.match(found[0] ?? "", /^web-01 10\.0\.0\.0 server /);
		assert.match(found[7] ?? "", /^web-08 10\.0\.0\.7 client /);
	});

	it("runs on other hardware: machine type, disk bus and NIC model", async () => {
		const image = await make("micro", { identifier: ["mac 1", "disk-serial"], parameters, scripts });
		const nics = ["52:54:00:00:07:01", "52:54:00:00:07:09"].flatMap((mac) => ["-device", `vmxnet3,mac=${mac}`]);
		const ide = ["-device", "ide-hd,drive=disk,serial=disk-4"];
		const console = await image.console("vmware", ["-machine", "pc", ...ide, ...nics], /02-say is done/);
		assert.equal(result(console), "web-1802 10.0.7.9 client 52:54:00:00:07:09/disk-4", console);
	});

	it("runs by ids that need no network, from a SCSI disk", async () => {
		const ids = ["disk-serial", "serial", "oem clone="];
		const image = await make("micro", {
			identifier: ids,
			parameters: {
				...parameters,
				address: '{id("uuid")}',
				name: 'm-{instance}-{instance("serial")}-{instance("oem clone=")}',
			},
			scripts,
		});
		const smbios = ["-smbios", "type=1,serial=box-12,uuid=AABBCCDD-0011-2233-4455-66778899AABB"];
		const oem = ["-smbios", "type=11,value=other=1,value=clone=blue-13,value=more"];
		const scsi = ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk,serial=disk-11"];
		const console = await image.console("other", ["-machine", "pc", ...scsi, ...smbios, ...oem], /02-say is done/);
		const expected = "m-11-12-13 aabbccdd-0011-2233-4455-66778899aabb client disk-11/box-12/blue-13";
		assert.equal(result(console), expected, console);
	});
});
