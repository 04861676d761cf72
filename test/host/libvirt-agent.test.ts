import assert from "node:assert/strict";
import { closeAll, connect, type Host, type LibvirtError, watchDomains } from "../../provider/libvirt";
import { ensureImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "../images/guest";

describe("libvirt binding: a guest with an agent", () => {
	let machine: TestHost;
	let host: Host;
	let uuid: string;

	before(async function () {
		this.timeout(600_000);
		const image = await ensureImage("micro");
		machine = await startTestHost();
		await Guest.define(machine, image, { name: "agent", boot: "direct" });
		host = connect(machine.uri);
		({ uuid } = (await host.domains.find("agent"))!);
		const watcher = watchDomains(machine.uri);
		await watcher.ready();
		const connected = watcher.next("agent", (event) => event.uuid === uuid && event.state === "connected", {
			deadlineSeconds: 120,
		});
		await host.domains.start(uuid);
		await connected;
		await watcher.close();
	});
	after(async () => {
		await closeAll();
		await machine?.stop();
	});

	it("answers once its event has said that it is there", async () => {
		assert.deepEqual(await host.domains.agent(uuid, "guest-ping"), {});
		const info = await host.domains.agent<{ version: string }>(uuid, "guest-info");
		assert.match(info.version, /^\d+\.\d+/);
	});

	it("runs a command in the guest and brings its output", async () => {
		const { pid } = await host.domains.agent<{ pid: number }>(uuid, "guest-exec", {
			path: "/bin/sh",
			arg: ["-c", "echo $((6*7)); exit 3"],
			"capture-output": true,
		});
		for (;;) {
			const status = await host.domains.agent<{ exited: boolean; exitcode?: number; "out-data"?: string }>(
				uuid,
				"guest-exec-status",
				{ pid },
			);
			if (!status.exited) continue;
			assert.equal(status.exitcode, 3);
			assert.equal(Buffer.from(status["out-data"] ?? "", "base64").toString(), "42\n");
			break;
		}
	});

	it("reports what the agent refuses", async () => {
		await assert.rejects(host.domains.agent(uuid, "guest-no-such-command"), (error: LibvirtError) => {
			assert.equal(error.name, "LibvirtError");
			assert.equal(error.call, "virDomainQemuAgentCommand");
			assert.match(error.message, /guest-no-such-command/);
			return true;
		});
	});

	it("tells the guest's addresses by agent and by lease", async () => {
		const { uuid: network } = (await host.networks.find("default"))!;
		const mac = /<mac address='([^']+)'/.exec(await host.domains.xml(uuid))![1];
		for (let i = 0; i < 150; i++) {
			const [byLease] = await host.domains.interfaceAddresses(uuid, "lease");
			const address = byLease?.addresses[0]?.address;
			const byAgent = (await host.domains.interfaceAddresses(uuid, "agent")).find((nic) => nic.mac === mac);
			if (address === undefined || !byAgent?.addresses.some((each) => each.address === address)) {
				await new Promise((resolve) => setTimeout(resolve, 100));
				continue;
			}
			assert.equal(byLease?.mac, mac);
			assert.equal(byAgent.addresses.find((each) => each.address === address)?.family, "ipv4");
			const [lease, ...others] = await host.networks.leases(network);
			assert.deepEqual(others, []);
			assert.equal(lease?.mac, mac);
			assert.equal(lease?.address, address);
			assert.equal(lease?.prefix, 24);
			assert.ok(lease!.expiresAt > Date.now() / 1000);
			return;
		}
		assert.fail("lease and agent did not agree on an address within 15 s");
	});

	it("is given up by libvirt, not by killing a worker, when the agent hangs", async () => {
		const begun = Date.now();
		const { pid } = await host.domains.agent<{ pid: number }>(uuid, "guest-exec", {
			path: "/bin/sh",
			arg: ["-c", "kill -STOP $(pidof qemu-ga)"],
		});
		assert.ok(pid > 0);
		await new Promise((resolve) => setTimeout(resolve, 1500));
		await assert.rejects(host.domains.agent(uuid, "guest-ping", undefined, { deadlineSeconds: 4 }), {
			name: "LibvirtError",
			errorName: "VIR_ERR_AGENT_UNRESPONSIVE",
		});
		assert.ok(Date.now() - begun < 15_000);
	});
});
