import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { closeAll, connect, type Host, type LifecycleEvent, watchDomains } from "../../provider/libvirt";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { guestXml } from "../libvirt/fast";

describe("libvirt binding: events", () => {
	let machine: TestHost;
	let host: Host;

	before(async () => {
		machine = await startTestHost();
		host = connect(machine.uri);
	});
	after(async () => {
		await closeAll();
		await machine?.stop();
	});

	it("tells the life of a domain", async () => {
		const watcher = watchDomains(machine.uri);
		await watcher.ready();
		const seen: LifecycleEvent[] = [];
		watcher.on("lifecycle", (event) => seen.push(event));
		const { uuid } = await host.domains.define(guestXml("watched"));
		const started = watcher.next("lifecycle", (event) => event.event === "started", { deadlineSeconds: 20 });
		await host.domains.start(uuid);
		assert.equal((await started).uuid, uuid);
		await host.domains.destroy(uuid);
		const gone = watcher.next("lifecycle", (event) => event.event === "undefined", { deadlineSeconds: 20 });
		await host.domains.undefine(uuid);
		await gone;
		assert.ok(seen.every((event) => event.uuid === uuid && event.name === "watched"));
		const names = seen.map(({ event }) => event);
		for (const name of ["defined", "resumed", "started", "stopped", "undefined"] as const)
			assert.ok(names.includes(name), `${name} in ${names}`);
		await watcher.close();
	});

	it("tells that a device is gone", async () => {
		const watcher = watchDomains(machine.uri);
		await watcher.ready();
		const tablet = `<input type="tablet" bus="usb"><alias name="ua-tablet"/></input>`;
		const xml = guestXml("device", tablet).replace(/<controller type="usb"[^>]*>/, "");
		const { uuid } = await host.domains.define(xml);
		await host.domains.start(uuid);
		const gone = watcher.next("deviceRemoved", (event) => event.uuid === uuid, { deadlineSeconds: 20 });
		await host.domains.detachDevice(uuid, tablet, "live");
		assert.equal((await gone).alias, "ua-tablet");
		await host.domains.destroy(uuid);
		await host.domains.undefine(uuid);
		await watcher.close();
	});

	it("says that the host is gone, and that it is back", async () => {
		const watcher = watchDomains(machine.uri);
		await watcher.ready();
		const gone = once(watcher, "disconnected");
		await machine.killLibvirtd();
		const [reason] = await gone;
		assert.equal(reason, "the end of the daemon");
		const back = once(watcher, "connected");
		await machine.startLibvirtd();
		await back;
		const defined = watcher.next("lifecycle", () => true, { deadlineSeconds: 20 });
		const { uuid } = await host.domains.define(guestXml("after"));
		assert.equal((await defined).uuid, uuid);
		await host.domains.undefine(uuid);
		await watcher.close();
	});

	it("gives up a wait in time, and for a signal", async () => {
		const watcher = watchDomains(machine.uri);
		await watcher.ready();
		const never = () => false;
		await assert.rejects(watcher.next("agent", never, { deadlineSeconds: 0.2 }), /no such agent event.*0\.2 s/);
		const reason = new Error("enough");
		const signal = AbortSignal.abort(reason);
		await assert.rejects(watcher.next("agent", never, { deadlineSeconds: 20, signal }), reason);
		await watcher.close();
	});

	it("says why a host cannot be watched", async () => {
		const watcher = watchDomains("qemu+unix:///system?socket=/nonexistent/sock");
		await assert.rejects(watcher.ready(), { name: "LibvirtError", call: "virConnectOpenAuth" });
		await watcher.close();
	});

	it("does not keep the process, open or closed", async () => {
		const library = join(__dirname, "../../provider/libvirt");
		for (const last of ["", "await w.close();", "await w.close(); await closeAll();"]) {
			const source = `const { watchDomains, closeAll } = require(${JSON.stringify(library)});
				(async () => { const w = watchDomains(${JSON.stringify(machine.uri)}); await w.ready(); ${last} })();`;
			const begun = Date.now();
			const [code] = await once(spawn(process.execPath, ["-e", source], { stdio: "inherit" }), "exit");
			assert.equal(code, 0);
			assert.ok(Date.now() - begun < 5000);
		}
	});
});
