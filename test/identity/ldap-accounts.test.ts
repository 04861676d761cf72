import * as assert from "node:assert/strict";
import type { LdapDirectoryArgs } from "../../provider/identity/directory/ldap";
import { eachOf, named } from "./accounts";
import { ldapLab, owner } from "./ldap-lab";

describe("machine accounts in OpenLDAP's slapd", function () {
	this.timeout(120_000);
	const lab = ldapLab();

	it("are made by hundreds, get new passwords and are removed", async () => {
		const names = named("many", 200);
		await lab.using({}, async (directory) => {
			await directory.check();
			const first = await eachOf(names, (name) => directory.create({ name, owner }));
			assert.equal(new Set(first.map(({ password }) => password)).size, 200, "each has a password of its own");
			assert.equal(await lab.slapd.canBind(lab.dnOf("many-200"), first[199]!.password!), true);

			const second = await eachOf(names, (name) => directory.reset({ name, owner }));
			for (const index of [0, 99, 199]) {
				assert.equal(
					await lab.slapd.canBind(lab.dnOf(names[index]!), first[index]!.password!),
					false,
					"the old one is refused",
				);
				assert.equal(await lab.slapd.canBind(lab.dnOf(names[index]!), second[index]!.password!), true);
			}
			assert.equal((await lab.slapd.search("(uid=many-*)", "uid")).match(/^uid: /gm)?.length, 200);

			await eachOf(names, (name) => directory.remove({ name, owner }));
			await directory.remove({ name: "many-001", owner });
			assert.equal(await lab.slapd.search("(uid=many-*)", "uid"), "");
		});
		await lab.untilNoConnection();
	});

	it("take a machine for a member that has their password, and no other", async () => {
		const account = { name: "proven", owner };
		await lab.using({}, async (directory) => {
			const first = await directory.create(account);
			const dn = lab.dnOf("proven");
			assert.deepEqual(await directory.prove(account, first), { directory: "ldap", account: dn });
			const second = await directory.reset(account);
			await assert.rejects(directory.prove(account, first), /refuses the password of uid=proven/);
			await assert.rejects(directory.prove({ ...account, owner: "o/p/s/other" }, second), /is somebody else's account/);
			await directory.remove(account);
			await assert.rejects(directory.prove(account, second), /has no account uid=proven/);
		});
	});

	it("are stored with a hash of the password that the directory makes", async () => {
		const { password } = await lab.using({}, (directory) => directory.create({ name: "hashed", owner }));
		const [, stored = ""] = /^userPassword:: (\S+)/m.exec(await lab.slapd.search("(uid=hashed)", "userPassword")) ?? [];
		const text = Buffer.from(stored, "base64").toString();
		assert.match(text, /^\{SSHA\}/);
		assert.ok(!text.includes(password!));
	});

	it("have the form that the settings say", async () => {
		const form: Partial<LdapDirectoryArgs> = {
			objectClasses: ["inetOrgPerson"],
			nameAttribute: "cn",
			ownerAttribute: "employeeType",
			passwordAttribute: "carLicense",
			passwordHashing: "none",
			attributes: { sn: "{name}", mail: ["root@{dnsName}", "{name}@pool.test"] },
		};
		const account = { name: "formed", dnsName: "formed.pool.test", owner };
		const first = await lab.using(form, (directory) => directory.create(account));
		const second = await lab.using(form, (directory) => directory.reset(account));
		const found = await lab.slapd.search("(cn=formed)");
		assert.match(found, /^sn: formed$/m);
		assert.match(found, /^mail: root@formed\.pool\.test$/m);
		assert.match(found, new RegExp(`^employeeType: pulumi-libvirt-clones: ${owner}$`, "m"));
		assert.match(found, new RegExp(`^carLicense: ${second.password}$`, "m"));
		assert.ok(!found.includes(first.password!));
	});

	it("take a name as it is, whatever is in it", async () => {
		const names = ["a,ou=machines", "b*)(uid=*", 'c"+d=e;<>\\', " spaced ", "#hash", "ümlaut-€", "uid=x,dc=y", "\\2a"];
		await lab.using({}, async (directory) => {
			for (const name of names) {
				const { password } = await directory.create({ name, owner });
				const encoded = [...Buffer.from(name)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
				const found = await lab.slapd.search(`(uid=${encoded})`, "uid");
				assert.equal(found.match(/^dn:/gm)?.length, 1, name);
				assert.equal(await lab.slapd.canBind(lab.dnOf(encoded), password!), true, name);
			}
			for (const name of names) await directory.remove({ name, owner });
		});
	});

	it("of somebody else are left alone", async () => {
		await lab.using({}, async (directory) => {
			const { password } = await directory.create({ name: "theirs", owner: "organization/project/other/pool" });
			await lab.slapd.modify(`dn: ${lab.dnOf("admins")}
changetype: add
objectClass: account
objectClass: simpleSecurityObject
uid: admins
userPassword: Theirs-1
`);
			for (const call of ["create", "reset", "remove"] as const) {
				await assert.rejects(directory[call]({ name: "theirs", owner }), {
					name: "DirectoryError",
					message:
						/^name: got "theirs", but .*has the description "pulumi-libvirt-clones: organization\/project\/other\/pool", not the mark .*Give the identity another name/,
				});
				await assert.rejects(directory[call]({ name: "admins", owner }), /uid=admins,.* has no mark/);
			}
			assert.equal(await lab.slapd.canBind(lab.dnOf("theirs"), password!), true);
			assert.equal(await lab.slapd.canBind(lab.dnOf("admins"), "Theirs-1"), true);
		});
	});

	it("that a killed run has left without a known password are taken over", async () => {
		await lab.slapd.modify(`dn: ${lab.dnOf("half")}
changetype: add
objectClass: account
objectClass: simpleSecurityObject
uid: half
description: pulumi-libvirt-clones: ${owner}
userPassword: forgotten
`);
		const { password } = await lab.using({}, (directory) => directory.create({ name: "half", owner }));
		assert.equal(await lab.slapd.canBind(lab.dnOf("half"), password!), true);
		assert.equal(await lab.slapd.canBind(lab.dnOf("half"), "forgotten"), false);
	});
});
