import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { eachOf, named } from "./accounts";
import { ldapLab, owner } from "./ldap-lab";

describe("machine accounts in OpenLDAP's slapd (failures)", function () {
	this.timeout(120_000);
	const lab = ldapLab();

	describe("when the directory goes away in the middle", () => {
		// A create sends some 250 bytes for the entry and some 150 for the password.
		for (const [when, bytes] of [
			["before the entry", 1],
			["between entry and password", 400],
		] as const) {
			it(`${when}, say so, and are carried on`, async () => {
				const name = `lost-${bytes}`;
				await lab.using({}, async (directory) => {
					await directory.check();
					let killed: Promise<void> | undefined;
					lab.slapd.ldaps.cutAfterBytes(bytes, () => {
						killed = lab.slapd.kill();
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

					await lab.slapd.startServer();
					const before = await lab.slapd.search(`(uid=${name})`, "uid");
					assert.equal(/^uid:/m.test(before), bytes > 1, "what had been done until then");
					const { password } = await directory.create({ name, owner });
					assert.equal(await lab.slapd.canBind(lab.dnOf(name), password!), true);
				});
			});
		}

		it("and a login is open, log in again", async () => {
			await lab.using({}, async (directory) => {
				await directory.check();
				lab.slapd.ldaps.cut();
				await lab.untilNoConnection();
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
		const env = { ...process.env, CLONES_TEST: JSON.stringify({ settings: lab.settings(), names, owner }) };
		const child = spawn(process.execPath, ["-e", program], { env, stdio: "inherit" });
		const ended = once(child, "exit");
		lab.slapd.ldaps.whenSent(15_000, () => child.kill("SIGKILL"));
		assert.deepEqual(await ended, [null, "SIGKILL"]);
		const made = (await lab.slapd.search("(uid=killed-*)", "uid")).match(/^uid: /gm)?.length ?? 0;
		assert.ok(made > 0 && made < 100, `${made} were there when it was killed`);

		await lab.using({}, async (directory) => {
			const accounts = await eachOf(names, (name) => directory.create({ name, owner }));
			for (const [index, { password }] of accounts.entries()) {
				if (index % 10 === 0) assert.equal(await lab.slapd.canBind(lab.dnOf(names[index]!), password!), true);
			}
		});
		assert.equal((await lab.slapd.search("(uid=killed-*)", "uid")).match(/^uid: /gm)?.length, 100);
	});

	it("are given up when the directory does not answer in time", async () => {
		await lab.using({ timeoutSeconds: 1 }, async (directory) => {
			await directory.check();
			await lab.slapd.pause("STOP");
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
				await lab.slapd.pause("CONT");
			}
			await directory.create({ name: "patient", owner });
		});
	});

	describe("over StartTLS", () => {
		const plain = () => `ldap://127.0.0.1:${lab.slapd.ldap.port}`;

		it("are made like over LDAPS", async () => {
			const { password } = await lab.using({ url: plain(), startTls: true }, async (directory) => {
				await directory.check();
				return directory.create({ name: "started", owner });
			});
			assert.equal(await lab.slapd.canBind(lab.dnOf("started"), password!), true);
		});

		it("check the certificate", async () => {
			await lab.refused(
				{ url: plain(), startTls: true, ca: undefined },
				/^ca: the directory's certificate is not trusted/,
			);
		});

		it("are not sent unencrypted where the connection is lost", async () => {
			await lab.using({ url: plain(), startTls: true }, async (directory) => {
				await directory.check();
				let killed: Promise<void> | undefined;
				lab.slapd.ldap.cutAfterBytes(1, () => {
					killed = lab.slapd.kill();
				});
				await assert.rejects(directory.create({ name: "plain", owner }), /The connection was lost/);
				await killed;
				await lab.slapd.startServer();
				const { password } = await directory.create({ name: "plain", owner });
				const { heard } = lab.slapd.ldap;
				assert.ok(heard.includes("1.3.6.1.4.1.1466.20037"), "the request to encrypt is heard");
				for (const secret of [password!, lab.slapd.admin.password, "userPassword", "plain"]) {
					assert.ok(!heard.includes(secret), `${secret} is not`);
				}
			});
		});
	});
});
