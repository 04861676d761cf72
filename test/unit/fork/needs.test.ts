import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mayOpen } from "../../../provider/fork/apparmor";
import { portNeeds, refuseMissing, versionComplaints } from "../../../provider/fork/needs";
import { rules } from "../../../provider/fork/rules";
import { forkPointSchema } from "../../../provider/fork/schema";
import { validate } from "../../../provider/problems";
import { parse } from "../../../provider/xml/element";

describe("what AppArmor lets QEMU open", () => {
	const TEMPLATE = `#include <tunables/global>
profile LIBVIRT_TEMPLATE flags=(attach_disconnected) {
  #include <abstractions/libvirt-qemu>
}`;
	const ABSTRACTION = `  # /srv/images/** rw, is no rule
  @{PROC}/*/status r,
  owner /{dev,run}/shm/lttng-ust-wait-* rw,
  /usr/share/qemu/** r,
  include if exists <local/abstractions/libvirt-qemu>
  #include if exists <abstractions/libvirt-qemu.d>`;
	let folder: string;

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "rules-"));
		write({ "libvirt/TEMPLATE.qemu": TEMPLATE, "abstractions/libvirt-qemu": ABSTRACTION, "tunables/global": "" });
	});
	afterEach(() => rmSync(folder, { recursive: true }));

	function write(files: Record<string, string>): void {
		for (const [name, content] of Object.entries(files)) {
			mkdirSync(dirname(join(folder, name)), { recursive: true });
			writeFileSync(join(folder, name), content);
		}
	}

	const local = (content: string) => ({ "local/abstractions/libvirt-qemu": content });
	for (const [what, files, may] of [
		["nothing without a rule", {}, false],
		["a folder that a rule of the machine names", local("/srv/images/* rwk,"), true],
		["a folder below one that it names", local("  /srv/** rwk, # pools"), true],
		["a quoted folder", local('"/srv/images/*" rwk,'), true],
		["no folder below the one that it names", local("/srv/* rwk,"), false],
		["one of several folders", local("/srv/{iso,images}/* rw,"), true],
		["no other one", local("/srv/{iso,disks}/* rw,"), false],
		["nothing to write where a rule lets it read", local("/srv/images/* rk,"), false],
		["what two rules allow together", local("/srv/images/* r,\n/srv/images/memory w,"), true],
		["nothing that another rule denies", local("/srv/** rw,\ndeny /srv/images/* w,"), false],
		["all files", local("file,"), true],
		["what a variable may stand for", local("@{POOLS}/images/* rw,"), true],
		["a file in a folder of rules", { "abstractions/libvirt-qemu.d/pools": "/srv/images/* rw," }, true],
		["anything where it only complains", { "libvirt/TEMPLATE.qemu": TEMPLATE.replace("(a", "(complain a") }, undefined],
		[
			"nobody knows what where a file is missing",
			{ "abstractions/libvirt-qemu": "#include <abstractions/no>" },
			undefined,
		],
	] as const) {
		it(`is ${what}`, async () => {
			write(files);
			assert.equal(await mayOpen("/srv/images/memory", "rw", folder), may);
		});
	}

	it("is for reading what a rule lets it read", async () => {
		write(local("/srv/images/* rk,"));
		assert.equal(await mayOpen("/srv/images/memory", "r", folder), true);
	});

	it("is not known without its rules", async () => {
		assert.equal(await mayOpen("/srv/images/memory", "r", join(folder, "none")), undefined);
	});
});

describe("what a fork needs", () => {
	it("is QEMU 7.2, libvirt that hands over files before 8.2, and a host that is this one then", () => {
		const complaints = (qemu: string, libvirt = "9.0.0", local = true) =>
			versionComplaints({ qemu, libvirt, local, opens: qemu >= "8.2" }).join();
		assert.equal(complaints("7.2.9"), "");
		assert.equal(complaints("8.2.0", "7.0.0", false), "");
		assert.match(complaints("7.1.0"), /whose QEMU 7\.1\.0 cannot fork; allowed is QEMU 7\.2 or later/);
		assert.match(complaints("7.2.9", "8.1.0"), /libvirt 8\.1\.0 cannot hand files to QEMU 7\.2\.9/);
		assert.match(complaints("7.2.9", "9.0.0", false), /QEMU 7\.2\.9 forks only for programs on the same machine/);
	});

	const port = (index: number) => `<controller type="pci" index="${index}" model="pcie-root-port"/>`;
	const on = (bus: number) => `<address type="pci" bus="0x0${bus}"/>`;
	const board = (devices: string) =>
		parse(`<domain><devices><disk>${on(1)}</disk><interface>${on(2)}</interface>${devices}</devices></domain>`);
	const disk = (bus?: string) => ({ volume: "/d", ...(bus && { bus }) });
	const needs = (disks: object[], nics: object[], devices: string) =>
		portNeeds({ disks: disks as never, nics: nics as never }, board(devices), { nics: [{}, {}] as never }).map(
			({ property, message }) => `${property}: ${message.match(/take \d+|\d+ free/g)?.join(", ")}`,
		);

	it("is a port for each NIC and data disk, those of the parent's NIC among them", () => {
		const three = port(1) + port(2) + port(3);
		assert.deepEqual(needs([disk(), disk()], [{}], three), []);
		assert.deepEqual(needs([disk(), disk(), disk()], [{}], three), ["disks: take 3, 2 free"]);
		assert.deepEqual(needs([disk()], [{}, {}, {}], three), ["nics: take 3, 2 free"]);
		assert.deepEqual(needs([disk(), disk("sata"), disk("sata")], [{}, {}], three), []);
	});

	it("is one for the controller of SCSI disks where the parent has none", () => {
		const two = port(1) + port(2);
		assert.deepEqual(needs([disk(), disk("scsi"), disk("scsi")], [], two), []);
		assert.deepEqual(needs([disk(), disk("scsi")], [{}], two), ["disks: take 2, 1 free"]);
		assert.deepEqual(needs([disk(), disk("scsi")], [{}], `${two}<controller type="scsi"/>`), []);
	});

	it("is not counted on boards without such ports, and where devices are not known yet", () => {
		assert.deepEqual(needs([disk(), disk()], [{}, {}, {}], ""), []);
		assert.deepEqual(needs(undefined as never, [{}], port(1)), []);
	});

	it("is no spare port on a board that has no such ports", () => {
		const given = { uri: "qemu:///system", ownerId: "a/b/c/d", name: "warm", pool: "images", base: "/gold" };
		const told = (machine: string) =>
			validate(forkPointSchema, { ...given, domain: { machine, spareRootPorts: 8 } }, rules);
		assert.deepEqual(told("q35").problems, []);
		assert.match(told("pc").problems[0]!.message, /^got spareRootPorts 8 with machine "pc", which has no PCI Express/);
	});

	it("is told in one error", () => {
		refuseMissing([]);
		assert.throws(() => refuseMissing([{ property: "uri", message: "old" }]), /^InputError: old$/);
		const two = [
			{ property: "uri", message: "old" },
			{ property: "pool", message: "shut" },
		];
		assert.throws(() => refuseMissing(two), /2 things are missing for the fork:\n {2}uri: old\n {2}pool: shut$/);
	});
});
