import * as assert from "node:assert/strict";
import { networkConfigOf } from "../../components/thin-clone-pool/identity";
import { newHostKeys } from "../../provider/identity/host-keys";
import { staticNetworkOf } from "../../provider/identity/static-network";
import { userDataOf } from "../../provider/volume/cloud-init";
import type { CloudInit } from "../../provider/volume/schema";
import { ensureImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "./guest";

describe("debian image", function () {
	// The first call may have to build the image, and cloud-init under emulation takes its time.
	this.timeout(600_000);
	let host: TestHost;
	before(async () => {
		host = await startTestHost();
	});
	after(() => host?.stop());

	it("starts from its disk, is set up by cloud-init, has ssh and its own identity, and shuts down", async () => {
		const image = await ensureImage("debian", { log: console.log });
		const hostKeys = await newHostKeys("set-by-seed");
		const files: CloudInit["files"] = [
			{ path: "/etc/from-seed", content: "written", mode: "0644", encoding: "text" },
			{ path: "/etc/bytes-from-seed", content: "AAH/", mode: "0600", encoding: "base64" },
		];
		const seed = {
			"meta-data": "instance-id: i-debian\nlocal-hostname: set-by-seed\n",
			"user-data": userDataOf({ files, hostKeys }),
		};
		const guest = await Guest.define(host, image, { name: "debian", boot: "bios", memoryMiB: 512, diskGiB: 3, seed });
		// Without a DHCP server a machine sets the address of its identity itself.
		const [, mac = ""] = /((?:[0-9a-f]{2}:){5}[0-9a-f]{2})/.exec(await host.virsh("domiflist", "debian")) ?? [];
		const [, gateway = ""] = /<ip address='([0-9.]+)'/.exec(await host.virsh("net-dumpxml", "default")) ?? [];
		const ips = [gateway.replace(/\d+$/, "253")];
		const network = staticNetworkOf({ ipv4: `${gateway}/24`, nameservers: [gateway] }, ips);
		const profile = { name: "set-by-seed", mac, ips, network, machineId: "", data: {} };
		guest.writeSeed({ ...seed, "network-config": networkConfigOf(profile)! });
		await guest.start(300);

		assert.match(await guest.until("cloud-init status --long | grep -A9 -E 'done|error'", 180), /status: done/);
		assert.equal(await guest.shell("cat /etc/from-seed"), "written");
		assert.equal(
			await guest.shell("od -An -tx1 /etc/bytes-from-seed; stat -c %a /etc/bytes-from-seed"),
			"00 01 ff\n600",
		);
		assert.equal(await guest.shell("hostname"), "set-by-seed");
		const keyFiles = hostKeys.map(({ type }) => `/etc/ssh/ssh_host_${type}_key`);
		assert.equal(await guest.shell("ls /etc/ssh/ssh_host_*_key | sort"), [...keyFiles].sort().join("\n"));
		for (const [index, path] of keyFiles.entries()) {
			assert.equal(await guest.shell(`cat ${path}.pub`), hostKeys[index]!.publicKey.trim());
			assert.equal(
				await guest.shell(`ssh-keygen -y -f ${path} | cut -d' ' -f2`),
				hostKeys[index]!.publicKey.split(" ")[1],
			);
		}
		assert.match(await guest.until("systemctl is-system-running --wait || systemctl --failed", 60), /^running$/);
		assert.match(await guest.shell("cat /etc/machine-id"), /^[0-9a-f]{32}$/);

		assert.match(await guest.shell("ip -4 -o addr show eth0"), new RegExp(` ${ips[0]}/24 `));
		assert.match(await guest.shell("ip route show default"), new RegExp(`^default via ${gateway} `));
		assert.match(
			await guest.shell("cat /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null || true"),
			new RegExp(`nameserver ${gateway}`),
		);
		assert.ok((await host.virsh("net-dhcp-leases", "default")).includes(mac) === false, "and asks no DHCP server");
		const key = await guest.shell("cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub");
		const banner = "exec 3<>/dev/tcp/127.0.0.1/22 && head -c 8 <&3";
		assert.equal(await guest.shell(`bash -c '${banner}'`), "SSH-2.0-");
		assert.ok(key.length > 60, key);

		const kib = Number(await guest.shell("df -k --output=size / | tail -1"));
		assert.ok(kib > 2.8 * 1_048_576, `the root file system grew with the disk to 3 GiB: ${kib} KiB`);
		assert.ok(guest.console.includes("login:") === false, "nobody asks for a login on the log's port");
		await guest.shutdown("acpi", 60);
	});

	it("starts quickly without a seed, with cloud-init off and host keys of its own", async () => {
		const image = await ensureImage("debian");
		const guest = await Guest.define(host, image, { name: "plain", boot: "direct", memoryMiB: 512 });
		await guest.start(120);
		await guest.until("systemctl is-system-running --wait", 60);
		assert.match(await guest.shell("cloud-init status"), /disabled/);
		const [, address = ""] = /([0-9.]+)\/24/.exec(await host.virsh("net-dhcp-leases", "default")) ?? [];
		assert.match(await guest.shell("ip -4 -o addr show eth0"), new RegExp(` ${address}/24 `));
		assert.match(await guest.shell("cat /etc/ssh/ssh_host_ed25519_key.pub"), /^ssh-ed25519 \S{68}/);
		await guest.shutdown("agent", 60);
	});
});
