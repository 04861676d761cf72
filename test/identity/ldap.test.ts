import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type LdapDirectoryArgs, ldapDirectory } from "../../provider/identity/directory/ldap";
import { Authority } from "../../tools/directory/certificates";
import { Slapd } from "../../tools/directory/slapd";
import { eachOf, named } from "./accounts";

const owner = "organization/project/stack/pool";

describe("machine accounts in OpenLDAP's slapd", function () {
	this.timeout(120_000);
	let slapd: Slapd;
	before(async () => {
		slapd = await Slapd.start();
	});
	after(() => slapd?.stop());

	function settings(changes: Partial<LdapDirectoryArgs> = {}): LdapDirectoryArgs {
		const { baseDn, ca, serverName, admin } = slapd;
		return { url: `ldaps://127.0.0.1:${slapd.ldaps.port}`, baseDn, ca, serverName, ...admin, ...changes };
	}

	/** Does something with a directory, and logs out. */
	async function using<T>(
		changes: Partial<LdapDirectoryArgs>,
		work: (directory: ReturnType<typeof ldapDirectory>) => Promise<T>,
	): Promise<T> {
		const directory = ldapDirectory(settings(changes));
		try {
			return await work(directory);
		} finally {
			await directory.close();
		}
	}

	const dnOf = (name: string) => `uid=${name},${slapd.baseDn}`;

	it("are made by hundreds, get new passwords and are removed", async () => {
		const names = named("many", 200);
		await using({}, async (directory) => {
			await directory.check();
			const first = await eachOf(names, (name) => directory.create({ name, owner }));
			assert.equal(new Set(first.map(({ password }) => password)).size, 200, "each has a password of its own");
			assert.equal(await slapd.canBind(dnOf("many-200"), first[199]!.password!), true);

			const second = await eachOf(names, (name) => directory.reset({ name, owner }));
			for (const index of [0, 99, 199]) {
				assert.equal(
					await slapd.canBind(dnOf(names[index]!), first[index]!.password!),
					false,
					"the old one is refused",
				);
				assert.equal(await slapd.canBind(dnOf(names[index]!), second[index]!.password!), true);
			}
			assert.equal((await slapd.search("(uid=many-*)", "uid")).match(/^uid: /gm)?.length, 200);

			await eachOf(names, (name) => directory.remove({ name, owner }));
			await directory.remove({ name: "many-001", owner });
			assert.equal(await slapd.search("(uid=many-*)", "uid"), "");
		});
		await untilNoConnection();
	});

	it("are stored with a hash of the password that the directory makes", async () => {
		const { password } = await using({}, (directory) => directory.create({ name: "hashed", owner }));
		const [, stored = ""] = /^userPassword:: (\S+)/m.exec(await slapd.search("(uid=hashed)", "userPassword")) ?? [];
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
		const first = await using(form, (directory) => directory.create(account));
		const second = await using(form, (directory) => directory.reset(account));
		const found = await slapd.search("(cn=formed)");
		assert.match(found, /^sn: formed$/m);
		assert.match(found, /^mail: root@formed\.pool\.test$/m);
		assert.match(found, new RegExp(`^employeeType: pulumi-libvirt-clones: ${owner}$`, "m"));
		assert.match(found, new RegExp(`^carLicense: ${second.password}$`, "m"));
		assert.ok(!found.includes(first.password!));
	});

	it("take a name as it is, whatever is in it", async () => {
		const names = ["a,ou=machines", "b*)(uid=*", 'c"+d=e;<>\\', " spaced ", "#hash", "ümlaut-€", "uid=x,dc=y", "\\2a"];
		await using({}, async (directory) => {
			for (const name of names) {
				const { password } = await directory.create({ name, owner });
				const encoded = [...Buffer.from(name)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
				const found = await slapd.search(`(uid=${encoded})`, "uid");
				assert.equal(found.match(/^dn:/gm)?.length, 1, name);
				assert.equal(await slapd.canBind(dnOf(encoded), password!), true, name);
			}
			for (const name of names) await directory.remove({ name, owner });
		});
	});

	it("of somebody else are left alone", async () => {
		await using({}, async (directory) => {
			const { password } = await directory.create({ name: "theirs", owner: "organization/project/other/pool" });
			await slapd.modify(`dn: ${dnOf("admins")}
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
			assert.equal(await slapd.canBind(dnOf("theirs"), password!), true);
			assert.equal(await slapd.canBind(dnOf("admins"), "Theirs-1"), true);
		});
	});

	it("that a killed run has left without a known password are taken over", async () => {
		await slapd.modify(`dn: ${dnOf("half")}
changetype: add
objectClass: account
objectClass: simpleSecurityObject
uid: half
description: pulumi-libvirt-clones: ${owner}
userPassword: forgotten
`);
		const { password } = await using({}, (directory) => directory.create({ name: "half", owner }));
		assert.equal(await slapd.canBind(dnOf("half"), password!), true);
		assert.equal(await slapd.canBind(dnOf("half"), "forgotten"), false);
	});

	describe("when the directory goes away in the middle", () => {
		// A create sends some 250 bytes for the entry and some 150 for the password.
		for (const [when, bytes] of [
			["before the entry", 1],
			["between entry and password", 400],
		] as const) {
			it(`${when}, say so, and are carried on`, async () => {
				const name = `lost-${bytes}`;
				await using({}, async (directory) => {
					await directory.check();
					let killed: Promise<void> | undefined;
					slapd.ldaps.cutAfterBytes(bytes, () => {
						killed = slapd.kill();
					});
					await assert.rejects(directory.create({ name, owner }), {
						name: "DirectoryError",
						message: new RegExp(`^could not create the account ${name}: .*The connection was lost.*run again`),
					});
					await killed;
					await assert.rejects(
						directory.create({ name, owner }),
						/^DirectoryError: url: .*(ECONNREFUSED|ended the connection)/,
					);

					await slapd.startServer();
					const before = await slapd.search(`(uid=${name})`, "uid");
					assert.equal(/^uid:/m.test(before), bytes > 1, "what had been done until then");
					const { password } = await directory.create({ name, owner });
					assert.equal(await slapd.canBind(dnOf(name), password!), true);
				});
			});
		}

		it("and a login is open, log in again", async () => {
			await using({}, async (directory) => {
				await directory.check();
				slapd.ldaps.cut();
				await untilNoConnection();
				await directory.create({ name: "again", owner });
			});
		});
	});

	it("that a killed process was making are made by the next", async () => {
		const names = named("killed", 100);
		const program = `
			const { ldapDirectory } = require(${JSON.stringify(require.resolve("../../provider/identity/directory/ldap"))});
			const { eachOf } = require(${JSON.stringify(require.resolve("./accounts"))});
			const { settings, names, owner } = JSON.parse(process.env.CLONES_TEST);
			const directory = ldapDirectory(settings);
			eachOf(names, (name) => directory.create({ name, owner })).then(() => process.exit(3));`;
		const env = { ...process.env, CLONES_TEST: JSON.stringify({ settings: settings(), names, owner }) };
		const child = spawn(process.execPath, ["-e", program], { env, stdio: "inherit" });
		const ended = once(child, "exit");
		slapd.ldaps.whenSent(15_000, () => child.kill("SIGKILL"));
		assert.deepEqual(await ended, [null, "SIGKILL"]);
		const made = (await slapd.search("(uid=killed-*)", "uid")).match(/^uid: /gm)?.length ?? 0;
		assert.ok(made > 0 && made < 100, `${made} were there when it was killed`);

		await using({}, async (directory) => {
			const accounts = await eachOf(names, (name) => directory.create({ name, owner }));
			for (const [index, { password }] of accounts.entries()) {
				if (index % 10 === 0) assert.equal(await slapd.canBind(dnOf(names[index]!), password!), true);
			}
		});
		assert.equal((await slapd.search("(uid=killed-*)", "uid")).match(/^uid: /gm)?.length, 100);
	});

	it("are given up when the directory does not answer in time", async () => {
		await using({ timeoutSeconds: 1 }, async (directory) => {
			await directory.check();
			await slapd.pause("STOP");
			try {
				await assert.rejects(
					directory.create({ name: "patient", owner }),
					/^DirectoryError: could not create the account patient: .*timed out\. The connection was lost, .*run again/,
				);
				await assert.rejects(
					directory.check(),
					/^DirectoryError: url: the directory does not answer \(no answer for 1 s\)/,
				);
			} finally {
				await slapd.pause("CONT");
			}
			await directory.create({ name: "patient", owner });
		});
	});

	describe("over StartTLS", () => {
		const plain = () => `ldap://127.0.0.1:${slapd.ldap.port}`;

		it("are made like over LDAPS", async () => {
			const { password } = await using({ url: plain(), startTls: true }, async (directory) => {
				await directory.check();
				return directory.create({ name: "started", owner });
			});
			assert.equal(await slapd.canBind(dnOf("started"), password!), true);
		});

		it("check the certificate", async () => {
			await refused({ url: plain(), startTls: true, ca: undefined }, /^ca: the directory's certificate is not trusted/);
		});

		it("are not sent unencrypted where the connection is lost", async () => {
			await using({ url: plain(), startTls: true }, async (directory) => {
				await directory.check();
				let killed: Promise<void> | undefined;
				slapd.ldap.cutAfterBytes(1, () => {
					killed = slapd.kill();
				});
				await assert.rejects(directory.create({ name: "plain", owner }), /The connection was lost/);
				await killed;
				await slapd.startServer();
				const { password } = await directory.create({ name: "plain", owner });
				const { heard } = slapd.ldap;
				assert.ok(heard.includes("1.3.6.1.4.1.1466.20037"), "the request to encrypt is heard");
				for (const secret of [password!, slapd.admin.password, "userPassword", "plain"]) {
					assert.ok(!heard.includes(secret), `${secret} is not`);
				}
			});
		});
	});

	describe("refuse", () => {
		it("a certificate of an unknown authority", async () => {
			await refused({ ca: undefined }, /^ca: .*not trusted \(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*\): none is given/);
		});

		it("a certificate of another authority", async () => {
			const other = await Authority.create("Another authority");
			await refused({ ca: other.certificate }, /^ca: .*not trusted .*it is not signed by what is given/);
		});

		it("a certificate for another host", async () => {
			await refused(
				{ serverName: "other.pool.test" },
				/^serverName: got the name other\.pool\.test, but .*certificate is for ldap\.pool\.test/,
			);
			await refused(
				{ serverName: undefined },
				/^url: got the name 127\.0\.0\.1, but .*certificate is for ldap\.pool\.test/,
			);
		});

		it("a CA file that is not there, and one that holds no certificate", async () => {
			await refused({ ca: undefined, caFile: "/nowhere/ca.pem" }, /^caFile: cannot be read: ENOENT/);
			await refused(
				{ ca: undefined, caFile: "/etc/hostname" },
				/^caFile: got the file \/etc\/hostname without a certificate/,
			);
			const broken = slapd.ca.replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAA");
			await refused({ ca: broken }, /^ca: got a text with a certificate that cannot be read/);
		});

		it("a wrong password and an unknown user, without showing the password", async () => {
			const wrong = "Wrong-secret-1";
			await refused({ password: wrong }, /^password: login as cn=admin,dc=pool,dc=test was refused: .*wrong/, wrong);
			await refused({ user: "cn=nobody,dc=pool,dc=test" }, /^password: login as cn=nobody,/, slapd.admin.password);
		});

		it("a user without the right", async () => {
			await using(slapd.reader, async (directory) => {
				await assert.rejects(
					directory.create({ name: "forbidden", owner }),
					/user: could not create the account forbidden: .*cn=reader,dc=pool,dc=test lacks the right: let it create/,
				);
			});
		});

		it("a base that is not there", async () => {
			const baseDn = "ou=nowhere,dc=pool,dc=test";
			await refused(
				{ baseDn },
				/^baseDn: could not look at ou=nowhere.*There is no ou=nowhere,dc=pool,dc=test: create it/,
			);
			await using({ baseDn }, async (directory) => {
				await assert.rejects(directory.create({ name: "lost", owner }), /baseDn: .*There is no ou=nowhere/);
			});
		});

		it("object classes and attributes that the directory does not have", async () => {
			await using({ objectClasses: ["spaceship"] }, async (directory) => {
				await assert.rejects(
					directory.create({ name: "unknown", owner }),
					/objectClasses: could not create .*schema does not allow this: correct objectClasses/,
				);
			});
			await using({ objectClasses: ["inetOrgPerson"] }, async (directory) => {
				await assert.rejects(
					directory.create({ name: "unknown", owner }),
					/objectClasses: .*every attribute that is required/,
				);
			});
			await using({ attributes: { wings: "two" } }, async (directory) => {
				await assert.rejects(directory.create({ name: "unknown", owner }), /objectClasses: .*wings/);
			});
		});

		it("a host that nobody knows, a port where nobody listens, and one that speaks no TLS", async () => {
			await refused({ url: "ldaps://nowhere.invalid" }, /^url: no address is known for nowhere\.invalid/);
			await refused({ url: "ldaps://127.0.0.1:1" }, /^url: nothing accepts connections there \(ECONNREFUSED\)/);
			await refused({ url: `ldaps://127.0.0.1:${slapd.ldap.port}` }, /^url: .*does not speak TLS there/);
		});

		it("an expired certificate", async () => {
			const authority = await Authority.create();
			await slapd.kill();
			await slapd.configure(await authority.sign([slapd.serverName], -1));
			await slapd.startServer();
			await refused({ ca: authority.certificate }, /^url: the directory's certificate is not valid at this time/);
		});
	});

	async function refused(changes: Partial<LdapDirectoryArgs>, message: RegExp, secret?: string): Promise<void> {
		await assert.rejects(
			using(changes, (directory) => directory.check()),
			(error: Error) => {
				assert.equal(error.name, "DirectoryError");
				assert.match(error.message, message);
				assert.match(error.message, /\(directory ldaps?:\/\/.*\)$/);
				if (secret !== undefined) assert.ok(!error.message.includes(secret));
				return true;
			},
		);
		await untilNoConnection();
	}

	/** Fails after some time: every login is logged out. */
	async function untilNoConnection(): Promise<void> {
		for (let tries = 0; slapd.ldaps.connections + slapd.ldap.connections > 0; tries++) {
			assert.ok(tries < 200, "connections stay open");
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}
});
