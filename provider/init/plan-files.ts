/** The plan in the guest: what differs from image to image. */
import { createHash } from "node:crypto";
import type { DescribedScript, Description } from "./description";
import { type Hardware, hashOf, identifierText, parseIdentifier } from "./identifiers";
import { type PayloadFile, PLAN_FOLDER } from "./payload-type";
import { DEFAULT_TIMEOUT_SECONDS, scheduleText } from "./script";

/**
 * Raised when the programs of a new version of this package cannot do with images that an earlier one made: all images are
 * made anew then, and clones with `onScriptChange: "replace"`.
 */
const FORMAT = "1";

/** A script with its place among all. */
export type NumberedScript = DescribedScript & { number: string };

/** Lines; the last may lack its end. */
export function planFile(name: string, text: string): PayloadFile {
	const content = Buffer.from(text.endsWith("\n") || text === "" ? text : `${text}\n`);
	return { path: `${PLAN_FOLDER}/${name}`, mode: 0o600, content };
}

export function planFiles({
	identifier,
	parameters,
	secretParameters,
	policy,
	afterwards,
	notOn,
	scripts,
}: Description): PayloadFile[] {
	const asked = [...identifier, ...scripts.flatMap((script) => script.identifier ?? []), ...parameters.identifiers];
	const kinds = Object.keys(notOn).map((id) => parseIdentifier(id, "notOn").kind);
	// All NICs and disks of a machine are compared with the source's, as any may be another's there.
	const compared = kinds.map((kind) => (kind === "mac" || kind === "disk-serial" ? `${kind} all` : kind));
	return [
		planFile("format", FORMAT),
		planFile("identifier", inFull(identifier).join("\n")),
		planFile("ids", [...new Set([...inFull(asked), ...compared])].join("\n")),
		planFile("parameters", parameters.text + INSTANCE),
		planFile("variables", variablesOf(parameters.text)),
		planFile("secret-parameters", secretParameters.join("\n")),
		planFile(
			"policy",
			Object.entries(policy)
				.map((words) => words.join(" "))
				.join("\n"),
		),
		planFile("afterwards", afterwards),
		planFile("not-on", notOnText(notOn)),
	];
}

/** How scripts know the parameters: the shell in the guest has no upper case but by a process. */
function variablesOf(programs: string): string {
	const names = [...programs.matchAll(/^parameter (.+)$/gm)].map(([, name]) => name!);
	return [...names, "instance"].map((name) => `${name} ${variableOf(name)}`).join("\n");
}

/** Beside the parameters, where the id carries a number. */
const INSTANCE = "parameter instance\npush-instance\nput\nend\n";

function inFull(identifiers: ReadonlyArray<string>): string[] {
	return identifiers.map((text) => identifierText(parseIdentifier(text)));
}

/** Hashes: the image tells nobody what its source's ids are. */
function notOnText(notOn: Hardware): string {
	return Object.entries(notOn)
		.map(([id, value]) => `${parseIdentifier(id, "notOn").kind} ${hashOf(value)}`)
		.join("\n");
}

/** What is said of a script. */
export function scriptSettings(script: NumberedScript, { parameters, identifier }: Description): PayloadFile[] {
	const settings = settingsOf(script);
	const own = script.identifier && inFull(script.identifier).join("\n");
	// What it runs with belongs to it: another value is another script.
	const hash = createHash("sha256");
	const source = script.source ?? script.content;
	for (const part of [source, settings, own ?? inFull(identifier).join("\n"), parameters.text]) {
		hash.update(`${Buffer.byteLength(part)}\0${part}`);
	}
	return [
		planFile(`${folderOf(script)}/settings`, `${settings}hash ${hash.digest("hex")}`),
		...(own === undefined ? [] : [planFile(`${folderOf(script)}/identifier`, own)]),
	];
}

export function scriptText(script: NumberedScript): PayloadFile {
	return { path: `${PLAN_FOLDER}/${folderOf(script)}/script`, mode: 0o700, content: Buffer.from(script.content) };
}

function folderOf({ number, name }: NumberedScript): string {
	return `scripts/${number}-${name}`;
}

function settingsOf({
	kind,
	when,
	stage,
	timeoutSeconds,
	onlyOn = {},
	secret,
	arguments: names = [],
}: DescribedScript): string {
	const lines = [
		["kind", kind],
		["when", scheduleText(when)],
		["stage", stage ?? "late"],
		["timeout", String(timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS)],
		...(onlyOn.instanceIds
			? [["only-instances", onlyOn.instanceIds.from, onlyOn.instanceIds.to ?? LAST_INSTANCE]]
			: []),
		...ONLY_ON.flatMap((key) => (onlyOn[key] === undefined ? [] : [[`only-${key}`, onlyOn[key]]])),
		...names.map((name) => ["argument", variableOf(name)]),
		...(secret ? [["secret", "yes"]] : []),
	];
	return lines.map((words) => `${words.join(" ")}\n`).join("");
}

const LAST_INSTANCE = 65_535;
const ONLY_ON = ["os", "arch", "hypervisor", "firmware"] as const;

/** By which name a script has a parameter in its environment. */
export function variableOf(parameter: string): string {
	return `CLONE_${parameter.toUpperCase().replaceAll("-", "_")}`;
}
