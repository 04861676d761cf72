import assert from "node:assert/strict";
import { changes } from "../../provider/domain/changes";
import type { DomainInputs } from "../../provider/domain/schema";
import { attribute, child, children, parse } from "../../provider/xml/element";
import { type Full, Lab, wire } from "./domain-lab";

describe("domain: a machine on a private host", () => {
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;
	let data: string;

	before(async function () {
		this.timeout(600_000);
		lab = await Lab.start();
	});
	after(async () => {
		await lab?.stop();
	});

	async function liveXml() {
		return parse(await lab.host.domains.xml(state.uuid));
	}

	/** What `pulumi up` does after a change: the outputs become the recorded state. */
	async function change(more: Partial<Record<keyof DomainInputs, unknown>>) {
		const news = { ...inputs, ...more } as DomainInputs;
		const effects = changes(state, news).map(({ property, effect }) => `${property}: ${effect}`);
		state = wire(await lab.update(state, news));
		inputs = news;
		return effects;
	}

	async function untouched() {
		assert.deepEqual(wire(await lab.read(state)), wire(state));
		assert.deepEqual(changes(wire((await lab.read(state))!), inputs), []);
	}

	it("is made, runs, and shows agent and address", async () => {
		inputs = await lab.inputs("web", {
			maxMemoryMiB: 192,
			maxVcpus: 2,
			waitFor: { agent: true, address: "auto" },
			description: "a <b> & 'c' \"d\"\n\té 😀",
			guestSetup: {
				hostname: "web-1",
				files: [
					{ path: "/etc/app/secret", content: "x".repeat(100_000) + "é", mode: "0600" },
					{ path: "/etc/motd", content: "hello\n" },
				],
			},
		});
		inputs.waitFor = { agent: true, address: "auto", timeoutSeconds: 120 };
		for (const file of inputs.guestSetup!.files) file.mode ??= "0644";
		state = wire(await lab.create(inputs));
		assert.equal(state.accelerator, "qemu");
		assert.equal(state.macs.length, 1);
		assert.match(state.addresses[0]!, /^10\.98\.\d+\.\d+$/);
		for (const step of ["startMs", "agentMs", "addressMs", "guestSetupMs", "firstGuestActionMs"] as const) {
			assert.ok(state.timings[step]! > 0, step);
		}
	});

	it("gives back exactly its state when it is looked at untouched", untouched);

	it("has done what was to be done in the guest", async () => {
		assert.equal(await lab.sh(state.uuid, "hostname; cat /etc/hostname /etc/motd"), "web-1\nweb-1\nhello");
		assert.equal(await lab.sh(state.uuid, "stat -c '%a %s' /etc/app/secret"), "600 100002");
	});

	it("records owner and guard", async () => {
		const xml = await lab.host.domains.xml(state.uuid, { inactive: true });
		assert.match(xml, /<clones:owner guard="?'?[0-9a-f]{8}.*>org\/project\/stack\/web</);
	});

	it("changes memory live, within the ceiling", async () => {
		assert.deepEqual(await change({ memoryMiB: 96 }), ["memoryMiB: live"]);
		assert.equal(Number(child(await liveXml(), "currentMemory")!.textContent), 96 * 1024);
		await untouched();
		assert.deepEqual(await change({ memoryMiB: 160 }), ["memoryMiB: live"]);
		await untouched();
	});

	it("adds a vCPU live and puts it to use", async () => {
		assert.deepEqual(await change({ vcpus: 2 }), ["vcpus: live"]);
		assert.equal(await lab.sh(state.uuid, "nproc"), "2");
		await untouched();
	});

	it("adds a disk live, where the guest sees it", async () => {
		data = await lab.volume("data.qcow2", { empty: true });
		assert.deepEqual(await change({ disks: [...inputs.disks, disk(data)] }), ["disks[1]: live"]);
		assert.match(
			await lab.sh(state.uuid, "for i in $(seq 50); do [ -e /sys/block/vdb ] && break; sleep 0.1; done; ls /sys/block"),
			/vdb/,
		);
		await untouched();
		const config = parse(await lab.host.domains.xml(state.uuid, { inactive: true }));
		const addresses = [config, await liveXml()].map((root) =>
			children(child(root, "devices"), "disk").map((item) => attribute(item, "address", "bus")),
		);
		assert.deepEqual(addresses[0], addresses[1]);
	});

	it("does not take out a disk that the guest has mounted", async () => {
		await lab.sh(
			state.uuid,
			"mkfs.ext2 /dev/vdb >/dev/null 2>&1 || mke2fs /dev/vdb; mkdir -p /mnt/d; mount /dev/vdb /mnt/d",
		);
		await assert.rejects(change({ disks: inputs.disks.slice(0, 1) }), /vdb.*mounted on \/mnt\/d/s);
		assert.match(await lab.sh(state.uuid, "ls /sys/block"), /vdb/);
		await untouched();
	});

	it("takes a disk out live once it is not mounted", async () => {
		await lab.sh(state.uuid, "umount /mnt/d");
		assert.deepEqual(await change({ disks: inputs.disks.slice(0, 1) }), ["disks[1]: live"]);
		assert.doesNotMatch(await lab.sh(state.uuid, "ls /sys/block"), /vdb/);
		await untouched();
	});

	it("adds and takes out a NIC live", async () => {
		const macs = [...state.macs];
		assert.deepEqual(await change({ nics: [...inputs.nics!, { user: true, model: "virtio" }] }), ["nics[1]: live"]);
		assert.deepEqual(state.macs.slice(0, 1), macs);
		assert.match(await lab.sh(state.uuid, "sleep 0.5; cat /sys/class/net/*/address"), new RegExp(state.macs[1]!));
		await untouched();
		assert.deepEqual(await change({ nics: inputs.nics!.slice(0, 1) }), ["nics[1]: live"]);
		assert.doesNotMatch(await lab.sh(state.uuid, "cat /sys/class/net/*/address"), new RegExp(`${macs[0]}.`));
		await untouched();
	});

	it("keeps UUID and MAC over a restart, and the machine type", async () => {
		const before = { uuid: state.uuid, macs: state.macs };
		const id = attribute(await liveXml(), "", "id");
		assert.deepEqual(await change({ maxMemoryMiB: 256, memoryMiB: 224 }), [
			"memoryMiB: restart",
			"maxMemoryMiB: restart",
		]);
		assert.deepEqual({ uuid: state.uuid, macs: state.macs }, before);
		const now = await liveXml();
		assert.notEqual(attribute(now, "", "id"), id);
		assert.equal(Number(child(now, "memory")!.textContent), 256 * 1024);
		assert.equal(await lab.sh(state.uuid, "cat /etc/motd"), "hello");
		await untouched();
	});

	it("puts a restart off when asked to, and makes up for it when asked again", async () => {
		const id = attribute(await liveXml(), "", "id");
		assert.deepEqual(await change({ onRestartRequired: "defer", rng: false }), [
			"rng: live",
			"onRestartRequired: live",
		]);
		assert.equal(attribute(await liveXml(), "", "id"), id);
		assert.deepEqual(state.pendingRestart?.properties, ["rng"]);
		await untouched();
		assert.deepEqual(await change({ onRestartRequired: "restart" }), ["onRestartRequired: restart"]);
		assert.equal(state.pendingRestart, undefined);
		assert.equal(children(child(await liveXml(), "devices"), "rng").length, 0);
		await untouched();
	});

	it("is renamed and stays the same machine", async () => {
		const { uuid } = state;
		assert.deepEqual(await change({ name: "web-renamed" }), ["name: restart"]);
		assert.equal((await lab.host.domains.find("web-renamed"))?.uuid, uuid);
		assert.equal(await lab.host.domains.find("web"), undefined);
		await untouched();
	});

	it("shows what was changed behind our back, and puts it right", async () => {
		await lab.machine.virsh("setmem", state.uuid, "120M", "--live");
		await lab.machine.virsh("detach-interface", state.uuid, "network", "--mac", state.macs[0]!, "--live", "--config");
		await lab.machine.virsh("autostart", state.uuid);
		const extra = await lab.volume("foreign.qcow2", { empty: true });
		await lab.machine.virsh("attach-disk", state.uuid, extra, "vdc", "--live", "--config", "--subdriver", "qcow2");
		for (let i = 0; i < 150; i++) {
			const live = await liveXml();
			const gone = children(child(live, "devices"), "interface").length === 0;
			if (gone && Number(child(live, "currentMemory")!.textContent) === 120 * 1024) break;
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		const found = wire((await lab.read(state))!);
		assert.equal(found.memoryMiB, 120);
		assert.deepEqual(found.nics, []);
		assert.equal(found.autostart, true);
		assert.equal(found.disks[1]?.volume, extra);
		state = found;
		assert.deepEqual((await change({})).sort(), [
			"autostart: live",
			"disks[1]: live",
			"memoryMiB: live",
			"nics[0]: live",
		]);
		await untouched();
		assert.equal(children(child(await liveXml(), "devices"), "interface").length, 1);
	});

	it("powers on what was powered off behind our back", async () => {
		await lab.host.domains.destroy(state.uuid);
		state = wire((await lab.read(state))!);
		assert.equal(state.running, false);
		assert.deepEqual(await change({}), ["running: live"]);
		assert.equal((await lab.host.domains.find(state.uuid))?.state, "running");
		await untouched();
	});

	it("shuts the guest down in good order when it is to be off", async () => {
		await lab.sh(state.uuid, "echo kept > /root/kept; sync");
		lab.logged.length = 0;
		assert.deepEqual(await change({ running: false }), ["running: live"]);
		assert.equal((await lab.host.domains.find(state.uuid))?.state, "shutoff");
		assert.deepEqual(
			lab.logged.filter((line) => /powered off/.test(line)),
			[],
		);
		await untouched();
	});

	it("changes what needs a restart at once while it is off", async () => {
		assert.deepEqual(
			await change({ memoryMiB: 200, maxMemoryMiB: undefined }),
			["memoryMiB: live", "maxMemoryMiB: live"].slice(0, 2),
		);
		await untouched();
	});

	it("is gone when it was deleted behind our back, and deletes without complaint", async () => {
		await lab.host.domains.undefine(state.uuid);
		assert.equal(await lab.read(state), undefined);
		await lab.delete(state);
		await assert.rejects(lab.update(state, inputs), /is gone; run pulumi refresh/);
	});
});

function disk(volume: string): DomainInputs["disks"][number] {
	return { volume, device: "disk", readOnly: false, cache: "default" };
}
