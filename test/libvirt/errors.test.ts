import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, LibvirtError, redact } from "../../provider/libvirt";
import { domainName, errorName } from "../../provider/libvirt/names";
import { domainXml, freshHost, TEST_DOMAIN, TEST_URI } from "./fast";

describe("libvirt binding: errors", () => {
	const host = freshHost();

	it("carries number, name, origin, function and URI", async () => {
		await assert.rejects(host().domains.xml("00000000-0000-4000-8000-000000000000"), (error: LibvirtError) => {
			assert.ok(error instanceof LibvirtError);
			assert.equal(error.libvirtCode, 42);
			assert.equal(error.errorName, "VIR_ERR_NO_DOMAIN");
			assert.equal(error.errorDomain, "VIR_FROM_TEST");
			assert.equal(error.call, "virDomainLookupByUUIDString");
			assert.equal(error.uri, TEST_URI);
			assert.match(error.message, /Domain not found.*VIR_ERR_NO_DOMAIN from virDomainLookupByUUIDString on test:/);
			assert.equal("code" in error, false, "gRPC takes `code` for a status");
			return true;
		});
	});

	it("shows in the stack where the call was made", async () => {
		async function whoCalls(): Promise<void> {
			await host().domains.start("not a uuid");
		}
		await assert.rejects(whoCalls(), (error: Error) => /at whoCalls .*errors\.test/.test(error.stack ?? ""));
	});

	it("keeps errors of calls that run at once apart", async () => {
		const { domains, networks, pools } = host();
		const [first, second, third, fourth] = await Promise.allSettled([
			domains.xml("00000000-0000-4000-8000-000000000000"),
			networks.xml("00000000-0000-4000-8000-000000000000"),
			pools.xml("00000000-0000-4000-8000-000000000000"),
			domains.define("<domain"),
		]);
		const names = [first, second, third, fourth].map((result) => (result as PromiseRejectedResult).reason.errorName);
		assert.deepEqual(names, [
			"VIR_ERR_NO_DOMAIN",
			"VIR_ERR_NO_NETWORK",
			"VIR_ERR_NO_STORAGE_POOL",
			"VIR_ERR_XML_DETAIL",
		]);
	});

	it("refuses the same name with another UUID", async () => {
		const xml = domainXml("test", "00000000-0000-4000-8000-000000000001");
		await assert.rejects(host().domains.define(xml), /already exists with uuid/);
	});

	it("says that a driver cannot do something", async () => {
		await assert.rejects(host().domains.qmp(TEST_DOMAIN, "query-status"), {
			name: "LibvirtError",
			errorName: "VIR_ERR_NO_SUPPORT",
		});
	});

	it("names every number of libvirt", () => {
		assert.equal(errorName(1), "VIR_ERR_INTERNAL_ERROR");
		assert.equal(errorName(55), "VIR_ERR_OPERATION_INVALID");
		assert.equal(errorName(86), "VIR_ERR_AGENT_UNRESPONSIVE");
		assert.equal(errorName(110), "VIR_ERR_MULTIPLE_DOMAINS");
		assert.equal(errorName(999), "VIR_ERR_999");
		assert.equal(domainName(10), "VIR_FROM_QEMU");
		assert.equal(domainName(72), "VIR_FROM_CH");
	});
});

describe("libvirt binding: connecting", () => {
	const opened: string[] = [];
	const info = (uri: string) => {
		opened.push(uri);
		return connect(uri).info();
	};
	after(() => Promise.all(opened.map((uri) => connect(uri).close())));

	it("says which socket is missing and what to do", async () => {
		const uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock";
		await assert.rejects(info(uri), (error: LibvirtError) => {
			assert.match(error.message, /cannot connect to qemu\+unix:\/\/\/system\?socket=\/nonexistent\/libvirt-sock/);
			assert.match(error.message, /Is libvirt running there\?.*\/nonexistent\/libvirt-sock/);
			return true;
		});
	});

	it("does not print the password of a URI, and tries again at the next call", async () => {
		const uri = "qemu+tcp://admin:s3cret@nonexistent.invalid/system?password=s3cret";
		for (let attempt = 0; attempt < 2; attempt++) {
			await assert.rejects(info(uri), (error: LibvirtError) => {
				assert.doesNotMatch(JSON.stringify(error) + error.message + error.stack, /s3cret/);
				assert.equal(error.uri, "qemu+tcp://admin:***@nonexistent.invalid/system?password=***");
				return true;
			});
		}
	});

	it("refuses a URI that no driver knows", async () => {
		await assert.rejects(info("nonsense:///"), { name: "LibvirtError" });
	});

	it("redacts passwords only", () => {
		assert.equal(redact("qemu:///system"), "qemu:///system");
		assert.equal(redact("qemu+ssh://root@h:22/system?keyfile=/k"), "qemu+ssh://root@h:22/system?keyfile=/k");
		assert.equal(redact("at qemu+ssh://a:b@h/ and esx://c:d@e/"), "at qemu+ssh://a:***@h/ and esx://c:***@e/");
	});

	it("takes credentials from libvirt's auth.conf, and asks nobody when there are none", async () => {
		const directory = mkdtempSync(join(tmpdir(), "clones-auth-"));
		try {
			const node = join(directory, "node.xml");
			writeFileSync(node, `<node><auth><user password="right">ann</user></auth></node>`);
			const auth = (password: string) => {
				const file = join(directory, `auth-${password}.conf`);
				writeFileSync(
					file,
					`[credentials-c]\nusername=ann\npassword=${password}\n[auth-test-localhost]\ncredentials=c\n`,
				);
				return `test://${node}?authfile=${file}`;
			};
			assert.equal((await info(auth("right"))).driver, "TEST");
			await assert.rejects(info(auth("wrong")), { errorName: "VIR_ERR_AUTH_FAILED" });
			await assert.rejects(info(`test://${node}`), /auth\.conf/);
		} finally {
			rmSync(directory, { recursive: true });
		}
	});
});
