/** What scripts of the library are told: values of one line, which become parameters, and texts of several. */
import { isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { parseNetwork } from "../../identity/addresses";
import { hostName } from "../../schema";
import { type LooseMapping, mappingSchema } from "../parameters-schema";

/** Parameters of a machine are at most that long. */
const LONGEST_PARAMETER = 1024;
/** Room for certificates and keys; the script that they stand in has a limit of its own. */
const LONGEST_TEXT = 131_072;

/**
 * A text, which may be a template such as `web-{instance}`; a list, whose items may be; a number; true or false; or a
 * mapping (table, list, ranges) as a parameter has it.
 */
export type SettingValue = LooseMapping | number | boolean | string[];

export interface Setting {
	name: string;
	/** One sentence about it, for the docs. */
	description: string;
	/** For errors and the docs: "allowed is a host name". */
	allowed: string;
	/** Whether the guest's script can do with it, once all expressions are computed; of a list with each item. */
	accepts: (value: string) => boolean;
	/** `line` and `list` (items without spaces) become parameters; a `text` has several lines, and stands in the script. */
	kind: "line" | "list" | "text";
	required: boolean;
	/** What the script does without it, for the docs. */
	default?: string;
	secret: boolean;
}

type Options = Partial<Pick<Setting, "required" | "default" | "secret" | "kind">>;

export function setting(
	name: string,
	description: string,
	{ allowed, accepts }: Pick<Setting, "allowed" | "accepts">,
	options: Options = {},
): Setting {
	return { name, description, allowed, accepts, kind: "line", required: false, secret: false, ...options };
}

/** What a value may be. Patterns see one line without control characters, or one item of a list. */
export const kinds = {
	pattern: (pattern: RegExp, allowed: string) => ({ allowed, accepts: (value: string) => pattern.test(value) }),
	choice: (...choices: string[]) => ({
		allowed: `allowed are ${choices.slice(0, -1).join(", ")} and ${choices.at(-1)}`,
		accepts: (value: string) => choices.includes(value),
	}),
	get flag() {
		return kinds.choice("true", "false");
	},
	seconds: {
		allowed: "allowed is a whole number of seconds from 1 to 86400",
		accepts: (value: string) => /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 86_400,
	},
	hostName: {
		allowed: "allowed are labels of 1 to 63 letters, digits and inner hyphens, separated by dots",
		accepts: (value: string) => hostName.safeParse(value).success,
	},
	/** Of another machine. */
	host: {
		allowed: "allowed is a host name or an address",
		accepts: (value: string) => isIP(value) !== 0 || hostName.safeParse(value).success,
	},
	address: {
		allowed: "allowed is an address without a prefix, such as 10.0.0.1 or fd00::1",
		accepts: (value: string) => isIP(value) !== 0 && !value.includes("%"),
	},
	ipv6Address: {
		allowed: "allowed is an address of IPv6 without a prefix, such as fd00::1",
		accepts: (value: string) => isIPv6(value) && !value.includes("%"),
	},
	addressWithPrefix: {
		allowed: "allowed is an address with its prefix, such as 10.0.0.10/24 or fd00::10/64",
		accepts: (value: string) => parseNetwork(value) !== undefined,
	},
	ipv6WithPrefix: {
		allowed: "allowed is an address of IPv6 with its prefix, such as fd00::10/64",
		accepts: (value: string) => parseNetwork(value)?.family === 6,
	},
	network: {
		allowed: "allowed are networks such as 10.0.0.0/24 or fd00::/64",
		accepts: (value: string) => parseNetwork(value) !== undefined,
	},
	interface: {
		allowed: "allowed is the name of an interface, such as eth0",
		accepts: (value: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(value),
	},
	account: {
		allowed:
			"allowed are 1 to 32 lower case letters, digits, underscores and hyphens, starting with a letter or underscore",
		accepts: (value: string) => /^[a-z_][a-z0-9_-]{0,31}$/.test(value),
	},
	passwordHash: {
		allowed: "allowed is a hash as crypt(3) makes it, such as $6$... of `openssl passwd -6`",
		accepts: (value: string) => /^(\$[^:$]+\$[^:]+|[!*])$/.test(value),
	},
	path: {
		allowed: "allowed is an absolute path without '..' and spaces",
		accepts: (value: string) => /^\/[^\s]*[^\s/]$/.test(value) && !value.split("/").includes(".."),
	},
};

/** Whether it is computed in the guest: then what it comes to is seen there, and by `valueProblems`. */
export function isTemplate(text: string): boolean {
	return /[{}]/.test(text);
}

/** What may be given for a setting. */
export function schemaOf(setting: Setting): z.ZodType<SettingValue | undefined> {
	const any = z
		.union([z.string(), z.number(), z.boolean(), z.array(z.string()).min(1), mappingSchema], {
			error: () => setting.allowed,
		})
		.refine((given) => typeof given === "object" || given !== "" || setting.kind === "text", setting.allowed)
		.refine((given) => typeof given !== "object" || Array.isArray(given) || setting.kind !== "text", setting.allowed)
		.refine((given) => isOneParameter(setting, given), `${setting.allowed}; in one line of at most 1024 characters`)
		.refine((given) => isAccepted(setting, given), setting.allowed);
	return setting.required ? any : any.optional();
}

function isOneParameter({ kind }: Setting, given: SettingValue): boolean {
	const text = textOf(kind, given);
	if (typeof text !== "string") return true;
	if (kind === "text") return text.length <= LONGEST_TEXT && !/(?![\n\t])\p{Cc}|\p{Surrogate}/u.test(text);
	return text.length <= LONGEST_PARAMETER && !/\p{Cc}|\p{Surrogate}/u.test(text);
}

function isAccepted(setting: Setting, given: SettingValue): boolean {
	if (Array.isArray(given) && setting.kind === "line") return false;
	const text = textOf(setting.kind, given);
	return typeof text !== "string" || valueIsAccepted(setting, text, isTemplate);
}

/** @param skipped which items are none of its business */
export function valueIsAccepted(
	{ kind, accepts }: Setting,
	text: string,
	skipped: (item: string) => boolean = () => false,
): boolean {
	if (kind === "text") return accepts(text);
	// An expression in a list may have spaces in it.
	if (kind === "line" || skipped(text)) return skipped(text) || accepts(text);
	const items = text.split(" ").filter((item) => item !== "");
	return items.length > 0 && items.every(accepts);
}

/** As the guest's script takes it: items of a list with spaces between them, lines with line ends. */
export function textOf(kind: Setting["kind"], given: SettingValue): LooseMapping {
	if (Array.isArray(given)) return given.join(kind === "text" ? "\n" : " ");
	return typeof given === "object" ? given : String(given);
}
