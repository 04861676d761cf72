/** The settings of the directories, with what is allowed. */
import { z } from "zod";
import type { Rule } from "../../lifecycle";
import { refuse, validate } from "../../problems";
import { absolutePath, hostName, wholeText } from "../../schema";
import { domainOfDn, isDn } from "./dn";

const text = wholeText.min(1, "allowed is text that is not empty").max(4096, "allowed are at most 4096 characters");

const dn = text.refine(isDn, "allowed is a distinguished name such as OU=Pool,DC=example,DC=com");

const attributeName = z
	.string()
	.regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, "allowed is the name of an attribute: letters, digits and hyphens");

const serverShape = {
	url: z
		.string()
		.refine(
			isDirectoryUrl,
			"allowed is ldaps://HOST, or ldap://HOST together with startTls: true, with a port behind it where it is not the usual one",
		),
	startTls: z.boolean().default(false),
	ca: z
		.string()
		.includes("-----BEGIN CERTIFICATE-----", {
			error: "allowed are certificates in PEM form; the path of a file is for caFile",
		})
		.optional(),
	caFile: absolutePath.optional(),
	serverName: hostName.optional(),
	// An empty password would log in as nobody, and succeed.
	user: text,
	password: text,
	timeoutSeconds: z.int().min(1).max(600).default(10),
};

export const ldapSchema = z.strictObject({
	...serverShape,
	baseDn: dn,
	objectClasses: z.array(attributeName).min(1).default(["account", "simpleSecurityObject"]),
	nameAttribute: attributeName.default("uid"),
	ownerAttribute: attributeName.default("description"),
	passwordAttribute: attributeName.default("userPassword"),
	passwordHashing: z.enum(["server", "none"]).default("server"),
	attributes: z.record(attributeName, z.union([text, z.array(text).min(1)])).default({}),
});

export const adSchema = z.strictObject({
	...serverShape,
	ou: dn,
	ownerAttribute: attributeName.default("info"),
	keytab: z.boolean().default(true),
	offlineJoin: z
		.strictObject({
			domainController: hostName,
			command: z.array(text).min(1).default(["net"]),
			timeoutSeconds: z.int().min(1).max(3600).default(60),
		})
		.optional(),
});

export type ServerSettings = z.output<z.ZodObject<typeof serverShape>>;
export type LdapSettings = z.output<typeof ldapSchema>;
export type AdSettings = z.output<typeof adSchema>;

function isDirectoryUrl(value: string): boolean {
	const parsed = URL.canParse(value) ? new URL(value) : undefined;
	return (
		parsed !== undefined &&
		["ldap:", "ldaps:"].includes(parsed.protocol) &&
		parsed.hostname !== "" &&
		parsed.username === "" &&
		parsed.password === "" &&
		["", "/"].includes(parsed.pathname) &&
		parsed.search === "" &&
		parsed.hash === ""
	);
}

const serverRules: ReadonlyArray<Rule<ServerSettings>> = [
	{
		property: "url",
		needs: ["url", "startTls"],
		check: ({ url, startTls }) =>
			url.startsWith("ldap:") && !startTls
				? `got ${JSON.stringify(url)}, which would send passwords unencrypted; use ${JSON.stringify(url.replace("ldap:", "ldaps:"))}, or set startTls: true`
				: undefined,
	},
	{
		property: "startTls",
		needs: ["url", "startTls"],
		check: ({ url, startTls }) =>
			url.startsWith("ldaps:") && startTls
				? `got true, but ${JSON.stringify(url)} is encrypted from the start; leave startTls out, or use ldap://`
				: undefined,
	},
	{
		property: "caFile",
		needs: ["ca", "caFile"],
		check: ({ ca, caFile }) =>
			ca !== undefined && caFile !== undefined
				? `got ${JSON.stringify(caFile)} besides ca; give the certificates in one of them`
				: undefined,
	},
];

const ldapRules: ReadonlyArray<Rule<LdapSettings>> = [
	...(serverRules as ReadonlyArray<Rule<LdapSettings>>),
	{
		property: "user",
		needs: ["user"],
		check: ({ user }) =>
			isDn(user)
				? undefined
				: `got ${JSON.stringify(user)}; allowed is a distinguished name such as cn=admin,dc=example,dc=com`,
	},
	{
		property: "passwordHashing",
		needs: ["passwordHashing", "passwordAttribute"],
		check: ({ passwordHashing, passwordAttribute }) =>
			passwordHashing === "server" && passwordAttribute.toLowerCase() !== "userpassword"
				? `got "server" with passwordAttribute "${passwordAttribute}", but a directory hashes userPassword only; set it to "none" to store the password in that attribute as it is`
				: undefined,
	},
];

const adRules: ReadonlyArray<Rule<AdSettings>> = [
	...(serverRules as ReadonlyArray<Rule<AdSettings>>),
	{
		property: "ou",
		needs: ["ou"],
		check: ({ ou }) =>
			domainOfDn(ou) === undefined
				? `got ${JSON.stringify(ou)}, which does not say the domain; allowed is a distinguished name that ends with it, such as OU=Pool,DC=example,DC=com`
				: undefined,
	},
	{
		property: "user",
		needs: ["user", "offlineJoin"],
		check: ({ user, offlineJoin }) =>
			// The command would take what is behind a percent sign for the password.
			offlineJoin && !/^[^@\s%=-][^@\s%=]*@[A-Za-z0-9.-]+$/.test(user)
				? `got ${JSON.stringify(user)}; allowed with offlineJoin is NAME@DOMAIN without spaces and percent signs, which its command can log in with`
				: undefined,
	},
	{
		property: "password",
		needs: ["password", "offlineJoin"],
		check: ({ password, offlineJoin }) =>
			offlineJoin && /[\r\n]/.test(password)
				? "holds a line break, which the command of offlineJoin cannot be given; use a user with another password"
				: undefined,
	},
];

/** @throws InputError that names each wrong setting, the value got (never the password) and what is allowed */
export function validLdap(settings: unknown): LdapSettings {
	return valid("LDAP directory", ldapSchema, settings, ldapRules);
}

/** @throws InputError that names each wrong setting, the value got (never the password) and what is allowed */
export function validAd(settings: unknown): AdSettings {
	return valid("Active Directory", adSchema, settings, adRules);
}

function valid<Settings extends object>(
	what: string,
	schema: z.ZodType<Settings>,
	given: unknown,
	rules: ReadonlyArray<Rule<Settings>>,
): Settings {
	const { inputs, problems } = validate(schema, given as Record<string, unknown>, rules, ["password"]);
	refuse(what, problems);
	return inputs;
}
