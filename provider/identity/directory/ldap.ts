/**
 * Accounts of machines in a plain LDAP directory such as OpenLDAP's slapd: one entry per identity, with a random password
 * that the machine can bind with.
 */
import type { Account, Credentials, Directory } from "./directory";
import { childDn } from "./dn";
import { alreadyExists, DirectoryError, noSuchObject, resultCode } from "./errors";
import type { Entry } from "./library";
import { isOwn, markOf, requireOwn } from "./mark";
import { NoMemberError, requireLogin } from "./membership";
import { changePassword, requirePasswordChange } from "./password-change";
import { newPassword } from "./passwords";
import { type LdapSettings, validLdap } from "./schema";
import type { ServerArgs } from "./server-args";
import { type At, Session } from "./session";

/** Where and how accounts are kept in an LDAP directory. */
export interface LdapDirectoryArgs extends ServerArgs {
	/** `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with `startTls: true`. Nothing is ever sent unencrypted. */
	url: string;
	/** Name that the directory's certificate has to be for. @default the host of `url` */
	serverName?: string;
	/** Distinguished name to log in with. It may create, read, change and delete entries below `baseDn`. */
	user: string;
	/** Entry below which accounts are made. It exists. */
	baseDn: string;
	/** Classes of the entries. @default ["account", "simpleSecurityObject"] */
	objectClasses?: string[];
	/** Attribute that holds the identity's name, and names the entry. @default "uid" */
	nameAttribute?: string;
	/** Attribute for the mark of the pool. @default "description" */
	ownerAttribute?: string;
	/** Attribute for the password. @default "userPassword" */
	passwordAttribute?: string;
	/**
	 * Who hashes the password: "server" lets the directory set it in its own way (RFC 3062), "none" writes it into the
	 * attribute as it is. @default "server"
	 */
	passwordHashing?: "server" | "none";
	/**
	 * Attributes besides, for instance what the object classes require. `{name}` and `{dnsName}` stand for the identity's.
	 * @default none
	 * @example { host: "{dnsName}" }
	 */
	attributes?: Record<string, string | string[]>;
}

/**
 * A directory over LDAP. The credentials are a password; the machine binds as `NAMEATTRIBUTE=NAME,BASEDN`.
 * @throws InputError for settings that are not allowed, before anything is contacted
 */
export function ldapDirectory(args: LdapDirectoryArgs): Directory {
	const settings = validLdap(args);
	const { url, baseDn } = settings;
	const session = new Session(settings, {
		container: { setting: "baseDn", value: baseDn },
		schemaSetting: "objectClasses",
	});

	return {
		kind: "ldap",
		check: () =>
			session.run(`look at ${baseDn}`, async (at) => {
				if (!(await find(at, baseDn, [])))
					throw Object.assign(new Error("there is no such entry"), { code: noSuchObject });
				if (settings.passwordHashing === "server") await requirePasswordChange(at, url);
			}),
		create: (account) => session.run(`create the account ${account.name}`, (at) => ensure(at, settings, account)),
		reset: (account) => session.run(`reset the account ${account.name}`, (at) => ensure(at, settings, account)),
		remove: (account) => session.run(`remove the account ${account.name}`, (at) => remove(at, settings, account)),
		prove: async (account, { password }) => {
			const dn = dnOf(settings, account);
			await session.run(`look at the account ${account.name}`, (at) => requireAccount(at, settings, dn, account));
			// Nobody logs in by a password that is in another attribute.
			if (password !== undefined && settings.passwordAttribute === "userPassword") {
				await requireLogin(settings, dn, password);
			}
			return { directory: "ldap", account: dn };
		},
		close: () => session.close(),
	};
}

/** @throws NoMemberError unless there is an account of this owner */
async function requireAccount(at: At, { url, ownerAttribute }: LdapSettings, dn: string, { owner }: Account) {
	const entry = await find(at, dn, [ownerAttribute]);
	if (!entry) throw new NoMemberError(`${url} has no account ${dn}`);
	if (!isOwn(entry, ownerAttribute, owner)) throw new NoMemberError(`${dn} in ${url} is somebody else's account`);
}

/** Makes the account what it has to be, from wherever a run before has left it. */
async function ensure(at: At, settings: LdapSettings, account: Account): Promise<Credentials> {
	const dn = dnOf(settings, account);
	const attributes = attributesOf(settings, account);
	const password = newPassword();
	const isWrittenHere = settings.passwordHashing === "none";
	// Object classes may require a password at once. Where the directory sets the real one, this one is forgotten.
	const first = { [settings.passwordAttribute]: isWrittenHere ? password : newPassword() };
	const { objectClasses, nameAttribute } = settings;
	const isNew = await added(at, dn, {
		objectClass: objectClasses,
		[nameAttribute]: account.name,
		...attributes,
		...first,
	});
	if (!isNew) {
		const entry = await find(at, dn, [settings.ownerAttribute]);
		if (!entry)
			throw new DirectoryError(settings.url, undefined, `the account ${account.name} was removed meanwhile: run again`);
		requireOwn(settings.url, entry, settings.ownerAttribute, account);
		await replace(at, dn, { ...attributes, ...(isWrittenHere ? first : {}) });
	}
	if (!isWrittenHere) await changePassword(at, dn, password);
	return { password };
}

async function remove(at: At, settings: LdapSettings, account: Account): Promise<void> {
	const dn = dnOf(settings, account);
	const entry = await find(at, dn, [settings.ownerAttribute]);
	if (!entry) return;
	requireOwn(settings.url, entry, settings.ownerAttribute, account);
	await at.client.del(dn).catch((error) => {
		if (resultCode(error) !== noSuchObject) throw error;
	});
}

function dnOf({ nameAttribute, baseDn }: LdapSettings, { name }: Account): string {
	return childDn(nameAttribute, name, baseDn);
}

type Attributes = Record<string, string | string[]>;

/** What an account has besides the attribute that names it. */
function attributesOf({ ownerAttribute, attributes }: LdapSettings, account: Account): Attributes {
	const { name, dnsName = name, owner } = account;
	const filled = (text: string) =>
		text.replace(/\{(name|dnsName)\}/g, (_, which) => (which === "name" ? name : dnsName));
	const own = Object.entries(attributes).map(([key, value]) => [
		key,
		Array.isArray(value) ? value.map(filled) : filled(value),
	]);
	return { ...Object.fromEntries(own), [ownerAttribute]: markOf(owner) };
}

/** @returns whether it was added: false if there is one already */
async function added({ client }: At, dn: string, attributes: Attributes): Promise<boolean> {
	try {
		await client.add(dn, attributes);
		return true;
	} catch (error) {
		if (resultCode(error) === alreadyExists) return false;
		throw error;
	}
}

async function replace({ client, library }: At, dn: string, attributes: Attributes): Promise<void> {
	const { Change, Attribute } = library;
	const changes = Object.entries(attributes).map(
		([type, values]) =>
			new Change({ operation: "replace", modification: new Attribute({ type, values: [values].flat() }) }),
	);
	await client.modify(dn, changes);
}

async function find({ client }: At, dn: string, attributes: string[]): Promise<Entry | undefined> {
	try {
		// "1.1" asks for no attribute at all; an empty list for all.
		const wanted = attributes.length === 0 ? ["1.1"] : attributes;
		const { searchEntries } = await client.search(dn, { scope: "base", attributes: wanted });
		return searchEntries[0];
	} catch (error) {
		if (resultCode(error) === noSuchObject) return undefined;
		throw error;
	}
}
