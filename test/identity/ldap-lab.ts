import * as assert from "node:assert/strict";
import { type LdapDirectoryArgs, ldapDirectory } from "../../provider/identity/directory/ldap";
import { Slapd } from "../../tools/directory/slapd";

/** Of the accounts that tests make. */
export const owner = "organization/project/stack/pool";

/** A slapd for the tests of a file, as the product reaches it. To be called where `before` may be. */
export function ldapLab() {
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

	/** @param secret is not in the message */
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

	return {
		get slapd() {
			return slapd;
		},
		dnOf: (name: string) => `uid=${name},${slapd.baseDn}`,
		settings,
		using,
		refused,
		untilNoConnection,
	};
}
