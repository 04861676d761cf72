import * as assert from "node:assert/strict";
import { Authority } from "../../tools/directory/certificates";
import { ldapLab, owner } from "./ldap-lab";

describe("machine accounts in OpenLDAP's slapd refuse", function () {
	this.timeout(120_000);
	const lab = ldapLab();

	it("a certificate of an unknown authority", async () => {
		await lab.refused(
			{ ca: undefined },
			/^ca: .*not trusted \(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*\): none is given/,
		);
	});

	it("a certificate of another authority", async () => {
		const other = await Authority.create("Another authority");
		await lab.refused({ ca: other.certificate }, /^ca: .*not trusted .*it is not signed by what is given/);
	});

	it("a certificate for another host", async () => {
		await lab.refused(
			{ serverName: "other.pool.test" },
			/^serverName: got the name other\.pool\.test, but .*certificate is for ldap\.pool\.test/,
		);
		await lab.refused(
			{ serverName: undefined },
			/^url: got the name 127\.0\.0\.1, but .*certificate is for ldap\.pool\.test/,
		);
	});

	it("a CA file that is not there, and one that holds no certificate", async () => {
		await lab.refused({ ca: undefined, caFile: "/nowhere/ca.pem" }, /^caFile: cannot be read: ENOENT/);
		await lab.refused(
			{ ca: undefined, caFile: "/etc/hostname" },
			/^caFile: got the file \/etc\/hostname without a certificate/,
		);
		const broken = lab.slapd.ca.replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAA");
		await lab.refused({ ca: broken }, /^ca: got a text with a certificate that cannot be read/);
	});

	it("a wrong password and an unknown user, without showing the password", async () => {
		const wrong = "Wrong-secret-1";
		await lab.refused({ password: wrong }, /^password: login as cn=admin,dc=pool,dc=test was refused: .*wrong/, wrong);
		await lab.refused(
			{ user: "cn=nobody,dc=pool,dc=test" },
			/^password: login as cn=nobody,/,
			lab.slapd.admin.password,
		);
	});

	it("a user without the right", async () => {
		await lab.using(lab.slapd.reader, async (directory) => {
			await assert.rejects(
				directory.create({ name: "forbidden", owner }),
				/user: could not create the account forbidden: .*cn=reader,dc=pool,dc=test lacks the right: let it create/,
			);
		});
	});

	it("a base that is not there", async () => {
		const baseDn = "ou=nowhere,dc=pool,dc=test";
		await lab.refused(
			{ baseDn },
			/^baseDn: could not look at ou=nowhere.*There is no ou=nowhere,dc=pool,dc=test: create it/,
		);
		await lab.using({ baseDn }, async (directory) => {
			await assert.rejects(directory.create({ name: "lost", owner }), /baseDn: .*There is no ou=nowhere/);
		});
	});

	it("object classes and attributes that the directory does not have", async () => {
		await lab.using({ objectClasses: ["spaceship"] }, async (directory) => {
			await assert.rejects(
				directory.create({ name: "unknown", owner }),
				/objectClasses: could not create .*schema does not allow this: correct objectClasses/,
			);
		});
		await lab.using({ objectClasses: ["inetOrgPerson"] }, async (directory) => {
			await assert.rejects(
				directory.create({ name: "unknown", owner }),
				/objectClasses: .*every attribute that is required/,
			);
		});
		await lab.using({ attributes: { wings: "two" } }, async (directory) => {
			await assert.rejects(directory.create({ name: "unknown", owner }), /objectClasses: .*wings/);
		});
	});

	it("a host that nobody knows, a port where nobody listens, and one that speaks no TLS", async () => {
		await lab.refused({ url: "ldaps://nowhere.invalid" }, /^url: no address is known for nowhere\.invalid/);
		await lab.refused({ url: "ldaps://127.0.0.1:1" }, /^url: nothing accepts connections there \(ECONNREFUSED\)/);
		await lab.refused({ url: `ldaps://127.0.0.1:${lab.slapd.ldap.port}` }, /^url: .*does not speak TLS there/);
	});

	it("an expired certificate", async () => {
		const authority = await Authority.create();
		await lab.slapd.kill();
		await lab.slapd.configure(await authority.sign([lab.slapd.serverName], -1));
		await lab.slapd.startServer();
		await lab.refused({ ca: authority.certificate }, /^url: the directory's certificate is not valid at this time/);
	});
});
