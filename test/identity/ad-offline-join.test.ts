import * as assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdDirectoryArgs } from "../../provider/identity/directory/ad";
import { adLab, owner } from "./ad-lab";

describe("computer accounts in Samba's Active Directory, made for an offline join", function () {
	this.timeout(300_000);
	const lab = adLab();

	it("join the domain offline, with one password for blob and keytab", async () => {
		const account = { name: "offline", dnsName: "offline.lab.test", owner };
		const { first, second } = await lab.using({ offlineJoin: lab.offlineJoin() }, async (directory) => {
			await directory.check();
			return { first: await directory.create(account), second: await directory.reset(account) };
		});
		assert.notEqual(first.joinBlob, second.joinBlob);
		await lab.controller.loginWithKeytab(second.keytab!, "OFFLINE$");
		await assert.rejects(lab.controller.loginWithKeytab(first.keytab!, "OFFLINE$"), /reauthentication failed/);
		const found = await lab.controller.search("(cn=offline)");
		assert.match(found, /^msDS-SupportedEncryptionTypes: 24$/m);
		assert.match(found, /^dn: CN=offline,OU=Pool,/m);

		assert.match(await lab.controller.joinOffline("OFFLINE", second.joinBlob!), /Join is OK/);
		await assert.rejects(lab.controller.joinOffline("OFFLINE", first.joinBlob!), /Join to '.*' is not OK|failed/i);
	});

	it("join offline without showing the password in the list of processes, or leaving a file", async () => {
		const folder = await mkdtemp(join(tmpdir(), "clones-arguments-"));
		const files = () => readdirSync(tmpdir()).filter((name) => name.startsWith("clones-offline-join-"));
		const before = files();
		try {
			const file = join(folder, "seen");
			const { command, ...rest } = lab.offlineJoin();
			const spy = ["sh", "-c", `cat /proc/$$/cmdline /proc/$$/environ >>'${file}'; exec "$@"`, "sh", ...command];
			await lab.using({ offlineJoin: { ...rest, command: spy } }, (directory) =>
				directory.create({ name: "quiet", owner }),
			);
			const seen = readFileSync(file, "utf8");
			assert.match(seen, /offlinejoin\0provision/);
			assert.ok(!seen.includes(lab.controller.admin.password));
		} finally {
			await rm(folder, { recursive: true });
		}
		assert.deepEqual(files(), before);
	});

	it("refuse a command that is not there, is too old, or does not reach the controller", async () => {
		const with_ = (changes: Partial<NonNullable<AdDirectoryArgs["offlineJoin"]>>) => ({
			offlineJoin: { ...lab.offlineJoin(), ...changes },
		});
		await lab.refused(with_({ command: ["no-such-net"] }), /^offlineJoin: .*there is no command no-such-net: install/);
		await lab.refused(with_({ command: ["echo"] }), /^offlineJoin: .*it knows no offlinejoin/);
		await lab.using(with_({ domainController: "dc9.lab.test" }), async (directory) => {
			await assert.rejects(
				directory.create({ name: "apart", owner }),
				(error: Error) =>
					/^offlineJoin: .*dc9\.lab\.test/.test(error.message) && !error.message.includes("Admin-secret"),
			);
		});
		const { keytab } = await lab.using({}, (directory) => directory.create({ name: "apart", owner }));
		await lab.controller.loginWithKeytab(keytab!, "APART$");
	});
});
