import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { freshHost } from "./fast";

describe("libvirt binding: networks (test driver)", () => {
	const host = freshHost();

	it("defines, lists with XML, starts, stops and undefines", async () => {
		const { networks } = host();
		const uuid = randomUUID();
		const xml = `<network><name>n</name><uuid>${uuid}</uuid><bridge name="virbr9"/>
			<ip address="192.168.9.1" netmask="255.255.255.0"><dhcp><range start="192.168.9.2" end="192.168.9.9"/></dhcp></ip>
		</network>`;
		assert.deepEqual(await networks.define(xml), { name: "n", uuid, active: false, persistent: true });
		await networks.start(uuid);
		assert.equal((await networks.find("n"))?.active, true);
		assert.equal((await networks.list()).length, 2);
		const listed = (await networks.listWithXml()).find((network) => network.uuid === uuid);
		assert.match(listed?.xml ?? "", /192\.168\.9\.1/);
		assert.match(await networks.xml(uuid), /virbr9/);
		await networks.setAutostart(uuid, true);
		assert.equal(await networks.getAutostart(uuid), true);
		await networks.destroy(uuid);
		assert.equal((await networks.find(uuid))?.active, false);
		await networks.undefine(uuid);
		assert.equal(await networks.find(uuid), undefined);
	});

	it("adds and removes DHCP hosts", async () => {
		const { networks } = host();
		const { uuid } = (await networks.find("default"))!;
		const entry = `<host mac="52:54:00:00:00:02" ip="192.168.122.10"/>`;
		await networks.update(uuid, "add", "ip-dhcp-host", entry, "live");
		assert.match(await networks.xml(uuid), /52:54:00:00:00:02/);
		await networks.update(uuid, "delete", "ip-dhcp-host", entry, "live");
		assert.doesNotMatch(await networks.xml(uuid), /52:54:00:00:00:02/);
	});
});
