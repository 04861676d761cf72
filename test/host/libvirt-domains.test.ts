import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Host, type LibvirtError } from "../../provider/libvirt";
import { runsWell } from "../../provider/libvirt/kvm";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { guestXml } from "../libvirt/fast";

const agentChannel = '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>';

describe("libvirt binding: guests of a real host", () => {
	let machine: TestHost;
	let host: Host;

	before(async () => {
		machine = await startTestHost({ kvm: true });
		host = connect(machine.uri);
	});
	after(async () => {
		await host?.close();
		await machine?.stop();
	});

	it("tells who the host is", async () => {
		const info = await host.info();
		assert.equal(info.hostUuid, machine.hostUuid);
		assert.equal(info.hostname, machine.name);
		assert.equal(info.driver, "QEMU");
		assert.match(await host.domainCapabilitiesXml({ arch: "x86_64", type: "qemu" }), /<domainCapabilities>/);
	});

	it("starts paused, runs, and forgets a guest", async () => {
		const { domains } = host;
		const { uuid } = await domains.define(guestXml("paused"));
		await domains.start(uuid, { paused: true });
		assert.equal((await domains.state(uuid)).state, "paused");
		await domains.resume(uuid);
		assert.equal((await domains.state(uuid)).state, "running");
		assert.deepEqual(await domains.interfaceAddresses(uuid, "lease"), []);
		await domains.destroy(uuid);
		await domains.undefine(uuid);
		assert.equal(await domains.find(uuid), undefined);
	});

	it("destroys a transient guest with the connection that made it, when asked to", async () => {
		const { uuid } = await host.domains.createTransient(guestXml("auto"), { paused: true, autoDestroy: true });
		assert.equal((await host.domains.find(uuid))?.state, "paused");
		await host.close();
		host = connect(machine.uri);
		for (let i = 0; i < 100 && (await host.domains.find(uuid)) !== undefined; i++)
			await new Promise((resolve) => setTimeout(resolve, 50));
		assert.equal(await host.domains.find(uuid), undefined);
	});

	it("probes KVM by running it, caches the answer and leaves nothing", async () => {
		const usable = await host.kvmUsable();
		if (!existsSync("/dev/kvm")) assert.equal(usable, false);
		assert.equal(await host.kvmUsable(), usable);
		assert.deepEqual(await host.domains.list(), []);
	});

	it("finds emulation as fast as emulation, and no type that the host does not offer", async () => {
		assert.equal(await runsWell(host, "qemu"), true);
		assert.equal(await runsWell(host, "xen"), false);
		assert.deepEqual(await host.domains.list(), []);
	});

	describe("monitor and agent", () => {
		let uuid: string;

		before(async () => {
			({ uuid } = await host.domains.define(guestXml("monitored", agentChannel)));
			await host.domains.start(uuid);
		});
		after(async () => {
			await host.domains.destroy(uuid);
			await host.domains.undefine(uuid);
		});

		it("answers a QMP command", async () => {
			const status = await host.domains.qmp<{ status: string }>(uuid, "query-status");
			assert.equal(status.status, "running");
		});

		it("reports what QEMU refuses with QEMU's class", async () => {
			await assert.rejects(host.domains.qmp(uuid, "no-such-command"), (error: LibvirtError) => {
				assert.equal(error.name, "LibvirtError");
				assert.equal(error.errorName, "QMP_ERROR");
				assert.equal(error.qmpClass, "CommandNotFound");
				assert.equal(error.call, "no-such-command");
				return true;
			});
			await assert.rejects(host.domains.qmp(uuid, "device_del", { id: "nothing" }), {
				qmpClass: "DeviceNotFound",
			});
		});

		it("passes files to QEMU", async () => {
			const path = join(machine.directory, "passed");
			await host.domains.qmp(uuid, "getfd", { fdname: "state" }, { files: [{ path, flags: "w" }] });
			await host.domains.suspend(uuid);
			await host.domains.qmp(uuid, "migrate", { uri: "fd:state" });
			for (;;) {
				const { status } = await host.domains.qmp<{ status: string }>(uuid, "query-migrate");
				if (status === "completed") break;
				assert.match(status, /^(setup|active|device)$/);
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
			// What QEMU writes begins with its magic number.
			assert.equal(readFileSync(path).subarray(0, 4).toString(), "QEVM");
			await host.domains.resume(uuid);
		});

		it("says which file cannot be opened, and sends nothing", async () => {
			const files = [{ path: "/nonexistent/file", flags: "r" as const }];
			await assert.rejects(host.domains.qmp(uuid, "getfd", { fdname: "x" }, { files }), /ENOENT.*\/nonexistent\/file/);
			await assert.rejects(host.domains.qmp(uuid, "closefd", { fdname: "x" }), { errorName: "QMP_ERROR" });
		});

		it("knows at once that no agent is connected", async () => {
			const begun = Date.now();
			await assert.rejects(host.domains.agent(uuid, "guest-ping"), {
				name: "LibvirtError",
				errorName: "VIR_ERR_AGENT_UNRESPONSIVE",
			});
			assert.ok(Date.now() - begun < 2000);
		});
	});
});
