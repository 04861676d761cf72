/** Computer accounts as Active Directory keeps them. */
import type { Attribute, Change } from "ldapts";
import { childDn } from "./dn";
import { alreadyExists, resultCode } from "./errors";
import type { Entry } from "./library";
import { markOf, valuesOf } from "./mark";
import type { At } from "./session";

export interface Computer {
	/** Host name without domain, at most 15 characters. */
	name: string;
	dnsName: string;
	owner: string;
	ownerAttribute: string;
}

/** ADS_UF_WORKSTATION_TRUST_ACCOUNT: an enabled computer account. */
const ENABLED_COMPUTER = "4096";
/** ADS_UF_ACCOUNTDISABLE. */
const DISABLED = 2;

/** AES-128 and AES-256 ([MS-KILE] 2.2.7). */
const AES_ONLY = "24";

/** @returns the new entry's name; undefined when the name is taken */
export async function addComputer(
	at: At,
	ou: string,
	computer: Computer,
	password: string,
): Promise<string | undefined> {
	const dn = childDn("CN", computer.name, ou);
	const { Attribute } = at.library;
	const attributes = [
		new Attribute({ type: "objectClass", values: ["computer"] }),
		new Attribute({ type: "sAMAccountName", values: [accountName(computer.name)] }),
		...attributesOf(at, computer, password),
	];
	try {
		await at.client.add(dn, attributes);
		return dn;
	} catch (error) {
		if (resultCode(error) === alreadyExists) return undefined;
		throw error;
	}
}

/** Everything about an account that a pool decides; the password stays as it is where none is given. */
export function computerChanges(at: At, computer: Computer, password?: string): Change[] {
	return attributesOf(at, computer, password).map(
		(modification) => new at.library.Change({ operation: "replace", modification }),
	);
}

function attributesOf({ library }: At, computer: Computer, password?: string): Attribute[] {
	const { name, dnsName, owner, ownerAttribute } = computer;
	const services = ["HOST", "RestrictedKrbHost"].flatMap((service) => [`${service}/${name}`, `${service}/${dnsName}`]);
	const texts: Record<string, string[]> = {
		userAccountControl: [ENABLED_COMPUTER],
		dNSHostName: [dnsName],
		servicePrincipalName: services,
		"msDS-SupportedEncryptionTypes": [AES_ONLY],
		[ownerAttribute]: [markOf(owner)],
	};
	const attributes = Object.entries(texts).map(([type, values]) => new library.Attribute({ type, values }));
	if (password === undefined) return attributes;
	// In quotation marks, in UTF-16: so that it cannot be mistaken for a hash.
	const quoted = Buffer.from(`"${password}"`, "utf16le");
	return [...attributes, new library.Attribute({ type: "unicodePwd", values: [quoted] })];
}

/** Looks in the whole domain: account names are its own. */
export async function findComputer(
	{ client, library }: At,
	domainDn: string,
	name: string,
	ownerAttribute: string,
): Promise<Entry | undefined> {
	const filter = new library.EqualityFilter({ attribute: "sAMAccountName", value: accountName(name) });
	const attributes = [ownerAttribute, "userAccountControl"];
	const { searchEntries } = await client.search(domainDn, { filter, attributes });
	return searchEntries[0];
}

/** Whether an entry that was found may log in. */
export function isEnabled(entry: Entry): boolean {
	return (Number(valuesOf(entry, "userAccountControl")[0]) & DISABLED) === 0;
}

/** The number that the keys of the present password have. */
export async function keyVersionOf({ client }: At, dn: string): Promise<number> {
	const attribute = "msDS-KeyVersionNumber";
	const { searchEntries } = await client.search(dn, { scope: "base", attributes: [attribute] });
	const [value] = searchEntries[0] ? valuesOf(searchEntries[0], attribute) : [];
	const version = Number(value);
	if (value === undefined || !Number.isInteger(version)) throw new Error(`${dn} has no ${attribute}`);
	return version;
}

function accountName(name: string): string {
	return `${name.toUpperCase()}$`;
}
