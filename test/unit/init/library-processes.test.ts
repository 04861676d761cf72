import assert from "node:assert/strict";
import { Lab, SHELLS } from "./library-lab";

/** As a clone of an image with networkd and cloud-init finds it in the stage early. */
const STARTING = {
	"/etc/hostname": "gold\n",
	"/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 gold\n",
	"/etc/cloud/cloud.cfg.d": undefined,
	"/etc/systemd/network": undefined,
	"/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": { link: "/lib/none" },
	"/proc/sys/kernel/hostname": "gold\n",
	"/run/systemd/system": undefined,
	"/sys/fs/cgroup/system.slice/clones-init-early.service": undefined,
	"/sys/class/net/eth0/address": "52:54:00:00:00:01\n",
	"/sys/class/net/eth0/type": "1\n",
	"/sys/class/net/eth0/device": { link: "../../../devices/a" },
	"/sys/devices/a": undefined,
};

describe("the library's scripts of name and address", () => {
	for (const shell of SHELLS) {
		it(`start no other process than what replaces files, in ${shell}`, async () => {
			const lab = new Lab(STARTING, { systemctl: "exit 3" }, true);
			try {
				const named = await lab.run(shell, "hostname", { name: "web-1" });
				assert.deepEqual([named.status, named.error], [0, ""]);
				assert.deepEqual(named.calls, ["mv /etc/hostname.new /etc/hostname", "mv /etc/hosts.new /etc/hosts"]);
				const addressed = await lab.run(shell, "static-address", { address: "10.0.0.10/24", gateway: "10.0.0.1" });
				assert.deepEqual(addressed, { status: 0, error: "", calls: [] });
				assert.match(lab.read("/etc/hosts"), /^127.0.1.1 web-1$/m);
				assert.equal(lab.mode("/etc/cloud/cloud.cfg.d/99-clones-hostname.cfg"), "644");
				assert.match(lab.read("/etc/systemd/network/05-clones-eth0.network"), /^Address=10.0.0.10\/24$/m);
			} finally {
				lab.remove();
			}
		});
	}
});
