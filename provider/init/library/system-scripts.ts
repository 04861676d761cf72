/** Scripts about a machine's accounts, packages, files and habits. */
import type { LibraryScript } from "./scripts";
import { kinds, setting } from "./settings";

const PUBLIC_KEY = /^\s*(#.*|([^#]*\s)?(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(\s.*)?)?$/;
const PEM = /^(?:[^-]*-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]+=*\n)+-----END CERTIFICATE-----\s*)+$/;

export const systemScripts = {
	user: {
		description: "Makes an account, or changes one that is there.",
		kind: "customize",
		stage: "late",
		settings: [
			setting("name", "Name of the account.", kinds.account, { required: true }),
			setting(
				"sshKeys",
				"Public keys that may log in, one a line; others in the file stay.",
				{
					allowed: "allowed are lines of authorized_keys, such as ssh-ed25519 AAAA... ada@laptop",
					accepts: (text) => text.split("\n").every((line) => PUBLIC_KEY.test(line)) && text.trim() !== "",
				},
				{ kind: "text", default: "none" },
			),
			setting("passwordHash", "Password as its hash.", kinds.passwordHash, {
				secret: true,
				default: "no login by password",
			}),
			setting("groups", "Groups to be in besides; they have to be there.", kinds.account, {
				kind: "list",
				default: "none",
			}),
			setting("sudo", "May do everything as root, without a password, by sudo or doas.", kinds.flag, {
				default: "false",
			}),
			setting("shell", "Login shell.", kinds.path, { default: "/bin/sh" }),
		],
	},
	password: {
		description: "Sets the password of an account that is there.",
		kind: "customize",
		stage: "late",
		settings: [
			setting("name", "Name of the account.", kinds.account, { default: "root" }),
			setting("hash", "Password as its hash.", kinds.passwordHash, { required: true, secret: true }),
		],
	},
	packages: {
		description: "Installs packages with apt, dnf, apk or zypper; those that are there cost nothing.",
		kind: "customize",
		stage: "late",
		settings: [
			setting(
				"names",
				"Names that the image's package manager has for them.",
				kinds.pattern(/^[A-Za-z0-9.+_:=~@/][A-Za-z0-9.+_:=~@/-]*$/, "allowed are names of packages"),
				{ kind: "list", required: true },
			),
		],
	},
	certificates: {
		description: "Adds certificate authorities to those that the system trusts.",
		kind: "customize",
		stage: "late",
		settings: [
			setting(
				"certificates",
				"In PEM, one or several after another.",
				{
					allowed: "allowed are certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE",
					accepts: (text) => PEM.test(`${text}\n`),
				},
				{ kind: "text", required: true },
			),
			setting(
				"name",
				"Of the files in the system's store.",
				kinds.pattern(
					/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
					"allowed are letters, digits, dots, underscores and hyphens",
				),
				{ default: "clones" },
			),
		],
	},
	locale: {
		description: "Sets language and formats of later logins and services; makes the locale where the system can.",
		kind: "init",
		stage: "early",
		settings: [
			setting(
				"locale",
				"The locale.",
				kinds.pattern(/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/, "allowed is a locale such as en_GB.UTF-8 or C.UTF-8"),
				{ required: true },
			),
		],
	},
	"time-zone": {
		description: "Sets the time zone.",
		kind: "init",
		stage: "early",
		settings: [
			setting(
				"zone",
				"Its name; other ones than UTC need the package tzdata.",
				kinds.pattern(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, "allowed is a name such as Europe/Berlin or UTC"),
				{ required: true },
			),
		],
	},
	service: {
		description: "Enables or disables a service, and starts, restarts, reloads or stops it.",
		kind: "customize",
		stage: "late",
		settings: [
			setting(
				"name",
				"Name of the service.",
				kinds.pattern(/^[A-Za-z0-9@_][A-Za-z0-9@._:-]{0,127}$/, "allowed is the name of a service"),
				{ required: true },
			),
			setting("action", "What is done with it now.", kinds.choice("start", "restart", "reload", "stop", "none"), {
				default: "start",
			}),
			setting("enabled", "Whether it starts at every boot.", kinds.flag, { default: "as it is" }),
		],
	},
	file: {
		description: "Writes a file; `${CLONE_HOSTNAME}` in its content becomes the parameter `hostname`, and so on.",
		kind: "customize",
		stage: "late",
		settings: [
			setting(
				"path",
				"Where; folders are made.",
				{
					allowed: "allowed is an absolute path without '..'",
					accepts: (value) => /^\/(.*[^/])$/.test(value) && !value.split("/").includes("..") && !value.includes("//"),
				},
				{ required: true },
			),
			setting(
				"content",
				"What is in it. No expressions: parameters only.",
				{ allowed: "allowed is text of at most 131072 characters", accepts: () => true },
				{ kind: "text", required: true },
			),
			setting("mode", "Permissions.", kinds.pattern(/^[0-7]{3,4}$/, "allowed is an octal mode such as 0644"), {
				default: "0644",
			}),
			setting(
				"owner",
				"Whose it is: an account, or account and group.",
				kinds.pattern(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_.-]+)?$/, "allowed is ACCOUNT or ACCOUNT:GROUP"),
				{ default: "root" },
			),
		],
	},
} satisfies Record<string, LibraryScript>;
