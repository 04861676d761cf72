import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { domainXml, freshHost, TEST_DOMAIN } from "./fast";

describe("libvirt binding: domains (test driver)", () => {
	const host = freshHost();

	it("finds a domain by name and by UUID, and nothing else", async () => {
		const { domains } = host();
		const expected = { name: "test", uuid: TEST_DOMAIN, state: "running", persistent: true };
		assert.deepEqual(await domains.find("test"), expected);
		assert.deepEqual(await domains.find(TEST_DOMAIN), expected);
		assert.deepEqual(await domains.find(TEST_DOMAIN.replaceAll("-", "")), expected);
		assert.equal(await domains.find("no such domain"), undefined);
		assert.equal(await domains.find(randomUUID()), undefined);
	});

	it("finds a domain whose name looks like a UUID", async () => {
		const name = randomUUID();
		const { uuid } = await host().domains.define(domainXml(name), { validate: false });
		assert.equal((await host().domains.find(name))?.uuid, uuid);
	});

	it("defines, lists with XML, starts, suspends, resumes, destroys and undefines", async () => {
		const { domains } = host();
		const uuid = randomUUID();
		assert.deepEqual(await domains.define(domainXml("clone", uuid)), {
			name: "clone",
			uuid,
			state: "shutoff",
			persistent: true,
		});
		const listed = (await domains.listWithXml()).find((domain) => domain.uuid === uuid);
		assert.match(listed?.xml ?? "", /<name>clone<\/name>/);
		assert.equal((await domains.list()).length, 2);
		await domains.start(uuid);
		assert.equal((await domains.state(uuid)).state, "running");
		await domains.suspend(uuid);
		assert.equal((await domains.state(uuid)).state, "paused");
		await domains.resume(uuid);
		await domains.reboot(uuid);
		await domains.destroy(uuid);
		assert.equal((await domains.state(uuid)).state, "shutoff");
		await domains.undefine(uuid);
		assert.equal(await domains.find(uuid), undefined);
	});

	it("shuts down, with a mode or without", async () => {
		const { domains } = host();
		const { uuid } = await domains.define(domainXml("tidy"));
		for (const mode of [undefined, "acpi", "agent"] as const) {
			await domains.start(uuid);
			await domains.shutdown(uuid, mode === undefined ? {} : { mode }).catch((error) => {
				// The test driver knows no modes: that the flag arrived is what its refusal tells.
				assert.match(error.message, mode === "acpi" ? /flags \(0x1\)/ : /flags \(0x2\)/);
				return domains.destroy(uuid);
			});
			assert.equal((await domains.state(uuid)).state, "shutoff");
		}
	});

	it("starts a transient domain, which is gone when it ends", async () => {
		const { domains } = host();
		const made = await domains.createTransient(domainXml("transient"));
		assert.equal(made.persistent, false);
		assert.equal(made.state, "running");
		await domains.destroy(made.uuid);
		assert.equal(await domains.find(made.uuid), undefined);
	});

	it("sets autostart, vCPUs, memory and metadata", async () => {
		const { domains } = host();
		assert.equal(await domains.getAutostart(TEST_DOMAIN), false);
		await domains.setAutostart(TEST_DOMAIN, true);
		assert.equal(await domains.getAutostart(TEST_DOMAIN), true);

		await domains.setVcpus(TEST_DOMAIN, 4, "config", { maximum: true });
		await domains.setVcpus(TEST_DOMAIN, 2, "config");
		assert.match(await domains.xml(TEST_DOMAIN, { inactive: true }), /<vcpu[^>]*current='2'[^>]*>4<\/vcpu>/);

		await domains.setMemory(TEST_DOMAIN, 512, "config");
		const xml = await domains.xml(TEST_DOMAIN, { inactive: true });
		assert.match(xml, /<currentMemory unit='KiB'>524288</);

		await domains.setMetadata(TEST_DOMAIN, "urn:x:1", "x", "<owner>me</owner>", "config");
		assert.match(await domains.xml(TEST_DOMAIN, { inactive: true }), /<x:owner xmlns:x="urn:x:1">me</);
		await domains.setMetadata(TEST_DOMAIN, "urn:x:1", "x", undefined, "config");
		assert.doesNotMatch(await domains.xml(TEST_DOMAIN, { inactive: true }), /owner/);
	});

	it("reports addresses with their prefix and family", async () => {
		const { domains } = host();
		const nic = `<interface type="network"><mac address="52:54:00:00:00:01"/><source network="default"/></interface>`;
		const xml = domainXml("wired").replace("</os>", `</os><devices>${nic}</devices>`);
		const { uuid } = await domains.define(xml);
		await domains.start(uuid);
		const [found, ...more] = await domains.interfaceAddresses(uuid, "lease");
		assert.deepEqual(more, []);
		assert.equal(found?.mac, "52:54:00:00:00:01");
		assert.equal(found?.addresses.length, 1);
		assert.match(found!.addresses[0]!.address, /^192\.168\.122\.\d+$/);
		assert.equal(found!.addresses[0]!.prefix, 24);
		assert.equal(found!.addresses[0]!.family, "ipv4");
	});

	it("refuses a definition that does not follow the schema, unless told not to look", async () => {
		const { domains } = host();
		const xml = domainXml("odd").replace("<vcpu>", "<nonsense/><vcpu>");
		await assert.rejects(domains.define(xml), { name: "LibvirtError", errorName: "VIR_ERR_XML_INVALID_SCHEMA" });
		assert.equal((await domains.define(xml, { validate: false })).name, "odd");
	});
});
