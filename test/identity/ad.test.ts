import * as assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AdDirectoryArgs, adDirectory } from "../../provider/identity/directory/ad";
import { Authority } from "../../tools/directory/certificates";
import { DomainController } from "../../tools/directory/domain-controller";
import { eachOf, named } from "./accounts";

const owner = "organization/project/stack/pool";

/** All of them in the long run, a sample in the usual one. */
const count = Number(process.env.CLONES_ACCOUNTS ?? 24);

describe("computer accounts in Samba's Active Directory", function () {
	this.timeout(300_000);
	let controller: DomainController;
	before(async () => {
		controller = await DomainController.start();
	});
	after(() => controller?.stop());

	function settings(changes: Partial<AdDirectoryArgs> = {}): AdDirectoryArgs {
		const { ou, ca, serverName, admin } = controller;
		return { url: `ldaps://127.0.0.1:${controller.ldaps.port}`, ou, ca, serverName, ...admin, ...changes };
	}

	async function using<T>(
		changes: Partial<AdDirectoryArgs>,
		work: (directory: ReturnType<typeof adDirectory>) => Promise<T>,
	): Promise<T> {
		const directory = adDirectory(settings(changes));
		try {
			return await work(directory);
		} finally {
			await directory.close();
		}
	}

	const offlineJoin = () => ({
		domainController: controller.serverName,
		// The machine's own name server knows nothing of this domain.
		command: [...controller.world.prefix, "net"],
	});

	it("are made, log in with their keytab, get new ones and are removed", async () => {
		const names = named("web", count);
		await using({}, async (directory) => {
			await directory.check();
			const first = await eachOf(names, (name) => directory.create({ name, owner }));
			const last = names.length - 1;
			const principal = `${names[last]!.toUpperCase()}$`;
			const tickets = await controller.loginWithKeytab(first[last]!.keytab!, principal);
			assert.match(tickets, /ldap\/dc1\.lab\.test@LAB\.TEST/);
			assert.match(tickets, /\(skey, tkt\): aes256-cts-hmac-sha1-96, aes256/);

			const second = await eachOf(names, (name) => directory.reset({ name, owner }));
			for (const index of [0, last]) {
				const name = `${names[index]!.toUpperCase()}$`;
				assert.equal(second[index]!.keyVersion, first[index]!.keyVersion! + 1);
				await controller.loginWithKeytab(second[index]!.keytab!, name);
				await controller.login(name, second[index]!.password!);
				await assert.rejects(controller.loginWithKeytab(first[index]!.keytab!, name), /reauthentication failed/);
				await assert.rejects(controller.login(name, first[index]!.password!), /Password incorrect/);
			}

			await eachOf(names, (name) => directory.remove({ name, owner }));
			await directory.remove({ name: names[0]!, owner });
			assert.doesNotMatch(await controller.search("(sAMAccountName=WEB-*)", "cn"), /^cn: /m);
		});
	});

	it("have names, service names and AES keys only, as a member of the domain needs them", async () => {
		await using({}, (directory) => directory.create({ name: "Member-1", dnsName: "member-1.pool.example", owner }));
		const found = await controller.search("(cn=Member-1)");
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
		const { keytab } = await using({}, (directory) => directory.create(server));
		for (const service of ["host/server", "host/server.lab.test"]) {
			// kvno decrypts the ticket with the keytab of its option -k.
			const { stdout } = await controller.decrypt(keytab!, service);
			assert.match(stdout, new RegExp(`^${service}@LAB.TEST: kvno = \\d+, keytab entry valid$`, "m"));
		}
	});

	it("join the domain offline, with one password for blob and keytab", async () => {
		const account = { name: "offline", dnsName: "offline.lab.test", owner };
		const { first, second } = await using({ offlineJoin: offlineJoin() }, async (directory) => {
			await directory.check();
			return { first: await directory.create(account), second: await directory.reset(account) };
		});
		assert.notEqual(first.joinBlob, second.joinBlob);
		await controller.loginWithKeytab(second.keytab!, "OFFLINE$");
		await assert.rejects(controller.loginWithKeytab(first.keytab!, "OFFLINE$"), /reauthentication failed/);
		const found = await controller.search("(cn=offline)");
		assert.match(found, /^msDS-SupportedEncryptionTypes: 24$/m);
		assert.match(found, /^dn: CN=offline,OU=Pool,/m);

		assert.match(await controller.joinOffline("OFFLINE", second.joinBlob!), /Join is OK/);
		await assert.rejects(controller.joinOffline("OFFLINE", first.joinBlob!), /Join to '.*' is not OK|failed/i);
	});

	it("join offline without showing the password in the list of processes, or leaving a file", async () => {
		const folder = await mkdtemp(join(tmpdir(), "clones-arguments-"));
		const files = () => readdirSync(tmpdir()).filter((name) => name.startsWith("clones-offline-join-"));
		const before = files();
		try {
			const file = join(folder, "seen");
			const { command, ...rest } = offlineJoin();
			const spy = ["sh", "-c", `cat /proc/$$/cmdline /proc/$$/environ >>'${file}'; exec "$@"`, "sh", ...command];
			await using({ offlineJoin: { ...rest, command: spy } }, (directory) =>
				directory.create({ name: "quiet", owner }),
			);
			const seen = readFileSync(file, "utf8");
			assert.match(seen, /offlinejoin\0provision/);
			assert.ok(!seen.includes(controller.admin.password));
		} finally {
			await rm(folder, { recursive: true });
		}
		assert.deepEqual(files(), before);
	});

	it("of somebody else are left alone", async () => {
		await using({}, async (directory) => {
			const { keytab } = await directory.create({ name: "theirs", owner: "organization/project/other/pool" });
			await controller.modify(
				"dn: CN=admins,CN=Computers,DC=lab,DC=test\nchangetype: add\nobjectClass: computer\nsAMAccountName: ADMINS$\n",
			);
			await controller.modify("dn: CN=person,OU=Pool,DC=lab,DC=test\nchangetype: add\nobjectClass: contact\n");
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
			await controller.loginWithKeytab(keytab!, "THEIRS$");
		});
	});

	it("that a killed run has left disabled and without a password are taken over", async () => {
		await controller.modify(`dn: CN=half,OU=Pool,DC=lab,DC=test
changetype: add
objectClass: computer
sAMAccountName: HALF$
userAccountControl: 4098
info: pulumi-libvirt-clones: ${owner}
`);
		const { keytab } = await using({}, (directory) => directory.create({ name: "half", owner }));
		await controller.loginWithKeytab(keytab!, "HALF$");
	});

	it("that are made while the controller is killed say so, and are carried on", async () => {
		await using({}, async (directory) => {
			await directory.check();
			// The answer to the second request, the one that adds, is lost: the account may be there, and nobody knows its password.
			controller.ldaps.cutAfterAnswers(2);
			await assert.rejects(
				directory.create({ name: "lost", owner }),
				/^DirectoryError: could not create .*The connection was lost/,
			);
			assert.match(await controller.search("(cn=lost)", "cn"), /^cn: lost$/m);
			await controller.kill();
			await assert.rejects(
				directory.create({ name: "lost", owner }),
				/^DirectoryError: url: .*(ECONNREFUSED|ended the connection)/,
			);
			await controller.startServer();
			const { keytab } = await directory.create({ name: "lost", owner });
			await controller.loginWithKeytab(keytab!, "LOST$");
		});
	});

	it("are made over StartTLS too", async () => {
		const url = `ldap://127.0.0.1:${controller.ldap.port}`;
		const { keytab } = await using({ url, startTls: true }, (directory) =>
			directory.create({ name: "started", owner }),
		);
		await controller.loginWithKeytab(keytab!, "STARTED$");
	});

	describe("refuse", () => {
		for (const [what, name] of [
			["a name that is too long", "sixteen-letters-"],
			["a name with 16 letters", "abcdefghijklmnop"],
			["digits alone", "12345"],
			["injected characters", "a,CN=Users"],
			["a filter", "*)(cn=*"],
			["nothing", ""],
		] as const) {
			it(`${what} as name`, async () => {
				await using({}, async (directory) => {
					const message = /^DirectoryError: name: got ".*; allowed in Active Directory are 1 to 15 letters/;
					await assert.rejects(directory.create({ name, owner }), message);
					await assert.rejects(directory.remove({ name, owner }), message);
				});
			});
		}

		it("a host name and an owner that do not fit", async () => {
			await using({}, async (directory) => {
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
			await refused({ ca: other.certificate }, /^ca: .*not trusted/);
			await refused({ serverName: "dc2.lab.test" }, /^serverName: got the name dc2\.lab\.test, .*for dc1\.lab\.test/);
		});

		it("a wrong password and an unknown user", async () => {
			const wrong = "Wrong-secret.1";
			await refused({ password: wrong }, /^password: login as administrator@lab\.test was refused: .*wrong/, wrong);
			await refused({ user: "nobody@lab.test" }, /^(user|password): login as nobody@lab\.test was refused/);
		});

		it("a user whose password has expired, has to be changed, or who is disabled", async () => {
			const password = "Expired-secret.1";
			await controller.addUser("expired", password, "Domain Admins");
			const changes = { user: "expired@lab.test", password };
			await using(changes, (directory) => directory.check());
			await controller.agePassword("expired");
			await refused(
				changes,
				/^password: login as expired@lab\.test was refused: the user's password has expired/,
				password,
			);
			await controller.setUser("expired", "pwdLastSet", "0");
			await refused(changes, /^password: .* was refused: the user has to change the password/, password);
			await controller.setUser("expired", "userAccountControl", "514");
			await refused(changes, /^user: login as expired@lab\.test was refused: the user is disabled/, password);
		});

		it("a user without the right", async () => {
			const password = "Reader-secret.1";
			await controller.addUser("reader", password);
			const changes = { user: "reader@lab.test", password };
			await refused(changes, /^user: reader@lab\.test may not create computer accounts in OU=Pool,DC=lab,DC=test/);
			await using(changes, async (directory) => {
				await assert.rejects(
					directory.create({ name: "forbidden", owner }),
					/user: .*reader@lab\.test lacks the right/,
				);
			});
		});

		it("a container and a domain that are not there", async () => {
			await refused({ ou: "OU=Nowhere,DC=lab,DC=test" }, /^ou: could not look at .*There is no OU=Nowhere/);
			await refused({ ou: "OU=Pool,DC=other,DC=test" }, /^ou: could not look at OU=Pool,DC=other,DC=test/);
		});

		it("an attribute for the mark that there is not", async () => {
			await using({ ownerAttribute: "wings" }, async (directory) => {
				await assert.rejects(directory.create({ name: "winged", owner }), /ownerAttribute: .*correct ownerAttribute/);
			});
		});

		it("an offline join with a command that is not there, is too old, or does not reach the controller", async () => {
			const with_ = (changes: Partial<NonNullable<AdDirectoryArgs["offlineJoin"]>>) => ({
				offlineJoin: { ...offlineJoin(), ...changes },
			});
			await refused(with_({ command: ["no-such-net"] }), /^offlineJoin: .*there is no command no-such-net: install/);
			await refused(with_({ command: ["echo"] }), /^offlineJoin: .*it knows no offlinejoin/);
			await using(with_({ domainController: "dc9.lab.test" }), async (directory) => {
				await assert.rejects(
					directory.create({ name: "apart", owner }),
					(error: Error) =>
						/^offlineJoin: .*dc9\.lab\.test/.test(error.message) && !error.message.includes("Admin-secret"),
				);
			});
			const { keytab } = await using({}, (directory) => directory.create({ name: "apart", owner }));
			await controller.loginWithKeytab(keytab!, "APART$");
		});
	});

	async function refused(changes: Partial<AdDirectoryArgs>, message: RegExp, secret?: string): Promise<void> {
		await assert.rejects(
			using(changes, (directory) => directory.check()),
			(error: Error) => {
				assert.equal(error.name, "DirectoryError");
				assert.match(error.message, message);
				if (secret !== undefined) assert.ok(!error.message.includes(secret));
				return true;
			},
		);
	}
});
