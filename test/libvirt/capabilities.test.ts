import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, reflinkSupported } from "../../provider/libvirt";
import { domainTypes, hostArch, hostUuid } from "../../provider/libvirt/capabilities";
import { freshHost } from "./fast";

describe("libvirt binding: host", () => {
	const host = freshHost();

	it("tells versions and identity", async () => {
		const info = await host().info();
		assert.match(info.libvirtVersion, /^\d+\.\d+\.\d+$/);
		assert.match(info.hypervisorVersion, /^\d+\.\d+\.\d+$/);
		assert.equal(info.driver, "TEST");
		assert.ok(info.hostname.length > 0);
		assert.equal(await host().info(), info, "cached");
	});

	it("forgets a failed answer", async () => {
		const away = connect("qemu+unix:///system?socket=/nonexistent/sock");
		const first = away.info();
		await assert.rejects(first);
		const second = away.info();
		assert.notEqual(second, first);
		await assert.rejects(second);
		await away.close();
	});

	it("does not take the test driver for KVM", async () => {
		assert.equal(await host().kvmUsable(), false);
	});

	it("returns the capabilities as XML", async () => {
		assert.match(await host().capabilitiesXml(), /^<capabilities>/);
	});

	it("reads capabilities", () => {
		const xml = `<capabilities><host><uuid>u-1</uuid><cpu><arch>x86_64</arch></cpu></host>
			<guest><os_type>hvm</os_type><arch name="i686"><domain type="qemu"/></arch></guest>
			<guest><os_type>hvm</os_type><arch name="x86_64"><domain type="qemu"/><domain type="kvm"/></arch></guest>
		</capabilities>`;
		assert.equal(hostUuid(xml), "u-1");
		assert.equal(hostArch(xml), "x86_64");
		assert.deepEqual(domainTypes(xml, "x86_64"), ["qemu", "kvm"]);
		assert.deepEqual(domainTypes(xml, "i686"), ["qemu"]);
		assert.equal(hostUuid("<capabilities><host/></capabilities>"), "");
	});
});

describe("reflinkSupported", () => {
	it("answers without leaving anything behind", async () => {
		const directory = await mkdtemp(join(tmpdir(), "clones-reflink-"));
		try {
			assert.equal(typeof (await reflinkSupported(directory)), "boolean");
			assert.deepEqual(readdirSync(directory), []);
		} finally {
			await rm(directory, { recursive: true });
		}
	});

	it("is false in memory", async () => {
		assert.equal(await reflinkSupported("/dev/shm"), false);
	});

	it("says when the directory is missing", async () => {
		await assert.rejects(reflinkSupported("/nonexistent"), /ENOENT.*\/nonexistent/);
	});
});
