import assert from "node:assert/strict";
import fc from "fast-check";
import { assignDisks, letters, type ResolvedDisk } from "../../../provider/domain/disks";
import { nicSchema } from "../../../provider/domain/nic-schema";
import { assignNics } from "../../../provider/domain/nics";
import { diskSchema } from "../../../provider/domain/schema";
import { ownerMac } from "../../../provider/owner";
import { type DiskSpec, diskElement, type FoundDisk, readDisk } from "../../../provider/xml/devices";

const OWNER = "org/project/stack/m";

function resolved(volume: string, more: object = {}): ResolvedDisk {
	return { input: diskSchema.parse({ volume, ...more }), source: { type: "file", path: volume }, format: "qcow2" };
}

/** As libvirt gives them back. */
const found = (specs: DiskSpec[]): FoundDisk[] => specs.map((spec) => readDisk(diskElement(spec)));
const brief = (specs: DiskSpec[]) =>
	specs.map(({ alias, target, bus, source }) => `${alias} ${target} ${bus} ${"path" in source && source.path}`);

describe("disks of a machine", () => {
	it("get names by their bus, in order, around those that are given", () => {
		const specs = assignDisks(
			[
				resolved("/a"),
				resolved("/b", { target: "vda" }),
				resolved("/c", { bus: "scsi" }),
				resolved("/d", { device: "cdrom" }),
				resolved("/e"),
				resolved("/f", { target: "sdz" }),
			],
			[],
			"x86_64",
		);
		assert.deepEqual(brief(specs), [
			"ua-disk-0 vdb virtio /a",
			"ua-disk-1 vda virtio /b",
			"ua-disk-2 sda scsi /c",
			"ua-disk-3 sdb sata /d",
			"ua-disk-4 vdc virtio /e",
			"ua-disk-5 sdz scsi /f",
		]);
		assert.equal(assignDisks([resolved("/d", { device: "cdrom" })], [], "aarch64")[0]?.bus, "scsi");
	});

	it("keep what they have when others come and go", () => {
		const before = assignDisks([resolved("/a"), resolved("/b"), resolved("/c")], [], "x86_64");
		const after = assignDisks([resolved("/a"), resolved("/c"), resolved("/d")], found(before), "x86_64");
		assert.deepEqual(brief(after), ["ua-disk-0 vda virtio /a", "ua-disk-2 vdc virtio /c", "ua-disk-3 vdd virtio /d"]);
	});

	it("are known below a snapshot's overlay, which stays", () => {
		const [spec] = assignDisks([resolved("/a")], [], "x86_64");
		const overlaid = {
			...found([{ ...spec!, source: { type: "file", path: "/a.snap" } }])[0]!,
			chain: ["/a.snap", "/a"],
		};
		const [after] = assignDisks([resolved("/a")], [overlaid], "x86_64");
		assert.deepEqual(after?.source, { type: "file", path: "/a.snap" });
		assert.equal(after?.alias, "ua-disk-0");
	});

	it("change the medium of a drive, not the drive", () => {
		const before = assignDisks([resolved("/a"), resolved("/i", { device: "cdrom" })], [], "x86_64");
		const after = assignDisks([resolved("/a"), resolved("/j", { device: "cdrom" })], found(before), "x86_64");
		assert.deepEqual(brief(after), ["ua-disk-0 vda virtio /a", "ua-disk-1 sda sata /j"]);
	});

	it("never share a name or an alias, whatever comes and goes", () => {
		const volumes = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
		const list = fc.array(volumes, { minLength: 1, maxLength: 5 });
		fc.assert(
			fc.property(list, (steps) => {
				let disks: DiskSpec[] = [];
				for (const step of steps) {
					const kept = new Map(disks.map((item) => [brief([item])[0]!.split(" ").pop(), item]));
					disks = assignDisks(
						step.map((volume) => resolved(`/${volume}`, volume % 3 === 0 ? { bus: "scsi" } : {})),
						found(disks),
						"x86_64",
					);
					assert.equal(new Set(disks.map(({ target }) => target)).size, disks.length);
					assert.equal(new Set(disks.map(({ alias }) => alias)).size, disks.length);
					for (const item of disks) {
						const old = kept.get(brief([item])[0]!.split(" ").pop());
						if (old) assert.deepEqual([item.target, item.alias, item.bus], [old.target, old.alias, old.bus]);
					}
				}
			}),
		);
	});

	it("are lettered as the kernel does", () => {
		assert.deepEqual([0, 25, 26, 51, 52, 701, 702].map(letters), ["a", "z", "aa", "az", "ba", "zz", "aaa"]);
	});
});

describe("NICs of a machine", () => {
	const nic = (more: object) => nicSchema.parse(more);
	const brief = (nics: ReturnType<typeof assignNics>) => nics.map(({ alias, mac }) => `${alias} ${mac}`);
	const mac = (index: number) => ownerMac(OWNER, index);

	it("get MAC addresses by owner and place, or the one given", () => {
		const given = "52:54:00:00:00:01";
		const specs = assignNics([nic({ network: "n" }), nic({ user: true, mac: given }), nic({ bridge: "b" })], [], OWNER);
		assert.deepEqual(brief(specs), [`ua-nic-0 ${mac(0)}`, `ua-nic-1 ${given}`, `ua-nic-2 ${mac(2)}`]);
		assert.deepEqual(
			specs.map(({ source }) => source),
			[{ network: "n" }, { user: true }, { bridge: "b" }],
		);
	});

	it("keep their MAC address when another one goes, or when they are connected elsewhere", () => {
		const before = assignNics([nic({ network: "a" }), nic({ network: "b" })], [], OWNER);
		assert.deepEqual(brief(assignNics([nic({ network: "b" })], before, OWNER)), [`ua-nic-1 ${mac(1)}`]);
		const moved = assignNics([nic({ network: "c" }), nic({ network: "b" })], before, OWNER);
		assert.deepEqual(brief(moved), brief(before));
		const more = assignNics([nic({ network: "b" }), nic({ network: "b" })], before.slice(1), OWNER);
		assert.deepEqual(new Set(brief(more).map((item) => item.split(" ")[1])), new Set([mac(0), mac(1)]));
	});

	it("come back to their own MAC address and place after one was taken out", () => {
		const all = [nic({ network: "a" }), nic({ network: "a" }), nic({ network: "a" })];
		const before = assignNics(all, [], OWNER);
		const back = assignNics(all, [before[0]!, before[2]!], OWNER);
		assert.deepEqual(
			back.map((item) => item.mac),
			[mac(0), mac(1), mac(2)],
		);
	});
});
