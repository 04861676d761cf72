/** What Active Directory knows of the account of one who claims to be a member. */
import { findComputer, isEnabled, keyVersionOf } from "./computer";
import type { Account, Credentials, Membership } from "./directory";
import { dnOfDomain } from "./dn";
import { isOwn } from "./mark";
import { NoMemberError } from "./membership";
import type { AdSettings } from "./schema";
import type { At } from "./session";

/** @throws NoMemberError unless there is an enabled account of this owner, with keys of the same version */
export async function requireComputer(
	at: At,
	{ url, ownerAttribute }: AdSettings,
	domain: string,
	{ name, owner }: Account,
	{ keyVersion }: Credentials,
): Promise<Membership> {
	const found = await findComputer(at, dnOfDomain(domain), name, ownerAttribute);
	if (!found) throw new NoMemberError(`${url} has no computer account ${name.toUpperCase()}$`);
	if (!isOwn(found, ownerAttribute, owner)) throw new NoMemberError(`${found.dn} in ${url} is somebody else's account`);
	if (!isEnabled(found)) throw new NoMemberError(`${found.dn} in ${url} is disabled`);
	const now = await keyVersionOf(at, found.dn);
	if (keyVersion !== undefined && keyVersion !== now) {
		throw new NoMemberError(
			`its keys have the version ${keyVersion}, and those of ${found.dn} in ${url} have ${now}: somebody else has changed its password`,
		);
	}
	return { directory: "ad", account: found.dn, keyVersion: now };
}
