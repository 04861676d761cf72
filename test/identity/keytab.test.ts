import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { computerSalt, keytab } from "../../provider/identity/directory/keytab";

describe("a keytab", () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "keytab-"));
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	const realm = "LAB.TEST";
	const salt = computerSalt(realm, "WEB-1");
	const principals = [["WEB-1$"], ["host", "web-1"], ["host", "web-1.lab.test"]];
	const password = "Rr7-reset-30-x";

	it("is byte for byte the one that MIT's ktutil writes", () => {
		const commands = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"].flatMap((type) =>
			principals.flatMap((parts) => [`addent -password -p ${parts.join("/")} -k 300 -e ${type} -s ${salt}`, password]),
		);
		const file = join(folder, "theirs");
		const config = join(folder, "krb5.conf");
		writeFileSync(config, `[libdefaults]\n\tdefault_realm = ${realm}\n`);
		const options = {
			input: [...commands, `wkt ${file}`, "q", ""].join("\n"),
			env: { ...process.env, KRB5_CONFIG: config },
		};
		execFileSync("ktutil", options);
		const theirs = readFileSync(file);

		// What is not decided by us: the time of making, in each entry.
		const offset = theirs.indexOf(Buffer.from("WEB-1$")) + "WEB-1$".length + 4;
		const timestampSeconds = theirs.readUInt32BE(offset);
		const ours = keytab({ realm, principals, password, salt, keyVersion: 300, timestampSeconds });
		assert.ok(Math.abs(timestampSeconds - Date.now() / 1000) < 60);
		assert.equal(ours.toString("hex"), theirs.toString("hex"));
	});
});
