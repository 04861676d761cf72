/**
 * Computer accounts in Active Directory: a password, a Kerberos keytab with AES keys, and on request a blob to join the
 * domain offline. Proven with Samba's domain controller. That Windows guests join with the blob, and how Windows' own
 * domain controllers answer, is unproven.
 */
import { requireComputer } from "./ad-membership";
import { addComputer, computerChanges, findComputer, keyVersionOf } from "./computer";
import type { Account, Credentials, Directory } from "./directory";
import { dnOfDomain, domainOfDn } from "./dn";
import { DirectoryError, noSuchObject, resultCode } from "./errors";
import { computerSalt, keytab } from "./keytab";
import { requireOwn, requireShortOwner, valuesOf } from "./mark";
import { requireLogin } from "./membership";
import { provision, requireOfflineJoin } from "./offline-join";
import { newPassword } from "./passwords";
import { type AdSettings, validAd } from "./schema";
import type { ServerArgs } from "./server-args";
import { type At, Session } from "./session";

/** Where and how computer accounts are kept in Active Directory. */
export interface AdDirectoryArgs extends ServerArgs {
	/** `ldaps://HOST[:PORT]` of a domain controller, or `ldap://HOST[:PORT]` with `startTls: true`. */
	url: string;
	/** Name that the controller's certificate has to be for. @default the host of `url` */
	serverName?: string;
	/**
	 * Who logs in: `NAME@DOMAIN`, or a distinguished name where there is no `offlineJoin`. It may create, change and delete
	 * computer accounts in `ou`.
	 */
	user: string;
	/** Container of the accounts, with the domain at its end: "OU=Pool,DC=example,DC=com". It exists. */
	ou: string;
	/** Attribute for the mark of the pool: one value, up to 1024 characters. @default "info" */
	ownerAttribute?: string;
	/** Whether to make a keytab. @default true */
	keytab?: boolean;
	/** Also makes what a machine joins the domain with while it cannot reach a controller. @default none */
	offlineJoin?: {
		/** DNS name of a domain controller: "dc1.example.com". */
		domainController: string;
		/** Samba's `net` and what is to stand before its arguments. @default ["net"] */
		command?: string[];
		/** How long one run of it may take. @default 60 */
		timeoutSeconds?: number;
	};
}

/** Names of older clients (NetBIOS) have no room for more. */
const LONGEST_NAME = 15;

/**
 * Active Directory. The account of identity `web-1` is `WEB-1$`; its keys are AES only. The keytab holds `WEB-1$`,
 * `host/web-1` and `host/DNSNAME`, so that `kinit -k 'WEB-1$'` works in the machine. With `offlineJoin` the password is the
 * one in the blob.
 * @throws InputError for settings that are not allowed, before anything is contacted
 */
export function adDirectory(args: AdDirectoryArgs): Directory {
	const settings = validAd(args);
	const domain = domainOfDn(settings.ou)!;
	const session = new Session(settings, {
		container: { setting: "ou", value: settings.ou },
		schemaSetting: "ownerAttribute",
	});

	return {
		kind: "ad",
		check: async () => {
			await session.run(`look at ${settings.ou}`, (at) => requireRights(at, settings));
			if (settings.offlineJoin) await requireOfflineJoin(settings, settings.offlineJoin, domain);
		},
		create: async (account) => ensure(session, settings, domain, checked(settings, account), "create"),
		reset: async (account) => ensure(session, settings, domain, checked(settings, account), "reset"),
		remove: async (account) => {
			checked(settings, account);
			await session.run(`remove the account ${account.name}`, (at) => remove(at, settings, domain, account));
		},
		prove: async (account, credentials) => {
			checked(settings, account);
			const what = `look at the account ${account.name}`;
			const membership = await session.run(what, (at) => requireComputer(at, settings, domain, account, credentials));
			const { password } = credentials;
			if (password !== undefined) await requireLogin(settings, membership.account, password);
			return membership;
		},
		close: () => session.close(),
	};
}

