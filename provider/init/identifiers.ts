/**
 * Identifiers of a machine's own virtual hardware: what a guest can read without asking anybody, and what its parameters
 * are computed from. A kind with its argument is written as in the plan inside the guest:
 *
 * | kind | read from | normal form | bytes | instance |
 * |---|---|---|---|---|
 * | `mac N` | NIC number N (0 is the first; `mac` alone is that) | lower case with colons | 6 | the last two bytes |
 * | `uuid` | SMBIOS | lower case with hyphens | 16, in the order of the text | the last four bytes |
 * | `serial` | SMBIOS | as it is | none | the digits at its end |
 * | `oem PREFIX` | the first SMBIOS OEM string that starts with PREFIX, without the prefix | as it is | none | the digits at its end |
 * | `disk-serial N` | disk number N (0 is the first; `disk-serial` alone is that) | as it is | none | the digits at its end |
 * | `tpm` | SHA-256 of the endorsement key's public area | 64 hex digits, lower case | 32 | none |
 *
 * Several kinds make a combination: its text is theirs joined by "/", its bytes are those of the first one that has
 * bytes, its instance is that of the first one that has an instance.
 */
import { createHash } from "node:crypto";
import { listed } from "../allowed";
import { InputError } from "../lifecycle";
import { shown } from "../problems";

/** Of each kind, what has to follow it. */
const ARGUMENTS = {
	mac: "number",
	uuid: "none",
	serial: "none",
	oem: "prefix",
	"disk-serial": "number",
	tpm: "none",
} as const;

export type IdentifierKind = keyof typeof ARGUMENTS;

export const IDENTIFIER_KINDS = Object.keys(ARGUMENTS) as ReadonlyArray<IdentifierKind>;

/** What is asked for an id of the hardware: `mac 0`, `uuid`, `oem clone=`. */
export interface Identifier {
	kind: IdentifierKind;
	/** As it is written after the kind; empty where the kind has none. */
	argument: string;
}

/** Ids of one machine in normal form, by their identifiers in full: `{ "mac 0": "52:54:00:10:00:01", uuid: ... }`. */
export type Hardware = Readonly<Record<string, string>>;

const ALLOWED = `allowed are ${listed(["mac", "mac N", "uuid", "serial", "oem PREFIX", "disk-serial", "disk-serial N", "tpm"], "and")}, with N from 0 to 99 and a PREFIX of 1 to 64 characters without spaces`;

/** What is wrong with the text of an identifier, as "allowed are ..."; undefined when nothing is. */
export function identifierComplaint(text: string): string | undefined {
	return parse(text) === undefined ? ALLOWED : undefined;
}

/** @throws InputError unless it is an identifier */
export function parseIdentifier(text: string, property = "identifier"): Identifier {
	const identifier = parse(text);
	if (identifier === undefined) throw new InputError(property, `got ${shown(text)}; ${ALLOWED}`);
	return identifier;
}

/** An identifier in full, as the plan in the guest has it: `mac` is `mac 0`. */
export function identifierText({ kind, argument }: Identifier): string {
	return argument === "" ? kind : `${kind} ${argument}`;
}

function parse(text: string): Identifier | undefined {
	const [word = "", ...rest] = text.split(" ");
	if (!Object.hasOwn(ARGUMENTS, word)) return undefined;
	const kind = word as IdentifierKind;
	const argument = rest.join(" ");
	switch (ARGUMENTS[kind]) {
		case "none":
			return rest.length === 0 ? { kind, argument } : undefined;
		case "number":
			if (rest.length === 0) return { kind, argument: "0" };
			return /^(0|[1-9]\d?)$/.test(argument) ? { kind, argument } : undefined;
		case "prefix":
			return /^[!-~]{1,64}$/.test(argument) ? { kind, argument } : undefined;
	}
}

const HEX_FORM: Partial<Record<IdentifierKind, { pattern: RegExp; allowed: string }>> = {
	mac: { pattern: /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, allowed: "six pairs of hex digits with colons" },
	uuid: { pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, allowed: "a UUID" },
	tpm: { pattern: /^[0-9a-f]{64}$/, allowed: "64 hex digits" },
};

/** @throws InputError unless a machine can have the value as an id of the kind */
export function normalForm(kind: IdentifierKind, value: string, property: string = kind): string {
	const form = HEX_FORM[kind];
	const normal = form ? inLowerCase(kind, value) : value;
	if (form ? form.pattern.test(normal) : isText(normal)) return normal;
	const allowed = form?.allowed ?? "text of 1 to 255 bytes without control characters";
	throw new InputError(property, `got ${shown(value)}; allowed is ${allowed}`);
}

/** The normal forms that a text has if it is an id, or a combination: itself, and where it looks like MAC or UUID theirs. */
export function possibleForms(text: string): string[] {
	const parts = text.split("/").map((part) => {
		const kind = (["mac", "uuid"] as const).find((each) => HEX_FORM[each]!.pattern.test(inLowerCase(each, part)));
		return kind ? inLowerCase(kind, part) : part;
	});
	return [...new Set([text, parts.join("/")])];
}

function inLowerCase(kind: IdentifierKind, value: string): string {
	return kind === "mac" ? value.toLowerCase().replaceAll("-", ":") : value.toLowerCase();
}

function isText(value: string): boolean {
	const bytes = Buffer.byteLength(value);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
	return bytes >= 1 && bytes <= 255 && !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(value);
}

/** What the plan in the guest and its tables know an id by: it tells who is who, and not what the id is. */
export function hashOf(normal: string | Buffer): string {
	return createHash("sha256").update(normal).digest("hex");
}

/** The digits of an id's bytes: undefined where the kind has no bytes. */
export function hexOf(kind: IdentifierKind, normal: string): string | undefined {
	return HEX_FORM[kind] && normal.replace(/[:-]/g, "");
}

/** The number of the machine that its id carries: undefined where it carries none. */
export function instanceOf(kind: IdentifierKind, normal: string): number | undefined {
	if (kind === "tpm") return undefined;
	const hex = hexOf(kind, normal);
	if (hex !== undefined) return Number.parseInt(hex.slice(kind === "mac" ? -4 : -8), 16);
	const digits = /[0-9]+$/.exec(normal)?.[0].replace(/^0+(?=.)/, "");
	// Fifteen digits are exact in every awk.
	return digits === undefined || digits.length > 15 ? undefined : Number(digits);
}
