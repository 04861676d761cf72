import * as assert from "node:assert/strict";
import { eachOf, named } from "./accounts";
import { adLab, owner } from "./ad-lab";

describe("computer accounts in Samba's Active Directory", function () {
	this.timeout(300_000);
	const lab = adLab();

	it("are made, log in with their keytab, get new ones and are removed", async () => {
		const names = named("web", 8);
		await lab.using({}, async (directory) => {
			await directory.check();
			const first = await eachOf(names, (name) => directory.create({ name, owner }));
			const last = names.length - 1;
			const principal = `${names[last]!.toUpperCase()}$`;
			const tickets = await lab.controller.loginWithKeytab(first[last]!.keytab!, principal);
			assert.match(tickets, /ldap\/dc1\.lab\.test@LAB\.TEST/);
			assert.match(tickets, /\(skey, tkt\): aes256-cts-hmac-sha1-96, aes256/);

			const second = await eachOf(names, (name) => directory.reset({ name, owner }));
			for (const index of [0, last]) {
				const name = `${names[index]!.toUpperCase()}$`;
				assert.equal(second[index]!.keyVersion, first[index]!.keyVersion! + 1);
				await lab.controller.loginWithKeytab(second[index]!.keytab!, name);
				await lab.controller.login(name, second[index]!.password!);
				await assert.rejects(lab.controller.loginWithKeytab(first[index]!.keytab!, name), /reauthentication failed/);
				await assert.rejects(lab.controller.login(name, first[index]!.password!), /Password incorrect/);
			}

			await eachOf(names, (name) => directory.remove({ name, owner }));
			await directory.remove({ name: names[0]!, owner });
			assert.doesNotMatch(await lab.controller.search("(sAMAccountName=WEB-*)", "cn"), /^cn: /m);
		});
	});

	it("take a machine for a member that has their credentials, and no other", async () => {
		const account = { name: "proven", owner };
		const dn = "CN=proven,OU=Pool,DC=lab,DC=test";
		await lab.using({}, async (directory) => {
			const { prove } = directory;
			const first = await directory.create(account);
			assert.deepEqual(await prove(account, first), { directory: "ad", account: dn, keyVersion: first.keyVersion });
			const wrong = { ...first, password: "Wrong-password.1" };
			await assert.rejects(prove(account, wrong), { message: /refuses the password of CN=proven/ });
			const second = await directory.reset(account);
			await assert.rejects(prove(account, first), /its keys have the version 1, and those of .* have 2: somebody else/);
			await assert.rejects(prove({ ...account, owner: "o/p/s/other" }, second), /is somebody else's account/);

			const control = (value: number) =>
				`dn: ${dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: ${value}\n`;
			await lab.controller.modify(control(4098));
			await assert.rejects(prove(account, second), /CN=proven.* is disabled/);
			await lab.controller.modify(control(4096));
			await prove(account, second);
			await directory.remove(account);
			await assert.rejects(prove(account, second), { name: "Error", message: /has no computer account PROVEN\$/ });
		});
	});

	it("have names, service names and AES keys only, as a member of the domain needs them", async () => {
		await lab.using({}, (directory) => directory.create({ name: "Member-1", dnsName: "member-1.pool.example", owner }));
		const found = await lab.controller.search("(cn=Member-1)");
		for (const line of [
			"dn: CN=Member-1,OU=Pool,DC=lab,DC=test",
			"sAMAccountName: MEMBER-1$",
			"dNSHostName: member-1.pool.example",
			"servicePrincipalName: HOST/Member-1",
			"servicePrincipalName: HOST/member-1.pool.example",
			"servicePrincipalName: RestrictedKrbHost/Member-1",
			"servicePrincipalName: RestrictedKrbHost/member-1.pool.example",
			"userAccountControl: 4096",
			"msDS-SupportedEncryptionTypes: 24",
			`info: pulumi-libvirt-clones: ${owner}`,
		]) {
			assert.match(found, new RegExp(`^${line.replaceAll("$", "\\$")}$`, "m"));
		}
	});

	it("serve others, whose tickets their keytab opens", async () => {
		const server = { name: "server", owner };
		const { keytab } = await lab.using({}, (directory) => directory.create(server));
		for (const service of ["host/server", "host/server.lab.test"]) {
			// kvno decrypts the ticket with the keytab of its option -k.
			const { stdout } = await lab.controller.decrypt(keytab!, service);
			assert.match(stdout, new RegExp(`^${service}@LAB.TEST: kvno = \\d+, keytab entry valid$`, "m"));
		}
	});

	it("of somebody else are left alone", async () => {
		await lab.using({}, async (directory) => {
			const { keytab } = await directory.create({ name: "theirs", owner: "organization/project/other/pool" });
			await lab.controller.modify(
				"dn: CN=admins,CN=Computers,DC=lab,DC=test\nchangetype: add\nobjectClass: computer\nsAMAccountName: ADMINS$\n",
			);
			await lab.controller.modify("dn: CN=person,OU=Pool,DC=lab,DC=test\nchangetype: add\nobjectClass: contact\n");
			for (const call of ["create", "reset", "remove"] as const) {
				await assert.rejects(directory[call]({ name: "theirs", owner }), {
					name: "DirectoryError",
					message:
						/^name: got "theirs", but .*CN=theirs,OU=Pool.* has the info ".*\/other\/pool", not the mark .*another name/,
				});
				// The name is taken in another container of the domain as well.
				await assert.rejects(directory[call]({ name: "admins", owner }), /CN=admins,CN=Computers.* has no mark/i);
			}
			await assert.rejects(
				directory.create({ name: "person", owner }),
				/^DirectoryError: name: .*an entry of that name/,
			);
			await lab.controller.loginWithKeytab(keytab!, "THEIRS$");
		});
	});

	it("that a killed run has left disabled and without a password are taken over", async () => {
		await lab.controller.modify(`dn: CN=half,OU=Pool,DC=lab,DC=test
changetype: add
objectClass: computer
sAMAccountName: HALF$
userAccountControl: 4098
info: pulumi-libvirt-clones: ${owner}
`);
		const { keytab } = await lab.using({}, (directory) => directory.create({ name: "half", owner }));
		await lab.controller.loginWithKeytab(keytab!, "HALF$");
	});

	it("are made over StartTLS too", async () => {
		const url = `ldap://127.0.0.1:${lab.controller.ldap.port}`;
		const { keytab } = await lab.using({ url, startTls: true }, (directory) =>
			directory.create({ name: "started", owner }),
		);
		await lab.controller.loginWithKeytab(keytab!, "STARTED$");
	});
});