/** Makes the account what it has to be, from wherever a run before has left it. */
async function ensure(
	session: Session,
	settings: AdSettings,
	domain: string,
	account: Account,
	verb: string,
): Promise<Credentials> {
	const { name, dnsName = `${name}.${domain}` } = account;
	const computer = {
		name,
		dnsName: dnsName.toLowerCase(),
		owner: account.owner,
		ownerAttribute: settings.ownerAttribute,
	};
	const what = `${verb} the account ${name}`;
	let password = newPassword();
	const dn = await session.run(what, async (at) => {
		const find = () => findComputer(at, dnOfDomain(domain), name, settings.ownerAttribute);
		// Looked for first: a controller derives all keys of the password before it says that a name is taken.
		let found = await find();
		if (!found) {
			const added = await addComputer(at, settings.ou, computer, password);
			if (added !== undefined) return added;
			found = await find();
		}
		if (!found) throw otherEntry(settings, name);
		requireOwn(settings.url, found, settings.ownerAttribute, account);
		await at.client.modify(found.dn, computerChanges(at, computer, password));
		return found.dn;
	});
	let joinBlob: string | undefined;
	if (settings.offlineJoin) {
		({ blob: joinBlob, password } = await provision(settings, settings.offlineJoin, domain, name));
		// The command has its own idea of names and encryption types.
		await session.run(what, (at) => at.client.modify(dn, computerChanges(at, computer)));
	}
	const keyVersion = await session.run(what, (at) => keyVersionOf(at, dn));
	const keys = settings.keytab ? keytabOf(domain, computer, password, keyVersion).toString("base64") : undefined;
	return { password, keytab: keys, joinBlob, keyVersion };
}

async function remove(at: At, settings: AdSettings, domain: string, account: Account): Promise<void> {
	const found = await findComputer(at, dnOfDomain(domain), account.name, settings.ownerAttribute);
	if (!found) return;
	requireOwn(settings.url, found, settings.ownerAttribute, account);
	await at.client.del(found.dn).catch((error) => {
		if (resultCode(error) !== noSuchObject) throw error;
	});
}

function keytabOf(
	domain: string,
	{ name, dnsName }: { name: string; dnsName: string },
	password: string,
	keyVersion: number,
): Buffer {
	const realm = domain.toUpperCase();
	return keytab({
		realm,
		principals: [[`${name.toUpperCase()}$`], ["host", name.toLowerCase()], ["host", dnsName]],
		password,
		salt: computerSalt(realm, name),
		keyVersion,
		timestampSeconds: Math.floor(Date.now() / 1000),
	});
}

/** @throws DirectoryError when the container is not there, or the user may not make computers in it */
async function requireRights({ client }: At, { url, ou, user }: AdSettings): Promise<void> {
	const attribute = "allowedChildClassesEffective";
	const { searchEntries } = await client.search(ou, { scope: "base", attributes: [attribute] });
	const [entry] = searchEntries;
	if (!entry) throw Object.assign(new Error("there is no such entry"), { code: noSuchObject });
	if (valuesOf(entry, attribute).includes("computer")) return;
	throw new DirectoryError(
		url,
		"user",
		`${user} may not create computer accounts in ${ou}: give it that right, or use another user`,
	);
}

/** @throws DirectoryError when Active Directory could not take the account's names */
function checked({ url }: AdSettings, account: Account): Account {
	const { name, dnsName, owner } = account;
	if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name) || name.length > LONGEST_NAME || /^\d+$/.test(name)) {
		throw new DirectoryError(
			url,
			"name",
			`got ${JSON.stringify(name)}${name.length > LONGEST_NAME ? ` with ${name.length} characters` : ""}; allowed in Active Directory are 1 to ${LONGEST_NAME} letters, digits and inner hyphens, not digits alone`,
		);
	}
	const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
	if (dnsName !== undefined && !new RegExp(`^${label}(?:\\.${label})+$`).test(dnsName)) {
		throw new DirectoryError(url, "dnsName", `got ${JSON.stringify(dnsName)}; allowed is a host name with its domain`);
	}
	requireShortOwner(url, owner, 1024);
	return account;
}

function otherEntry({ url, ou }: AdSettings, name: string): DirectoryError {
	return new DirectoryError(
		url,
		"name",
		`got "${name}", but ${ou} has an entry of that name which is no computer account of it. Give the identity another name, or remove that entry`,
	);
}
