import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { networkScript } from "../../../provider/domain/guest-network";
import { type Entry, Lab, SHELLS } from "../init/library-lab";

const MAC = "52:54:00:00:00:01";
const NICS: Record<string, Entry> = {
	"/sys/class/net/br0/address": `${MAC}\n`,
	"/sys/class/net/eth0/address": "52:54:00:00:00:02\n",
	"/sys/class/net/eth0/device": { link: "../../../devices/a" },
	"/sys/devices/a": undefined,
	"/sys/class/net/eth1/address": `${MAC}\n`,
	"/sys/class/net/eth1/device": { link: "../../../devices/b" },
	"/sys/devices/b": undefined,
};
const NETWORKD = {
	"/run/systemd/system": undefined,
	"/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": { link: "/lib/none" },
};
const network = { addresses: ["10.0.0.10/24", "fd00::10/64"], gateways: ["10.0.0.1"], nameservers: ["10.0.0.53"] };

describe("addresses through the guest agent", () => {
	for (const shell of SHELLS) {
		describe(`in ${shell}`, () => {
			let lab: Lab;
			afterEach(() => lab.remove());
			const ran = async (files: Record<string, Entry>, { mac = MAC, lasting = true } = {}) => {
				lab = new Lab(files, { ip: "", pidof: "", sleep: "", systemctl: "exit 3" });
				const path = join(lab.folder, "set-up");
				// The stand-ins stand before what the shell does itself.
				const script = networkScript(network, mac, { lasting });
				writeFileSync(path, `. ${join(lab.folder, `functions-${shell}`)}\n${script}`);
				return lab.alone(shell, path, {});
			};

			it("are given to the NIC with the MAC address, and not to a bridge that has it too", async () => {
				const calls = ["systemctl --quiet is-active systemd-networkd"];
				assert.deepEqual(await ran({ ...NICS, ...NETWORKD }), { status: 0, error: "", calls });
				assert.equal(
					lab.read("/etc/systemd/network/05-clones-eth1.network"),
					`[Match]
MACAddress=${MAC}
Type=ether

[Network]
Address=10.0.0.10/24
Address=fd00::10/64
Gateway=10.0.0.1
DNS=10.0.0.53
`,
				);
			});

			it("are refused by an image that would have lost them at the next start", async () => {
				const { status, error, calls } = await ran(NICS);
				assert.equal(status, 1);
				assert.match(error, /^nothing in this image keeps addresses: netplan, .* not enabled\n$/);
				assert.deepEqual(calls, []);
				lab.remove();
				const here = await ran(NICS, { lasting: false });
				assert.equal(here.status, 0, here.error);
				assert.ok(here.calls.includes("ip addr replace 10.0.0.10/24 dev eth1"), here.calls.join("\n"));
			});

			it("are refused without such a NIC", async () => {
				const { status, error } = await ran({ ...NICS, ...NETWORKD }, { mac: "52:54:00:00:00:03" });
				assert.deepEqual([status, error], [1, "no network interface has the MAC address 52:54:00:00:00:03\n"]);
			});
		});
	}
});
