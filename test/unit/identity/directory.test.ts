import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { EqualityFilter } from "ldapts";
import { adDirectory } from "../../../provider/identity/directory/ad";
import { childDn, dnOfDomain, domainOfDn, escapeDnValue, isDn } from "../../../provider/identity/directory/dn";
import { passwordInBlob } from "../../../provider/identity/directory/join-blob";
import { ldapDirectory } from "../../../provider/identity/directory/ldap";
import { newPassword } from "../../../provider/identity/directory/passwords";

describe("distinguished names", () => {
	it("keep a value one value", () => {
		assert.equal(childDn("uid", "web-1.example", "ou=m,dc=x"), "uid=web-1.example,ou=m,dc=x");
		assert.equal(escapeDnValue("a,ou=x"), "a\\2cou\\3dx");
		assert.equal(escapeDnValue(" a b "), "\\20a b\\20");
		assert.equal(escapeDnValue(" "), "\\20");
		assert.equal(escapeDnValue('#"+;<>\\\0\n'), "\\23\\22\\2b\\3b\\3c\\3e\\5c\\00\\0a");
		assert.equal(escapeDnValue("ü"), "\\c3\\bc");
	});

	it("are read back as what was put in, whatever it was", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", minLength: 1 }), (value) => {
				const dn = childDn("uid", value, "dc=x");
				assert.ok(isDn(dn), dn);
				const bytes = dn
					.slice("uid=".length, -",dc=x".length)
					.replace(/\\([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
				assert.equal(Buffer.from(bytes, "latin1").toString(), Buffer.from(value).toString());
			}),
		);
	});

	it("are told from other texts", () => {
		for (const dn of ["dc=x", "OU=Pool, DC=example, DC=com", "cn=a\\,b+uid=1,o=x y", "2.5.4.3=a", "CN=Müller,DC=x"]) {
			assert.ok(isDn(dn), dn);
		}
		for (const text of ["", "x", "=x", "ou=", "ou=a,", ",ou=a", "ou=a,b", "ou=a;dc=b", "ou=a\\", 'ou="a"', "ou=a\0"]) {
			assert.ok(!isDn(text), text);
		}
	});

	it("say the domain that they are in", () => {
		assert.equal(domainOfDn("OU=Pool, DC=Lab ,dc=test"), "lab.test");
		assert.equal(domainOfDn("ou=pool,o=company"), undefined);
		assert.equal(dnOfDomain("lab.test"), "DC=lab,DC=test");
	});
});

describe("filters", () => {
	it("look for a name as it is", () => {
		const filter = new EqualityFilter({ attribute: "sAMAccountName", value: "*)(cn=\\*" });
		assert.equal(filter.toString(), "(sAMAccountName=\\2a\\29\\28cn=\\5c\\2a)");
	});
});

describe("passwords", () => {
	it("are long, never the same, and of all the kinds that policies ask for", () => {
		const passwords = Array.from({ length: 2000 }, newPassword);
		assert.equal(new Set(passwords).size, 2000);
		for (const password of passwords) assert.match(password, /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[\w-]{43}$/);
	});
});

