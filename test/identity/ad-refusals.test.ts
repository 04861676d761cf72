import * as assert from "node:assert/strict";
import { Authority } from "../../tools/directory/certificates";
import { adLab, owner } from "./ad-lab";

describe("computer accounts in Samba's Active Directory refuse", function () {
	this.timeout(300_000);
	const lab = adLab();

	for (const [what, name] of [
		["a name that is too long", "sixteen-letters-"],
		["a name with 16 letters", "abcdefghijklmnop"],
		["digits alone", "12345"],
		["injected characters", "a,CN=Users"],
		["a filter", "*)(cn=*"],
		["nothing", ""],
	] as const) {
		it(`${what} as name`, async () => {
			await lab.using({}, async (directory) => {
				const message = /^DirectoryError: name: got ".*; allowed in Active Directory are 1 to 15 letters/;
				await assert.rejects(directory.create({ name, owner }), message);
				await assert.rejects(directory.remove({ name, owner }), message);
			});
		});
	}

	it("a host name and an owner that do not fit", async () => {
		await lab.using({}, async (directory) => {
			await assert.rejects(
				directory.create({ name: "web", dnsName: "web", owner }),
				/^DirectoryError: dnsName: got "web"; allowed is a host name with its domain/,
			);
			await assert.rejects(
				directory.create({ name: "web", owner: "x".repeat(1020) }),
				/^DirectoryError: owner: got 1043 characters with its prefix; allowed are 1024/,
			);
		});
	});

	it("a certificate of another authority, and one for another host", async () => {
		const other = await Authority.create("Another authority");
		await lab.refused({ ca: other.certificate }, /^ca: .*not trusted/);
		await lab.refused({ serverName: "dc2.lab.test" }, /^serverName: got the name dc2\.lab\.test, .*for dc1\.lab\.test/);
	});

	it("a wrong password and an unknown user", async () => {
		const wrong = "Wrong-secret.1";
		await lab.refused({ password: wrong }, /^password: login as administrator@lab\.test was refused: .*wrong/, wrong);
		await lab.refused({ user: "nobody@lab.test" }, /^(user|password): login as nobody@lab\.test was refused/);
	});

	it("a user whose password has expired, has to be changed, or who is disabled", async () => {
		const password = "Expired-secret.1";
		await lab.controller.addUser("expired", password, "Domain Admins");
		const changes = { user: "expired@lab.test", password };
		await lab.using(changes, (directory) => directory.check());
		await lab.controller.agePassword("expired");
		await lab.refused(
			changes,
			/^password: login as expired@lab\.test was refused: the user's password has expired/,
			password,
		);
		await lab.controller.setUser("expired", "pwdLastSet", "0");
		await lab.refused(changes, /^password: .* was refused: the user has to change the password/, password);
		await lab.controller.setUser("expired", "userAccountControl", "514");
		await lab.refused(changes, /^user: login as expired@lab\.test was refused: the user is disabled/, password);
	});

	it("a user without the right", async () => {
		const password = "Reader-secret.1";
		await lab.controller.addUser("reader", password);
		const changes = { user: "reader@lab.test", password };
		await lab.refused(changes, /^user: reader@lab\.test may not create computer accounts in OU=Pool,DC=lab,DC=test/);
		await lab.using(changes, async (directory) => {
			await assert.rejects(directory.create({ name: "forbidden", owner }), /user: .*reader@lab\.test lacks the right/);
		});
	});

	it("a container and a domain that are not there", async () => {
		await lab.refused({ ou: "OU=Nowhere,DC=lab,DC=test" }, /^ou: could not look at .*There is no OU=Nowhere/);
		await lab.refused({ ou: "OU=Pool,DC=other,DC=test" }, /^ou: could not look at OU=Pool,DC=other,DC=test/);
	});

	it("an attribute for the mark that there is not", async () => {
		await lab.using({ ownerAttribute: "wings" }, async (directory) => {
			await assert.rejects(directory.create({ name: "winged", owner }), /ownerAttribute: .*correct ownerAttribute/);
		});
	});
});
