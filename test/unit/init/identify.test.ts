import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { logs, Machine, type Shell } from "./world";

for (const shell of ["dash", "busybox"] satisfies Shell[]) {
	describe(`the ids of a machine's hardware, in ${shell}`, () => {
		let machine: Machine;
		beforeEach(async () => {
			machine = new Machine(shell);
			await machine.install({ scripts: [{ kind: "init", name: "none", content: logs("none") }] });
		});
		afterEach(() => machine.remove());

		/** A table of SMBIOS: structures with their data and strings. */
		const table = (...structures: Array<{ type: number; data?: number[]; strings?: string[] }>) =>
			Buffer.concat(
				structures.map(({ type, data = [], strings = [] }, index) =>
					Buffer.concat([
						Buffer.from([type, 4 + data.length, index, 0, ...data]),
						...(strings.length === 0 ? [Buffer.from([0])] : strings.map((text) => Buffer.from(`${text}\0`))),
						Buffer.from([0]),
					]),
				),
			);
		const disk = (name: string, place: number, file: string, content: string | Buffer) => {
			const device = `sys/devices/pci0000:00/0000:00:1${place}.0`;
			machine.write(`${device}/class`, "0x010000\n");
			mkdirSync(machine.path(`sys/block/${name}`), { recursive: true });
			symlinkSync(machine.path(device), machine.path(`sys/block/${name}/device`));
			machine.write(`sys/block/${name}/${file}`, content);
		};

		it("are those that it has, NICs and disks in the order of the devices", () => {
			machine.hardware({
				macs: ["52:54:00:00:00:02", "52:54:00:00:00:01"],
				uuid: "AABBCCDD-0011-2233-4455-66778899AABB",
				serial: "box 12",
			});
			// The length of the serial number is a character, too; fields are filled with spaces.
			disk(
				"sda",
				3,
				"device/vpd_pg80",
				Buffer.concat([Buffer.from([0, 0x80, 0, 36]), Buffer.from("disk-4".padStart(36))]),
			);
			disk("vda", 2, "serial", "root-1");
			disk("nvme0n1", 1, "device/serial", "nvme-9            \n");
			disk("sr0", 0, "device/vpd_pg80", Buffer.concat([Buffer.from([0, 0x80, 0, 4]), Buffer.from("cd-1")]));
			machine.write("sys/block/loop0/serial", "loop");
			assert.deepEqual(machine.identify(), [
				"id mac 0 52:54:00:00:00:02",
				"id mac 1 52:54:00:00:00:01",
				"id uuid aabbccdd-0011-2233-4455-66778899aabb",
				"id serial box 12",
				"id disk-serial 0 nvme-9",
				"id disk-serial 1 root-1",
				"id disk-serial 2 disk-4",
			]);
		});

		it("are OEM strings by what they start with", () => {
			machine.write(
				"sys/firmware/dmi/tables/DMI",
				table(
					{ type: 0, data: [1, 2], strings: ["clone=bios", "x"] },
					{ type: 32, data: [11, 5, 0, 0] },
					{ type: 11, data: [3], strings: ["other=1", "clone=a b-7", "clone=second"] },
					{ type: 11, data: [1], strings: ["role=db-3"] },
					{ type: 127 },
				),
			);
			assert.deepEqual(machine.identify("oem clone=", "oem role=", "oem none="), [
				"id oem clone= a b-7",
				"id oem role= db-3",
			]);
		});

		/** In place of a TPM: as commands are written over the begin of the file, what is read then is what follows. */
		const tpm = (...answers: Array<{ afterBytes: number; code: number; area?: Buffer; handle?: boolean }>) => {
			const size = (bytes: Buffer) => Buffer.from([bytes.length >> 8, bytes.length & 255]);
			const content = Buffer.alloc(2000);
			for (const { afterBytes, code, area = Buffer.alloc(0), handle } of answers) {
				const header = Buffer.from([0x80, 1, 0, 0, 0, 0, 0, 0, code >> 8, code & 255]);
				const between = Buffer.alloc(handle ? 8 : 0);
				Buffer.concat([header, between, size(area), area, Buffer.from("more")]).copy(content, afterBytes);
			}
			machine.write("dev/tpmrm0", content);
		};
		const area = Buffer.from("public area \0\n% of a key".repeat(12));
		const id = `id tpm ${createHash("sha256").update(area).digest("hex")}`;
		const READ_BYTES = 14;
		const CREATE_BYTES = 355;

		it("are the hash of a TPM's key that is kept, by one command", () => {
			tpm({ afterBytes: READ_BYTES, code: 0, area });
			assert.deepEqual(machine.identify("tpm"), [id]);
			assert.equal(machine.bytes("dev/tpmrm0", READ_BYTES), "80010000000e0000017381010001");
		});

		it("are the hash of the key that a TPM makes of its seed, where none is kept", () => {
			tpm({ afterBytes: READ_BYTES, code: 0x18b }, { afterBytes: CREATE_BYTES, code: 0, area, handle: true });
			assert.deepEqual(machine.identify("tpm"), [id]);
			assert.match(machine.bytes("dev/tpmrm0", CREATE_BYTES), /^800200000163000001314000000b.*0100(00){256}(00){6}$/);
		});

		it("are no others than there are", () => {
			machine.hardware({});
			assert.deepEqual(machine.identify("uuid", "serial", "oem clone=", "disk-serial 0", "tpm"), []);
			tpm({ afterBytes: READ_BYTES, code: 0x18b }, { afterBytes: CREATE_BYTES, code: 0x922 });
			assert.deepEqual(machine.identify("tpm"), []);
		});
	});
}