describe("blobs of offline joins", () => {
	it("that are cut off or something else are refused", () => {
		assert.throws(() => passwordInBlob(""), /the blob ends too early/);
		assert.throws(() => passwordInBlob(Buffer.from("something else").toString("base64")), /the blob's header is/);
	});
});

describe("settings of directories", () => {
	const ldap = { url: "ldaps://ldap.example.com", user: "cn=admin,dc=x", password: "Secret-1", baseDn: "ou=m,dc=x" };
	const ad = { url: "ldaps://dc1.example.com", user: "admin@x.y", password: "Secret-1", ou: "OU=Pool,DC=x,DC=y" };
	const offlineJoin = { domainController: "dc1.x.y" };

	for (const [changes, message] of [
		[
			{ url: "ldap://ldap.example.com" },
			/url: got "ldap:\/\/.*unencrypted; use "ldaps:\/\/ldap\.example\.com", or set startTls/,
		],
		[
			{ url: "http://ldap.example.com" },
			/url: got "http:.*allowed is ldaps:\/\/HOST, or ldap:\/\/HOST together with startTls/,
		],
		[{ url: "ldaps://" }, /url: got "ldaps:\/\/"; allowed is/],
		[{ url: "ldaps://host/dc=x??sub" }, /url: got .*allowed is/],
		[{ url: "ldaps://user:pass@host" }, /url: got .*allowed is/],
		[{ startTls: true }, /startTls: got true, but "ldaps:.*encrypted from the start/],
		[{ ca: "/etc/ssl/ca.pem" }, /ca: got "\/etc\/ssl\/ca\.pem"; allowed are certificates in PEM form; .*caFile/],
		[{ caFile: "ca.pem" }, /caFile: got "ca\.pem"; allowed is an absolute path/],
		[{ ca: "-----BEGIN CERTIFICATE-----", caFile: "/ca" }, /caFile: got "\/ca" besides ca/],
		[{ serverName: "ldap example" }, /serverName: got "ldap example"; allowed are labels/],
		[{ user: "admin" }, /user: got "admin"; allowed is a distinguished name/],
		[{ user: "" }, /user: got ""; allowed is text that is not empty/],
		[{ password: "" }, /password: got a value that is not shown; allowed is text that is not empty/],
		[{ password: undefined }, /password: is required/],
		[{ timeoutSeconds: 0 }, /timeoutSeconds: got 0; allowed is a whole number from 1 to 600/],
		[{ baseDn: "machines" }, /baseDn: got "machines"; allowed is a distinguished name/],
		[{ objectClasses: [] }, /objectClasses: got \[\]; allowed is a list of at least 1/],
		[{ nameAttribute: "u=id" }, /nameAttribute: got "u=id"; allowed is the name of an attribute/],
		[{ passwordHashing: "md5" }, /passwordHashing: got "md5"; allowed are "server" and "none"/],
		[{ passwordAttribute: "pass" }, /passwordHashing: got "server" with passwordAttribute "pass".*set it to "none"/],
		[{ attributes: { "a b": "c" } }, /attributes\.a b: got the name "a b"; allowed is the name of an attribute/],
		[{ basedn: "dc=x" }, /basedn: there is no such property; did you mean .*baseDn/i],
	] as const) {
		it(`of LDAP are refused: ${JSON.stringify(changes).slice(0, 60)}`, () => {
			refused(() => ldapDirectory({ ...ldap, ...(changes as object) }), /^LDAP directory: /, message);
		});
	}

	for (const [changes, message] of [
		[{ url: "ldap://dc1.x.y:389" }, /url: got .*unencrypted; use "ldaps:\/\/dc1\.x\.y:389"/],
		[{ ou: "Pool" }, /ou: got "Pool"; allowed is a distinguished name/],
		[{ ou: "ou=pool,o=company" }, /ou: got "ou=pool,o=company", which does not say the domain/],
		[{ keytab: "yes" }, /keytab: got "yes"; allowed is true or false/],
		[{ offlineJoin: {} }, /offlineJoin\.domainController: is required/],
		[
			{ offlineJoin: { ...offlineJoin, command: [] } },
			/offlineJoin\.command: got \[\]; allowed is a list of at least 1/,
		],
		[{ offlineJoin: { ...offlineJoin, timeoutSeconds: -1 } }, /offlineJoin\.timeoutSeconds: got -1/],
		[
			{ offlineJoin, user: "CN=admin,DC=x,DC=y" },
			/user: got "CN=admin,DC=x,DC=y"; allowed with offlineJoin is NAME@DOMAIN/,
		],
		[{ offlineJoin, user: "admin%x@x.y" }, /user: got "admin%x@x\.y"; allowed with offlineJoin is NAME@DOMAIN/],
		[{ offlineJoin, user: "--password=x@x.y" }, /user: got "--password=x@x\.y"; allowed with offlineJoin/],
		[{ offlineJoin: { domainController: "dc1 printblob" } }, /offlineJoin\.domainController: got "dc1 printblob"/],
		[{ offlineJoin, password: "Secret-1\nx" }, /password: holds a line break/],
	] as const) {
		it(`of Active Directory are refused: ${JSON.stringify(changes).slice(0, 60)}`, () => {
			refused(() => adDirectory({ ...ad, ...(changes as object) }), /^Active Directory: /, message);
		});
	}

	it("are taken where they are right, and nothing is contacted", async () => {
		await ldapDirectory(ldap).close();
		await ldapDirectory({ ...ldap, url: "ldap://[::1]:389", startTls: true }).close();
		await adDirectory({ ...ad, offlineJoin }).close();
	});

	function refused(make: () => unknown, ...messages: RegExp[]): void {
		assert.throws(make, (error: Error) => {
			assert.equal(error.name, "InputError");
			for (const message of messages) assert.match(error.message, message);
			assert.ok(!error.message.includes("Secret-1"));
			return true;
		});
	}
});
