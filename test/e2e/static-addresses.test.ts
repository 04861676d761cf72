import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloneInstance } from "../../index";
import { withStore } from "../../provider/identity/access";
import { ensureImage } from "../../tools/images";
import { type Bench, inGuest, startBench } from "./hosts";

describe("static addresses of identities", function () {
	// The first time, the image has to be built.
	this.timeout(900_000);
	let bench: Bench;
	let folder: string;
	const store = () => join(folder, "identities.sqlite");
	const inside = (command: string) => inGuest(bench.host, "vm-0", command);

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "static-addresses-"));
		bench = await startBench({
			program: "test/e2e/fixtures/static-addresses",
			config: { image: (await ensureImage("debian")).disk, store: store() },
		});
	});
	after(async () => {
		await bench?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	it("are set by the machine itself, where the network gives none", async () => {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: CloneInstance[] }>();
		const [machine] = machines;
		const held = await withStore({ sqlite: { path: store() } }, (pool) => pool.list("static"));
		const identity = held.find(({ state }) => state === "leased")!;
		assert.deepEqual([machine!.identity, machine!.macs], [identity.name, [identity.mac]]);
		await inside("cloud-init status --wait >/dev/null; true");
		assert.equal(await inside("hostname"), identity.name);
		const addresses = await inside("ip -4 -o addr show scope global; ip route");
		assert.match(addresses, new RegExp(` ${identity.ips[0]}/24 `));
		assert.match(addresses, /default via 192\.168\.157\.1 /);
		const resolvers = await inside("cat /run/systemd/resolve/resolv.conf");
		assert.match(resolvers, /nameserver 192\.168\.157\.1$/m);
		assert.equal(await inside("cat /run/systemd/netif/leases/* 2>/dev/null || true"), "", "it asked no DHCP server");
		// Somebody else on the network reaches it there.
		const greeting = `read -r line < /dev/tcp/${identity.ips[0]}/22; echo "$line"`;
		assert.match((await bench.host.exec("timeout", ["30", "bash", "-c", greeting])).stdout, /^SSH-/);
	});

	it("come to a machine that cloud-init has set up, and that runs well", async () => {
		assert.match(await inside("cloud-init status --long"), /status: done/);
		assert.equal(await inside("cat /etc/from-seed"), "written");
		assert.equal(await inside("od -An -tx1 /etc/bytes-from-seed; stat -c %a /etc/bytes-from-seed"), "00 01 ff\n600");
		const keys = ["ecdsa", "ed25519"].map((type) => `/etc/ssh/ssh_host_${type}_key`);
		assert.equal(await inside("ls /etc/ssh/ssh_host_*_key"), keys.join("\n"));
		for (const key of keys) {
			const [, own = ""] = (await inside(`cat ${key}.pub`)).split(" ");
			assert.ok((await inside("cat /var/lib/cloud/instance/user-data.txt")).includes(own), "one of its identity's");
			assert.equal(await inside(`ssh-keygen -y -f ${key} | cut -d' ' -f2`), own);
		}
		assert.equal(await inside("systemctl is-system-running --wait || systemctl --failed"), "running");
		const [held] = await withStore({ sqlite: { path: store() } }, (pool) =>
			pool.list("static", { states: ["leased"] }),
		);
		assert.equal(await inside("cat /etc/machine-id"), held!.machineId);
		const kib = Number(await inside("df -k --output=size / | tail -1"));
		assert.ok(kib > 2.8 * 1_048_576, `the root file system grew with the disk to 3 GiB: ${kib} KiB`);
	});

	it("are returned with it", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(await withStore({ sqlite: { path: store() } }, (pool) => pool.list("static")), []);
	});
});
