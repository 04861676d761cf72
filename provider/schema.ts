/** Pieces that the resources' schemas share. Error texts say what is allowed; the value got is added by `problems.ts`. */
import { z } from "zod";
import { computed } from "./allowed";

/** Names that libvirt, file systems and DNS all take without quoting. */
export const objectName = z
	.string()
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
		"allowed are 1 to 63 letters, digits, dots, underscores and hyphens, starting with a letter or digit",
	);

/** RFC 1123 label or dotted name. */
export const hostName = z
	.string()
	.max(253, "allowed are at most 253 characters")
	.regex(
		/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
		"allowed are labels of 1 to 63 letters, digits and inner hyphens, separated by dots",
	);

export const macAddress = z
	.string()
	.regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, "allowed are six pairs of hex digits separated by colons")
	.refine((mac) => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0, "allowed are unicast addresses (first byte even)")
	.transform((mac) => mac.toLowerCase());

/** Text that arrives as it is: half of a surrogate pair has no bytes. */
export const wholeText = z
	.string()
	.refine((text) => !/\p{Surrogate}/u.test(text), "allowed is text; half of a surrogate pair is none");

/** Key, path, UUID or name of an object made elsewhere. No control characters: it goes into XML. */
export const reference = z
	.string()
	.min(1)
	.max(4096, "allowed are at most 4096 characters")
	.regex(
		// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
		/^[^\u0000-\u001f\u007f\ud800-\udfff\ufffe\uffff]+$/u,
		"allowed is the id, name or path of an existing object, without control characters",
	);

const ABSOLUTE = "allowed is an absolute path without '..' and control characters";

/** An absolute path, without `..` and control characters. */
export const absolutePath = z
	.string()
	.max(4096, "allowed are at most 4096 characters")
	// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
	.regex(/^\/[^\u0000-\u001f\u007f\ud800-\udfff\ufffe\uffff]*$/u, ABSOLUTE)
	.refine((path) => !path.split("/").includes(".."), ABSOLUTE);

/** How the content of a file is given: as it is, or in base64, for what is no text. */
export const fileEncoding = z.enum(["text", "base64"]).default("text");

export const mebibytes = z.int("allowed is a whole number of MiB").min(1).max(67_108_864);

export const sha256 = z
	.string()
	.regex(/^[0-9a-fA-F]{64}$/, "allowed are 64 hex digits")
	.transform((hash) => hash.toLowerCase());

/** Inputs of every resource: see `RecordedInputs`. `lane` and `plan` serve the engine; no diff sees them. */
export const recordedShape = {
	ownerId: computed(z.string().min(1)),
	previousOwnerIds: z.array(z.string()).optional(),
	adopt: z.boolean().optional(),
	retain: computed(z.boolean().optional()),
	lane: computed(z.strictObject({ name: z.string(), width: z.int().min(1) }).optional()),
	plan: computed(z.any().optional()),
};

/** The same of what is on a host. */
export const commonShape = {
	uri: z
		.string()
		.regex(/^[a-z]+(\+[a-z0-9]+)?:\/\//, "allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system"),
	...recordedShape,
};
