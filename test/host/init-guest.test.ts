import assert from "node:assert/strict";
import { givenMac } from "../../provider/init/given-ids";
import { compileParameters, evaluate } from "../../provider/init/parameters";
import { tpmId } from "../../provider/init/tpm";
import { InitImage } from "./init-lab";
import { withLibguestfs } from "./inject-lab";
import { Tpm } from "./tpm-lab";

const NAME = `#!/bin/sh
printf '%s\\n' "$CLONE_NAME" > /etc/hostname
printf '%s' "$CLONE_NAME" > /proc/sys/kernel/hostname
`;
/** The key that the TPM makes of its seed, on the console. */
const MADE = `#!/bin/sh
root= device=/dev/tpmrm0
. /usr/lib/clones-init/parts/hardware
echo "MADE $(created_key)" > /dev/console
`;
/** What the machine has come to, on its console. */
const SAY = `#!/bin/sh
read -r name < /proc/sys/kernel/hostname
echo "RESULT $name $CLONE_ADDRESS $CLONE_ROLE $CLONE_ID" > /dev/console
`;
const name = { kind: "init" as const, name: "name", content: NAME, stage: "early" as const };
const say = { kind: "customize" as const, name: "say", content: SAY, stage: "early" as const };
const parameters = {
	name: "web-{instance + 1:02}",
	address: "10.0.{byte(-2)}.{byte(-1)}",
	role: { table: { "0": "server" }, default: "client" },
};

describe("an image with scripts", function () {
	this.timeout(600_000);
	withLibguestfs();
	let image: InitImage;
	let withoutNetwork: InitImage;
	let tpm: Tpm;
	after(async () => {
		await Promise.all([image, withoutNetwork].map((made) => made?.remove()));
		tpm?.remove();
	});
	const results = (console: string) => [...console.matchAll(/^RESULT (.*)$/gm)].map(([, text]) => text);

	it("makes eight machines of eight kinds, which nobody tells who they are", async () => {
		const later = { ...say, name: "later", stage: "late" as const, identifier: ["mac 1", "disk-serial"] };
		image = await InitImage.make("micro", { identifier: ["mac"], parameters, scripts: [name, say, later] });
		const machine = async (n: number) => {
			const mac = givenMac("org/project/stack/web", n);
			const devices = ["-device", "virtio-blk-pci,drive=disk", "-device", `virtio-net-pci,mac=${mac}`];
			const hardware = ["-machine", "q35", ...image.directBoot, ...devices];
			const console = await image.console(`web-${n}`, hardware, /02-say is done/);
			const values = evaluate(compileParameters(parameters), { identifier: ["mac 0"], hardware: { "mac 0": mac } });
			assert.deepEqual(results(console), [`${values.name} ${values.address} ${values.role} ${mac}`], console);
			return results(console)[0] ?? "";
		};
		const found = [];
		for (let n = 0; n < 8; n += 2) found.push(...(await Promise.all([machine(n), machine(n + 1)])));
		assert.equal(new Set(found).size, 8);
		assert.match(found[0] ?? "", /^web-01 10\.0\.0\.0 server /);
		assert.match(found[7] ?? "", /^web-08 10\.0\.0\.7 client /);
	});

	it("runs on other hardware, from its own boot loader: machine type, disk bus and NIC model", async () => {
		const nics = ["52:54:00:00:07:01", "52:54:00:00:07:09"].flatMap((mac) => ["-device", `vmxnet3,mac=${mac}`]);
		const ide = ["-device", "ide-hd,drive=disk,serial=disk-4"];
		const console = await image.console("vmware", ["-machine", "pc", ...ide, ...nics], /03-later is done/);
		const [first, later] = results(console);
		assert.equal(first, "web-1794 10.0.7.1 client 52:54:00:00:07:01", console);
		// By identifiers of its own, at the end of a boot without a network.
		assert.equal(later, "web-1794 10.0.7.9 client 52:54:00:00:07:09/disk-4", console);
	});

	it("runs by ids that need no network, from a SCSI disk and of a TPM", async () => {
		tpm = await Tpm.make();
		const ofTpm = { ...say, name: "tpm", stage: "late" as const, identifier: ["tpm"] };
		withoutNetwork = await InitImage.make("micro", {
			identifier: ["disk-serial", "serial", "oem clone="],
			parameters: {
				name: 'm-{instance("disk-serial")}-{instance("serial")}-{instance("oem clone=")}',
				address: '{id("uuid")}',
				role: { table: { [tpmId(tpm.certificate)]: "keeper" }, default: "client" },
			},
			scripts: [name, { ...say, stage: "late" }, ofTpm, { ...ofTpm, name: "made", content: MADE }],
		});
		const smbios = ["-smbios", "type=1,serial=box-12,uuid=AABBCCDD-0011-2233-4455-66778899AABB"];
		const oem = ["-smbios", "type=11,value=other=1,value=clone=blue-13,value=more"];
		const scsi = ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk,serial=disk-11"];
		const hardware = ["-machine", "pc", ...scsi, ...smbios, ...oem, ...(await tpm.start())];
		const console = await withoutNetwork.console("other", hardware, /04-made is done/);
		const own = "m-11-12-13 aabbccdd-0011-2233-4455-66778899aabb";
		assert.deepEqual(
			results(console),
			[`${own} client disk-11/box-12/blue-13`, `${own} keeper ${tpmId(tpm.certificate)}`],
			console,
		);
		assert.equal(/^MADE (.*)$/m.exec(console)?.[1], tpmId(tpm.certificate));
	});
});
