/**
 * The input by which a payload reaches what it is put into. Its content may be long and secret, and whoever has the version
 * can tell it from any other: so the version alone is recorded, and the content is remembered by the process that checked it.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { guestFileSchema } from "../domain/guest-file";
import { absolutePath, sha256, wholeText } from "../schema";
import type { Payload } from "./payload-type";

const lineText = wholeText.regex(/^[^\n\r]*$/, "allowed is one line");

export const injectedSchema = z.strictObject({
	version: sha256,
	/** All of it, in one word that previews show the begin of; in a program's input, and not in what is recorded. */
	packed: z
		.base64()
		.refine((packed) => unpacked(packed) !== undefined, "allowed is what a payload was packed into")
		.optional(),
});

const payloadSchema = z.strictObject({
	system: z.literal("windows").optional(),
	files: z.array(guestFileSchema),
	links: z.array(z.strictObject({ path: absolutePath, target: wholeText.min(1), where: absolutePath.optional() })),
	lines: z.array(z.strictObject({ path: absolutePath, line: lineText })),
});

export type InjectedInput = z.output<typeof injectedSchema>;

/** The payload as an input, for who has it in a program. */
export function injectedOf({ version, system, files, links, lines }: Payload): InjectedInput {
	const text = files.map(({ path, mode, content }) => ({
		path,
		mode: mode.toString(8).padStart(4, "0"),
		content: content.toString("base64"),
		encoding: "base64",
	}));
	return { version, packed: gzipSync(JSON.stringify({ system, files: text, links, lines })).toString("base64") };
}

/** Undefined for what is none. */
function unpacked(packed: string): z.output<typeof payloadSchema> | undefined {
	try {
		return payloadSchema.safeParse(JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString())).data;
	} catch {
		return undefined;
	}
}

const remembered = new Map<string, Payload>();

/** Remembers the content. @returns what is recorded of it */
export function recordedOf(input: InjectedInput): InjectedInput {
	const { version, packed } = input;
	const given = packed === undefined ? undefined : unpacked(packed);
	if (given) {
		const content = given.files.map(({ path, mode, content, encoding }) => ({
			path,
			mode: Number.parseInt(mode, 8),
			content: Buffer.from(content, encoding === "base64" ? "base64" : "utf8"),
		}));
		remembered.set(version, { version, ...given, files: content });
	}
	return { version };
}

/** @throws Error when this process has not checked the input */
export function payloadOf({ version }: Pick<InjectedInput, "version">): Payload {
	const known = remembered.get(version);
	if (known) return known;
	throw new Error(
		`the scripts of version ${shortVersion({ version })} are not known to this process: run pulumi up again`,
	);
}

/** What an image is: what its base holds, and the payload. */
export function injectedContentId(baseContentId: string, { version }: Pick<InjectedInput, "version">): string {
	return `sha256:${createHash("sha256").update(`${baseContentId}\n${version}`).digest("hex")}`;
}

/** How a version is called in messages. */
export function shortVersion({ version }: Pick<InjectedInput, "version">): string {
	return version.slice(0, 8);
}
