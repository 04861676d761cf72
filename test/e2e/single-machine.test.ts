import assert from "node:assert/strict";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/single-machine", function () {
	this.timeout(400_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "examples/single-machine" }, { kvm: true });
	});
	after(() => bench?.stop());

	it("previews, and boots a UEFI machine at its reserved address", async () => {
		await bench.project.preview();
		await bench.project.up();
		const outputs = await bench.project.outputs<{ addresses: string[]; uuid: string }>();
		assert.deepEqual(
			outputs.addresses.filter((address) => address.includes(".")),
			["192.168.152.2"],
		);
		assert.equal(await inGuest(bench.host, "machine", "ls /sys/firmware/efi >/dev/null && echo uefi"), "uefi");
	});

	it("shows no change in a second preview, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("grows memory live, and says so in the preview", async () => {
		const { uuid } = await bench.project.outputs<{ uuid: string }>();
		const bootId = await inGuest(bench.host, "machine", "cat /proc/sys/kernel/random/boot_id");
		await bench.project.setConfig("memoryMiB", "384");
		const { stdout, changes } = await bench.project.preview();
		assert.equal(changes.update, 1);
		assert.match(stdout, /memoryMiB: live/);
		await bench.project.up();
		assert.equal(await bench.host.virsh("domuuid", "machine"), uuid);
		assert.equal(await inGuest(bench.host, "machine", "cat /proc/sys/kernel/random/boot_id"), bootId);
		assert.match(await bench.host.virsh("dominfo", "machine"), /Used memory: +393216 KiB/);
	});

	it("says that a restart is needed where it is, and keeps UUID and address over it", async () => {
		const { uuid } = await bench.project.outputs<{ uuid: string }>();
		const bootId = await inGuest(bench.host, "machine", "cat /proc/sys/kernel/random/boot_id");
		const steps = 'morph: { hotUnplug: [{ kind: "device" }], hotPlug: [{ kind: "device" }] }';
		const type = `instanceType: { vcpus: 1, memoryMiB: config.requireNumber("memoryMiB") }, ${steps}`;
		await bench.project.edit("index.ts", 'memoryMiB: config.requireNumber("memoryMiB")', type);
		await bench.project.edit("index.ts", "maxMemoryMiB: 512,", "");
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /instanceType: restart: it gets room to grow when it starts/);
		await bench.project.up();
		assert.equal(await bench.host.virsh("domuuid", "machine"), uuid);
		let now = "";
		for (let tries = 0; tries < 120 && !now; tries++) {
			now = await inGuest(bench.host, "machine", "cat /proc/sys/kernel/random/boot_id").catch(() => "");
			if (!now) await new Promise((resolve) => setTimeout(resolve, 500));
		}
		assert.notEqual(now, bootId);
		assert.notEqual(now, "");
	});

	it("gets NICs and devices of its instance type while it runs, and loses them with another one", async () => {
		const inside = (command: string) => inGuest(bench.host, "machine", command);
		const devices = () => inside("cat /proc/sys/kernel/random/boot_id; ls /sys/class/net; ls /sys/bus/virtio/devices");
		const before = await devices();
		const small = 'memoryMiB: config.requireNumber("memoryMiB") }';
		const rng = '<rng model="virtio"><backend model="random">/dev/urandom</backend><alias name="ua-rng"/></rng>';
		const large = `${small.slice(0, -2)}, nics: [{ network }], devices: ['${rng}'] }`;
		await bench.project.edit("index.ts", small, large);
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /extraXml: live: .*nics\[1\]: live: added while the machine runs/s);
		await bench.project.up();
		const now = await devices();
		assert.equal(now.split("\n").length, before.split("\n").length + 3, `${before}\nand then\n${now}`);
		assert.equal(now.split("\n")[0], before.split("\n")[0]);
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.edit("index.ts", large, small);
		await bench.project.up();
		assert.equal(await devices(), before);
	});

	it("refuses bad input before it touches anything, naming the property and what is allowed", async () => {
		await bench.project.edit("index.ts", "sizeMiB: 64", "sizeMiB: -64");
		const { code, stdout } = await bench.project.run(["preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /sizeMiB: got -64/);
		await bench.project.edit("index.ts", "sizeMiB: -64", "sizeMiB: 64");
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
