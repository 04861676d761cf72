import * as assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureImage, type GuestImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "./guest";

describe("micro image", () => {
	let image: GuestImage;
	let host: TestHost;
	before(async () => {
		image = await ensureImage("micro", { log: console.log });
		host = await startTestHost();
	});
	after(() => host?.stop());

	it("answers through the agent, has an address by DHCP and shuts down by the power button", async () => {
		const guest = await Guest.define(host, image, { name: "direct", boot: "direct" });
		await guest.start();

		await guest.until("test -e /run/booted");
		const leases = await host.virsh("net-dhcp-leases", "default");
		const address = /([0-9.]+)\/24/.exec(leases)?.[1] ?? "";
		assert.ok(address, leases);
		assert.match(leases, / micro /, "the server learned the host name");
		assert.match(await guest.shell("ip -4 -o addr show eth0"), new RegExp(` ${address}/24 `));
		assert.match(await guest.shell("ip route"), new RegExp(`default via ${host.network?.gateway} dev eth0`));
		assert.equal(await guest.shell("cat /etc/resolv.conf"), `nameserver ${host.network?.gateway}`);
		await host.ping(address);
		assert.match(await guest.shell("cat /proc/mounts"), /^\/dev\/vda2 \/ ext4 rw/m);

		await guest.shutdown("acpi");
		assert.match(guest.console, /Power down/);
		assert.doesNotMatch(guest.console, /error|not found|fail/i, "a start without complaints");
	});

	for (const boot of ["bios", "uefi"] as const) {
		it(`starts from its own disk with ${boot.toUpperCase()}, restarts and shuts down by the agent`, async () => {
			const guest = await Guest.define(host, image, { name: boot, boot, network: false });
			await guest.start();
			const firmware = await guest.shell("test -d /sys/firmware/efi && echo uefi || echo bios");
			assert.equal(firmware, boot);
			const before = await guest.shell("cat /proc/sys/kernel/random/boot_id");
			await host.virsh("reboot", "--mode", "agent", boot);
			await guest.until(`test -e /run/booted && ! grep -q ${before} /proc/sys/kernel/random/boot_id`);
			await guest.shutdown("agent");
		});
	}

	it("finds its root disk and a seed on CD on a virtio-scsi bus", async () => {
		const seed = { "meta-data": '{"instance-id": "one", "local-hostname": "on-scsi"}' };
		const guest = await Guest.define(host, image, { name: "scsi", boot: "direct", bus: "scsi", network: false, seed });
		await guest.start();
		assert.equal(await guest.until("test -e /run/booted && hostname"), "on-scsi");
		assert.match(guest.console, /seed: \/dev\/sr0 instance-id=one/);
		assert.match(await guest.shell("cat /proc/mounts"), /^\/dev\/sda2 \/ ext4 rw/m);
		await host.virsh("destroy", guest.name);
	});

	it("applies a NoCloud seed, its script once per instance-id", async () => {
		const script = "#!/bin/sh\necho run >> /root/runs\nip -4 -o addr show eth0 > /root/network\nexit 3\n";
		const seed = (id: string, name: string) => ({
			"meta-data": `# made by a test\ninstance-id: ${id}\nlocal-hostname: ${name}\n`,
			"user-data": script,
			"network-config": "version: 2\n",
			"thirteen-long": "exactly one long name entry",
			"deep/er/a name of more than 26 characters.text": "two entries and more",
			empty: "",
		});
		const guest = await Guest.define(host, image, { name: "seed", boot: "direct", seed: seed("i-1", "first") });

		await guest.start();
		assert.equal(await guest.until("test -e /run/booted && hostname"), "first");
		assert.equal(await guest.shell("cat /root/runs"), "run");
		assert.match(await guest.shell("cat /root/network"), /inet /, "the script ran with the network up");
		assert.equal(await guest.shell("cat /var/lib/nocloud/status"), "3");
		assert.match(await host.virsh("net-dhcp-leases", "default"), / first /);
		assert.match(guest.console, /network-config is ignored/);
		assert.equal(
			await guest.shell("mount -o ro /dev/vdb /mnt && cd /mnt && find . -type f | sort && cat */*/*"),
			"./deep/er/a name of more than 26 characters.text\n./empty\n./meta-data\n./network-config\n./thirteen-long\n" +
				"./user-data\ntwo entries and more",
			"the seed's FAT file system is a good one",
		);
		await guest.shutdown("agent");

		await guest.start();
		await guest.until("test -e /run/booted");
		assert.equal(await guest.shell("cat /root/runs"), "run", "the same instance does not run it again");
		await guest.shutdown("agent");

		guest.writeSeed(seed("i-2", "second"));
		await guest.start();
		assert.equal(await guest.until("test -e /run/booted && hostname"), "second");
		assert.equal(await guest.shell("wc -l < /root/runs"), "2", "a new instance runs it");
		await host.virsh("destroy", guest.name);
	});

	it("says that it ignores user-data that is no script", async () => {
		const seed = { "meta-data": "instance-id: a\n", "user-data": "#cloud-config\npackages: [vim]\n" };
		const guest = await Guest.define(host, image, { name: "config", boot: "direct", network: false, seed });
		await guest.start();
		await guest.until("test -e /run/booted");
		assert.equal(await guest.shell("hostname"), "micro");
		assert.match(guest.console, /user-data is ignored/);
		await host.virsh("destroy", guest.name);
	});

	it("brings up an interface that is plugged in while it runs", async () => {
		const guest = await Guest.define(host, image, { name: "plug", boot: "direct", network: false });
		await guest.start();
		await guest.until("test -e /run/booted");
		await host.virsh("attach-interface", guest.name, "network", "default", "--model", "virtio", "--live");
		await guest.until("ip -4 -o addr show eth0 | grep -q inet");
		const mac = /52:54:00:[0-9a-f:]+/.exec(await host.virsh("domiflist", guest.name))?.[0] ?? "";
		await host.virsh("detach-interface", guest.name, "network", "--mac", mac, "--live");
		await guest.until("! test -e /sys/class/net/eth0 && ! pidof udhcpc");
		await host.virsh("destroy", guest.name);
	});

	it("uses a processor and memory that are plugged in while it runs", async () => {
		const guest = await Guest.define(host, image, { name: "grow", boot: "direct", network: false, headroom: true });
		await guest.start();
		await guest.until("test -e /run/booted");
		assert.equal(await guest.shell("nproc"), "1");
		const module = join(host.poolDirectory, "module.xml");
		const target = '<target><size unit="MiB">128</size><node>0</node></target>';
		writeFileSync(module, `<memory model="dimm">${target}</memory>`);
		await host.virsh("attach-device", guest.name, module, "--live");
		await host.virsh("setvcpus", guest.name, "2", "--live");
		await guest.until("test \"$(nproc)\" = 2 && test $(awk '/MemTotal/{print $2}' /proc/meminfo) -gt 200000");
		await host.virsh("destroy", guest.name);
	});

	it("gives every clone its own machine-id", async () => {
		const ids = new Set<string>();
		for (const name of ["id-a", "id-b"]) {
			const guest = await Guest.define(host, image, { name, boot: "direct", network: false });
			await guest.start();
			ids.add(await guest.until("test -e /run/booted && cat /etc/machine-id"));
			await host.virsh("destroy", name);
		}
		assert.equal(ids.size, 2);
		for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
	});

	it("has the versions of its packages on record", () => {
		const manifest = JSON.parse(readFileSync(join(image.disk, "../image.json"), "utf8")) as { packages: string[] };
		for (const name of ["linux-image-", "qemu-guest-agent ", "busybox-static ", "libc6 "]) {
			assert.ok(
				manifest.packages.some((line) => line.startsWith(name)),
				`${name} in ${manifest.packages.join(", ")}`,
			);
		}
	});
});
