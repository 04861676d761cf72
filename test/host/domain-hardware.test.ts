import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { attribute, child, children, parse } from "../../provider/xml/element";
import { type Full, Lab, wire } from "./domain-lab";

describe("domain: templates, escape hatch and drives", () => {
	let lab: Lab;

	before(async function () {
		this.timeout(600_000);
		lab = await Lab.start();
	});
	after(async () => {
		await lab?.stop();
	});

	async function steady(state: Full, inputs: DomainInputs) {
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.deepEqual(changes(state, inputs), []);
	}

	async function definition(uuid: string) {
		return parse(await lab.host.domains.xml(uuid, { inactive: true }));
	}

	it("makes a machine with a template's hardware and nothing of its own", async () => {
		const golden = await lab.volume("golden.qcow2");
		await lab.host.domains.define(`<domain type="qemu"><name>golden</name><title>the golden one</title><memory unit="MiB">192</memory><currentMemory unit="MiB">128</currentMemory>
<vcpu current="1">2</vcpu><os><type arch="x86_64" machine="q35">hvm</type></os><features><acpi/></features>
<cpu mode="custom" match="exact"><model>qemu64</model><topology sockets="1" cores="2" threads="1"/></cpu>
<devices>
<controller type="scsi" model="virtio-scsi"/>
<disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="none"/><source file="${golden}"/><target dev="sda" bus="scsi"/></disk>
<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${golden}.data"/><target dev="sdb" bus="scsi"/></disk>
<interface type="network"><mac address="52:54:00:aa:bb:cc"/><source network="default"/><model type="virtio"/></interface>
<serial type="file"><source path="/tmp/golden.log"/></serial>
<watchdog model="i6300esb" action="reset"/>
<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
</devices></domain>`);
		const volume = await lab.volume("clone.qcow2");
		const inputs = lab.plain("clone", { template: "golden", disks: [{ volume }], shutdownTimeoutSeconds: 0 });
		const plan = (await domain.plan!(inputs, lab.context)).join("\n");
		assert.match(plan, /hardware of template golden: 128 MiB, 1 vCPU\(s\), pc-q35-/);
		assert.match(plan, /sdb .*golden.qcow2.data.*not taken over/);
		let state = wire(await lab.create(inputs));
		const root = await definition(state.uuid);
		assert.equal(attribute(root, "vcpu", "current"), "1");
		assert.equal(attribute(root, "cpu/topology", "cores"), "2");
		assert.equal(attribute(root, "devices/watchdog", "model"), "i6300esb");
		assert.equal(child(root, "title"), undefined);
		const disks = children(child(root, "devices"), "disk");
		assert.deepEqual(
			disks.map((item) => attribute(item, "source", "file")),
			[volume],
		);
		assert.equal(attribute(disks[0], "target", "bus"), "scsi");
		assert.equal(attribute(disks[0], "driver", "cache"), "none");
		assert.equal(attribute(root, "devices/serial", "type"), "pty");
		const template = await definition((await lab.host.domains.find("golden"))!.uuid);
		assert.notEqual(state.macs[0], "52:54:00:aa:bb:cc");
		const slot = (of: typeof root) => attribute(of, "devices/interface/address", "bus");
		assert.equal(slot(root), slot(template), "the NIC is where the template's is");
		await steady(state, inputs);

		const more = {
			...inputs,
			memoryMiB: 160,
			extraXml: "<domain><devices><memballoon><stats period='5'/></memballoon></devices></domain>",
		};
		assert.deepEqual(
			changes(state, more)
				.map(({ property, effect }) => `${property}: ${effect}`)
				.sort(),
			["extraXml: restart", "memoryMiB: live"],
		);
		state = wire(await lab.update(state, more));
		assert.equal(attribute(await definition(state.uuid), "devices/memballoon/stats", "period"), "5");
		assert.equal(attribute(await definition(state.uuid), "devices/watchdog", "model"), "i6300esb");
		await steady(state, more);
		state = wire(await lab.update(state, inputs));
		const after = await definition(state.uuid);
		assert.equal(child(after, "devices/memballoon/stats"), undefined, "taken out of extraXml, gone from the machine");
		assert.equal(attribute(after, "devices/watchdog", "model"), "i6300esb");
		assert.equal(Number(child(after, "currentMemory")?.textContent), 128 * 1024);
		assert.equal(slot(after), slot(template));
		await steady(state, inputs);
		await lab.delete(state);
		assert.ok(await lab.host.domains.find("golden"));
	});

	it("refuses a template that runs or is not there", async () => {
		const running = await lab.create(lab.plain("busy", { memoryMiB: 64 }));
		const inputs = lab.plain("clone2", { template: running.uuid });
		await assert.rejects(lab.create(inputs), /domain busy is running; allowed is one that is shut off/);
		await assert.rejects(lab.create({ ...inputs, template: "nobody" }), /there is no domain nobody/);
		await lab.delete(running);
	});

	it("merges extraXml, keeps what it adds out of the drift, and takes it back", async () => {
		const second = await lab.volume("second.qcow2", { empty: true });
		const inputs = lab.plain("extra", {
			memoryMiB: 64,
			shutdownTimeoutSeconds: 0,
			disks: [{ volume: await lab.volume("first.qcow2", { empty: true }) }],
			extraXml: `<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
				<features><pae/></features>
				<devices>
					<disk type="file"><alias name="ua-disk-0"/><iotune><total_iops_sec>500</total_iops_sec></iotune></disk>
					<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${second}"/><target dev="vdq" bus="virtio"/></disk>
					<interface type="user"><model type="virtio"/></interface>
					<memballoon model="none"/>
				</devices>
				<qemu:commandline><qemu:arg value="-name"/><qemu:arg value="debug-threads=on"/></qemu:commandline>
			</domain>`,
		});
		let state = wire(await lab.create(inputs));
		const root = await definition(state.uuid);
		assert.equal(child(root, "devices/disk/iotune/total_iops_sec")?.textContent, "500");
		assert.equal(attribute(root, "devices/memballoon", "model"), "none");
		assert.equal(children(child(root, "devices"), "disk").length, 2);
		assert.equal(children(child(root, "qemu:commandline"), "qemu:arg").length, 2);
		assert.ok(child(root, "features/pae"));
		await steady(state, inputs);
		const described = { ...inputs, description: "twice" };
		state = wire(await lab.update(state, described));
		const again = await definition(state.uuid);
		assert.equal(children(child(again, "devices"), "disk").length, 2);
		assert.equal(children(child(again, "devices"), "interface").length, 1);
		assert.equal(children(child(again, "qemu:commandline"), "qemu:arg").length, 2);
		await steady(state, described);
		const plain = { ...described, extraXml: undefined };
		state = wire(await lab.update(state, plain));
		const bare = await definition(state.uuid);
		assert.equal(children(child(bare, "devices"), "disk").length, 1);
		assert.equal(child(bare, "qemu:commandline"), undefined);
		assert.equal(child(bare, "features/pae"), undefined);
		assert.equal(attribute(bare, "devices/memballoon", "model"), "virtio");
		await steady(state, plain);
		await lab.delete(state);
	});

	it("changes the medium of a drive live, and connects a NIC elsewhere with the same MAC address", async () => {
		const [one, two] = ["one.iso", "two.iso"].map((name) => lab.path(name));
		for (const path of [one!, two!]) writeFileSync(path, Buffer.alloc(1 << 20));
		const pool = await lab.host.pools.find("pool");
		await lab.host.pools.refresh(pool!.uuid);
		const network = await lab.host.networks.define(
			`<network><name>other</name><bridge name="virbr9"/><ip address="10.77.0.1" netmask="255.255.255.0"/></network>`,
		);
		await lab.host.networks.start(network.uuid);
		const inputs = lab.plain("drive", {
			memoryMiB: 64,
			disks: [{ volume: one, device: "cdrom" }],
			nics: [{ network: "default" }],
		});
		let state = wire(await lab.create(inputs));
		await steady(state, inputs);
		const { macs } = state;
		const news = {
			...inputs,
			disks: [{ ...inputs.disks[0]!, volume: two! }],
			nics: [{ network: network.uuid, model: "virtio" as const }],
		};
		assert.deepEqual(
			changes(state, news).map(({ property, effect }) => `${property}: ${effect}`),
			["disks[0]: live", "nics[0]: live"],
		);
		state = wire(await lab.update(state, news));
		assert.deepEqual(state.macs, macs);
		const live = parse(await lab.host.domains.xml(state.uuid));
		assert.equal(attribute(live, "devices/disk/source", "file"), two);
		assert.equal(attribute(live, "devices/interface/source", "network"), "other");
		assert.equal(attribute(live, "devices/interface/source", "bridge"), "virbr9");
		await steady(state, news);
		await lab.machine.virsh("change-media", state.uuid, "sda", "--eject", "--live", "--config");
		const ejected = wire((await lab.read(state))!);
		assert.deepEqual(ejected.disks, []);
		state = wire(await lab.update(ejected, news));
		await steady(state, news);
		await lab.delete(state);
	});

	it("sets up a machine at its first start when it was made to be off", async () => {
		const inputs = await lab.inputs("later", { running: false, guestSetup: { hostname: "later-1", files: [] } });
		let state = wire(await lab.create(inputs));
		assert.equal((await lab.host.domains.find("later"))?.state, "shutoff");
		await steady(state, inputs);
		const running = { ...inputs, running: true };
		state = wire(await lab.update(state, running));
		assert.equal(await lab.sh(state.uuid, "hostname"), "later-1");
		await steady(state, running);
		await lab.sh(state.uuid, "hostname changed; echo changed > /etc/hostname; sync");
		const again = { ...running, rng: false, waitFor: { agent: true, address: "none" as const, timeoutSeconds: 90 } };
		state = wire(await lab.update(state, again));
		assert.equal(await lab.sh(state.uuid, "cat /etc/hostname"), "changed", "done once");
		await lab.delete(state);
	});

	it("shows settings that were changed behind our back, and puts them right", async () => {
		const volume = await lab.volume("drift.qcow2", { empty: true });
		const given = {
			running: false,
			cpu: { mode: "custom", model: "qemu64", features: { svm: "disable" }, check: "none", cores: 1 },
			consoleLog: `${lab.machine.directory}/drift.log`,
			disks: [{ volume, cache: "none", serial: "one" }],
		};
		const inputs = lab.plain("drift", given);
		let state = wire(await lab.create(inputs));
		await steady(state, inputs);
		const xml = await lab.host.domains.xml(state.uuid, { inactive: true });
		const edited = xml
			.replace(/<feature [^>]*name='svm'[^>]*>/, "")
			.replace(/<log [^>]*>/g, "")
			.replace(/<rng[\s\S]*<\/rng>/, "")
			.replace(/<channel[\s\S]*<\/channel>/, "")
			.replace("cache='none'", "cache='unsafe'")
			.replace("<serial>one<", "<serial>two<")
			.replace("</devices>", "<graphics type='vnc'/></devices>");
		await lab.host.domains.define(edited);
		const found = wire((await lab.read(state))!);
		assert.deepEqual(
			changes(found, inputs).map(({ property }) => property),
			["cpu", "consoleLog", "agent", "rng", "graphics", "disks[0]"],
		);
		state = wire(await lab.update(found, inputs));
		await steady(state, inputs);
		await lab.delete(state);
	});
});
