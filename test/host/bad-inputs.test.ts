import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Domain, Network, StoragePool, Volume } from "../../provider";
import { isHelpful } from "../unit/arguments/messages";
import { run, VolumeLab } from "./volume-lab";

const handlers = { Domain, Network, StoragePool, Volume };
type Kind = keyof typeof handlers;

/** What only a host can tell, said in the preview and before anything is touched. */
describe("bad arguments that only a host can tell", () => {
	let lab: VolumeLab;
	let untouched: string;
	const foreign = "org/project/other/x";

	before(async () => {
		lab = await VolumeLab.start();
		await offerFirmware((description) => !/secure-boot|requires-smm/.test(description));
		await lab.pool("pool");
		await run("qemu-img", ["create", "-q", "-f", "vmdk", lab.path("pool", "disk.vmdk"), "1M"]);
		await run("qemu-img", ["create", "-q", "-f", "qcow2", lab.path("pool", "gold.qcow2"), "64M"]);
		await writeFile(lab.path("pool", "taken.qcow2"), "somebody else's");
		await writeFile(lab.path("image.gz"), Buffer.from("1f8b0800", "hex"));
		await writeFile(lab.path("empty.img"), "");
		await lab.machine.virsh("pool-refresh", "pool");
		const network = (xml: string) =>
			define("net-define", `<network><name>theirs</name><uuid>${UUID}</uuid>${xml}</network>`);
		await network(
			'<bridge name="theirs0"/><ip address="192.168.77.1" prefix="24"/><ip family="ipv6" address="fd77::1" prefix="64"/>',
		);
		await lab.machine.virsh("net-start", "theirs");
		const nic = '<interface type="network"><source network="theirs"/><mac address="52:54:00:77:77:77"/></interface>';
		await define("define", `${machine("theirs")}<devices>${nic}</devices></domain>`);
		untouched = await everything();
	});
	after(() => lab?.stop());

	const UUID = "7e1f7f42-7e7e-4c8c-8a8a-0123456789ab";
	const machine = (name: string) =>
		`<domain type="qemu"><name>${name}</name><memory unit="MiB">64</memory><os><type>hvm</type></os>`;

	async function define(command: string, xml: string): Promise<void> {
		const file = join(lab.machine.directory, "definition.xml");
		await writeFile(file, xml);
		await lab.machine.virsh(command, file);
	}

	/** Leaves the host those descriptions of firmware by which libvirt knows of it; nothing else is changed. */
	async function offerFirmware(isKept: (description: string) => boolean): Promise<void> {
		const known = "/usr/share/qemu/firmware";
		const folder = await mkdtemp(join(lab.machine.directory, "firmware-"));
		for (const file of await readdir(known)) {
			const description = await readFile(join(known, file), "utf8");
			if (isKept(description)) await writeFile(join(folder, file), description);
		}
		await lab.machine.exec("mount", ["--bind", folder, known]);
		// The images that libvirt looks for where it finds no description.
		if ((await readdir(folder)).length === 0) await lab.machine.exec("mount", ["--bind", folder, "/usr/share/OVMF"]);
		await lab.machine.restartLibvirtd();
		await lab.newProcess();
	}

	async function everything(): Promise<string> {
		const lists = ["list", "net-list", "pool-list"].map((list) => lab.machine.virsh(list, "--all"));
		const files = await lab.machine.exec("find", [lab.machine.poolDirectory, "-printf", "%p %s %T@\\n"]);
		return [...(await Promise.all(lists)), files.stdout].join("\n");
	}

	const check = async (kind: Kind, given: object) => {
		const inputs = { uri: lab.machine.uri, ownerId: "org/project/dev/x", name: "x", ...given };
		const { failures, inputs: checked } = await handlers[kind].check({}, inputs);
		return {
			refused: failures.map(({ reason }) => reason).join("\n"),
			plan: ((checked.plan ?? []) as string[]).join(" "),
			create: () => handlers[kind].create(checked),
		};
	};

	type Row = [what: string, kind: Kind, given: () => object, property: string, got: string];
	const refused: Row[] = [
		["memory that the host has not got", "Domain", () => ({ memoryMiB: 50_000_000 }), "memoryMiB", "got 50000000"],
		["a machine type that it does not offer", "Domain", () => ({ machine: "q36" }), "machine", 'did you mean "q35"'],
		["an architecture without an emulator", "Domain", () => ({ arch: "aarch64" }), "arch", 'got "aarch64"'],
		["more vCPUs than the board takes", "Domain", () => ({ vcpus: 500, maxVcpus: 500 }), "vcpus", "got 500"],
		[
			"a CPU model that it does not know",
			"Domain",
			() => ({ cpu: { model: "EPIC" } }),
			"cpu.model",
			'did you mean "EPYC"',
		],
		[
			"the host's own CPU under emulation",
			"Domain",
			() => ({ type: "qemu", cpu: { mode: "host-passthrough" } }),
			"cpu.mode",
			"host-passthrough",
		],
		[
			"a MAC address that somebody else's machine has there",
			"Domain",
			() => ({ nics: [{ network: "theirs", mac: "52:54:00:77:77:77" }] }),
			"nics[0].mac",
			"domain theirs",
		],
		[
			"one volume under two names",
			"Domain",
			() => ({ disks: [{ volume: lab.path("pool", "gold.qcow2") }, { volume: `${lab.path("pool")}//gold.qcow2` }] }),
			"disks[1]",
			"gold.qcow2",
		],
		[
			"a disk of a format that is none",
			"Domain",
			() => ({ disks: [{ volume: lab.path("pool", "disk.vmdk") }] }),
			"disks[0]",
			"format vmdk",
		],
		[
			"a subnet that another network has",
			"Network",
			() => ({ ipv4: "192.168.77.129/25" }),
			"ipv4",
			'"192.168.77.129/25"',
		],
		["one of IPv6", "Network", () => ({ mode: "isolated", ipv6: "fd77::8:1/112" }), "ipv6", '"fd77::8:1/112"'],
		[
			"a directory that another pool has",
			"StoragePool",
			() => ({ ownerId: foreign, path: lab.path("pool") }),
			"path",
			"/pool",
		],
		["a base of another format", "Volume", () => ({ pool: "pool", base: "disk.vmdk" }), "base", '"vmdk"'],
		[
			"a clone that is smaller than its base",
			"Volume",
			() => ({ pool: "pool", base: "gold.qcow2", sizeMiB: 63 }),
			"sizeMiB",
			"got 63",
		],
		["an image that is not there", "Volume", () => source({ file: "/no/such" }), "source.file", "/no/such"],
		["a directory for an image", "Volume", () => source({ file: "/tmp" }), "source.file", "EISDIR"],
		["an image without content", "Volume", () => source({ file: lab.path("empty.img") }), "source", "empty.img"],
		["an image that is packed", "Volume", () => source({ file: lab.path("image.gz") }), "format", "is gzip"],
		[
			"an image with another hash",
			"Volume",
			() => source({ file: lab.path("image.gz"), sha256: "a".repeat(64) }),
			"source.sha256",
			"aaaa",
		],
		[
			"an image of another format",
			"Volume",
			() => ({ ...source({ file: lab.path("pool", "gold.qcow2") }), format: "raw" }),
			"format",
			'got "raw"',
		],
		[
			"an image that does not fit",
			"Volume",
			() => ({ ...source({ file: lab.path("pool", "gold.qcow2") }), sizeMiB: 1 }),
			"sizeMiB",
			"got 1",
		],
	];

	const source = (given: object) => ({ pool: "pool", source: given });

	for (const [what, kind, given, property, got] of refused) {
		it(`refuses ${what}`, async () => {
			const { refused: message } = await check(kind, given());
			assert.notEqual(message, "", "was accepted");
			isHelpful(message, { property, got });
		});
	}

	/** May be mended by the same run, before the object is made: said, and refused when it comes to that. */
	const warned: Array<[what: string, kind: Kind, given: () => object, got: string]> = [
		["a name that somebody's machine has", "Domain", () => ({ name: "theirs" }), "domain theirs exists already"],
		["a network that is not there", "Domain", () => ({ nics: [{ network: "none" }] }), "no network none"],
		["a volume that is not there", "Domain", () => ({ disks: [{ volume: "/no/such" }] }), "/no/such"],
		["a template that is not there", "Domain", () => ({ template: "none" }), "none"],
		[
			"a network's name that is taken",
			"Network",
			() => ({ name: "theirs", ipv4: "10.9.0.1/24" }),
			'"theirs" exists already',
		],
		[
			"a pool's name that is taken",
			"StoragePool",
			() => ({ name: "pool", path: "/b", ownerId: foreign }),
			'"pool" exists already',
		],
		["a pool that is not there", "Volume", () => ({ pool: "none", sizeMiB: 1 }), '"none"'],
		["a base that is not there", "Volume", () => ({ pool: "pool", base: "none.qcow2" }), '"none.qcow2"'],
		[
			"a volume's name that is taken",
			"Volume",
			() => ({ pool: "pool", name: "taken.qcow2", sizeMiB: 9 }),
			"taken.qcow2",
		],
	];

	for (const [what, kind, given, got] of warned) {
		it(`says ${what}, and refuses it before anything is made`, async () => {
			const { refused: message, plan, create } = await check(kind, given());
			assert.equal(message, "");
			assert.ok(plan.includes(got), plan);
			await assert.rejects(create(), (error: Error) => error.message.includes(got));
		});
	}

	it("refuses one MAC address and one subnet for two resources of a program, before any is there", async () => {
		const nics = [{ network: "theirs", mac: "52:54:00:00:00:09" }];
		assert.equal((await check("Domain", { ownerId: "org/project/dev/a", name: "a", nics })).refused, "");
		const second = await check("Domain", { ownerId: "org/project/dev/b", name: "b", nics });
		isHelpful(second.refused, { property: "nics[0].mac", got: "domain a (org/project/dev/a)" });
		const ipv4 = "10.77.0.1/24";
		assert.equal((await check("Network", { ownerId: "org/project/dev/a", name: "a", ipv4 })).refused, "");
		isHelpful((await check("Network", { ownerId: "org/project/dev/b", name: "b", ipv4 })).refused, {
			property: "ipv4",
			got: 'the network "a"',
		});
	});

	it("tells of the firmware that a host has, and of none where it has none", async () => {
		const { refused: secure } = await check("Domain", { firmware: "uefi-secure" });
		isHelpful(secure, { property: "firmware", got: 'got "uefi-secure"' });
		assert.match(
			secure,
			/has no such firmware for x86_64: allowed are bios, uefi; or install it there \(ovmf, edk2-ovmf\)/,
		);
		assert.equal((await check("Domain", { firmware: "uefi" })).refused, "");
		await offerFirmware(() => false);
		for (const firmware of ["uefi", "uefi-secure"]) {
			const { refused: message } = await check("Domain", { firmware });
			isHelpful(message, { property: "firmware", got: `got "${firmware}"` });
			assert.match(message, /has no such firmware for x86_64: allowed are bios; or install it there/);
		}
		assert.equal((await check("Domain", { firmware: "bios" })).refused, "");
	});

	it("has touched nothing", async () => {
		assert.equal(await everything(), untouched);
		await rm(lab.path("image.gz"));
	});
});
