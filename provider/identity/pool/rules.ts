/** What a pool of identities cannot be: told from its inputs alone, without a look at its store or directory. */
import { InputError, type Rule } from "../../lifecycle";
import { validAd, validLdap } from "../directory/schema";
import { exactlyOne } from "../settings";
import { staticSettingsOf } from "../static-network";
import { membersOf } from "./members";
import type { IdentityPoolInputs } from "./schema";

export const rules: ReadonlyArray<Rule<IdentityPoolInputs>> = [
	{ property: "store", needs: ["store"], check: ({ store }) => exactlyOne(store, ["sqlite", "postgres"]) },
	{
		property: "directory",
		needs: ["directory"],
		check: ({ directory }) => directory && exactlyOne(directory, ["ldap", "activeDirectory"]),
	},
];

/** @throws InputError that names the property: `identities[3].mac` */
export function checkWhole(inputs: IdentityPoolInputs): void {
	const { quarantined, encryptionKey, directory } = inputs;
	const members = membersOf(inputs);
	staticSettingsOf(inputs, members);
	const names = new Set(members.map(({ name }) => name));
	const stranger = quarantined.find((name) => !names.has(name));
	if (stranger !== undefined) {
		throw new InputError("quarantined", `got "${stranger}"; allowed are names of identities of this pool`);
	}
	checkKey(encryptionKey);
	if (directory?.ldap) under("directory.ldap", () => validLdap(directory.ldap));
	if (directory?.activeDirectory) under("directory.activeDirectory", () => validAd(directory.activeDirectory));
}

function checkKey(key: string | undefined): void {
	if (key === undefined || (Buffer.from(key, "base64").length === 32 && /^[A-Za-z0-9+/]{43}=$/.test(key))) return;
	throw new InputError(
		"encryptionKey",
		'got a value that is not shown; allowed are 32 bytes in base64, as "openssl rand -base64 32" makes them',
	);
}

function under(property: string, check: () => unknown): void {
	try {
		check();
	} catch (error) {
		throw error instanceof InputError ? new InputError(`${property}.${error.property}`, error.message) : error;
	}
}
