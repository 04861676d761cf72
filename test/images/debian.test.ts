import * as assert from "node:assert/strict";
import { ensureImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "./guest";

/** From its disk, and with a seed, it starts in the test of static addresses. */
describe("debian image", function () {
	// The first call may have to build the image.
	this.timeout(600_000);
	let host: TestHost;
	before(async () => {
		host = await startTestHost();
	});
	after(() => host?.stop());

	it("starts quickly without a seed, with cloud-init off and host keys of its own", async () => {
		const image = await ensureImage("debian", { log: console.log });
		const guest = await Guest.define(host, image, { name: "plain", boot: "direct", memoryMiB: 512 });
		await guest.start(120);
		await guest.until("systemctl is-system-running --wait", 60);
		assert.match(await guest.shell("cloud-init status"), /disabled/);
		const [, address = ""] = /([0-9.]+)\/24/.exec(await host.virsh("net-dhcp-leases", "default")) ?? [];
		assert.match(await guest.shell("ip -4 -o addr show eth0"), new RegExp(` ${address}/24 `));
		assert.match(await guest.shell("cat /etc/ssh/ssh_host_ed25519_key.pub"), /^ssh-ed25519 \S{68}/);
		assert.doesNotMatch(guest.console, /login:/, "nobody asks for a login on the log's port");
		await guest.shutdown("acpi", 60);
	});
});
