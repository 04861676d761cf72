/** What a template's steps need in the guest, as the user describes it: looked for, and added where that is allowed. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { sha256, wholeText } from "../schema";

const words = z
	.array(wholeText.max(65_536, "allowed are at most 65536 characters"))
	.min(1)
	.max(256)
	.refine(([program]) => program !== "", "allowed is a program and its arguments; the program is empty");

const path = z.string().min(1).max(4096);

export const toolSchema = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "allowed are 1 to 63 small letters, digits, dots, underscores and hyphens"),
	provides: z
		.string()
		.regex(
			/^(\/[^\p{C}]{1,254}|[A-Za-z0-9][A-Za-z0-9._+-]{0,63})$/u,
			"allowed is a command's name, or an absolute path in the guest",
		),
	script: z.strictObject({ text: wholeText.max(1_048_576).optional(), file: path.optional() }).optional(),
	package: z.strictObject({ file: path, install: words, remove: words }).optional(),
	sha256,
	credentials: z
		.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "allowed are names of environment variables"), wholeText)
		.optional(),
	required: z.boolean().default(true),
	keep: z.boolean().default(false),
	timeoutSeconds: z.number().min(1).max(86_400).default(120),
});

export type Tool = z.output<typeof toolSchema>;

export const toolsSchema = z.array(toolSchema).max(32);

/** "tools[1]: ...", without a look at any file; undefined where they are in order. */
export function complaintAboutTools(tools: ReadonlyArray<Tool> = []): string | undefined {
	const names = new Set<string>();
	for (const [index, tool] of tools.entries()) {
		const complaint = names.has(tool.name) ? "twice; allowed is a name of its own for each" : complaintAbout(tool);
		if (complaint !== undefined) return `tools[${index}]: got "${tool.name}" ${complaint}`;
		names.add(tool.name);
	}
	return undefined;
}

function complaintAbout({ provides, script, package: packed, sha256: wanted, credentials }: Tool): string | undefined {
	if ((script === undefined) === (packed === undefined)) {
		return `with ${script ? "both" : "neither"} of script and package; allowed is one of them`;
	}
	if (packed) {
		return PACKAGE_NAME.test(basename(packed.file))
			? undefined
			: `with package.file ${JSON.stringify(packed.file)}; allowed are names of letters, digits, and ._+~-`;
	}
	if (!provides.startsWith("/")) {
		return `with script and provides "${provides}"; allowed is the absolute path at which the script is to be`;
	}
	if (credentials !== undefined) return "with credentials and script; allowed are they with package, for its install";
	if ((script!.text === undefined) === (script!.file === undefined)) {
		return `with ${script!.text === undefined ? "neither" : "both"} of script.text and script.file; allowed is one of them`;
	}
	return script!.text === undefined ? undefined : mismatch(Buffer.from(script!.text), wanted);
}

const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,199}$/;

function mismatch(bytes: Buffer, wanted: string): string | undefined {
	const found = hashOf(bytes);
	return found === wanted
		? undefined
		: `with sha256 ${wanted}; allowed is that of its content, which is ${found}: it is another one than was meant`;
}

function hashOf(bytes: Buffer): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** The content that is added, or why there is none. A file's path is one from the folder of the Pulumi project. */
export function contentOf({ script, package: packed, sha256: wanted }: Tool): Buffer | string {
	const file = script?.file ?? packed?.file;
	if (script?.text !== undefined) return Buffer.from(script.text);
	try {
		const bytes = readFileSync(file!);
		const complaint = mismatch(bytes, wanted);
		return complaint === undefined ? bytes : `${file} ${complaint}`;
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		return code === "ENOENT" ? `there is no file ${file}; give its path from ${process.cwd()}` : message;
	}
}

/** "jq (the guest is asked for jq), removed at the end" */
export function toolLine({ name, provides, keep, required, script, package: packed }: Tool): string {
	const how = script ? "as a script" : `by ${packed!.install[0]} from ${packed!.file}`;
	const after = keep ? "stays" : "removed at the end";
	return `${name}: where the guest has no ${provides}, added ${how}; ${after}${required ? "" : "; goes on without"}`;
}
