/** From the scripts of an image to the files that carry them. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../lifecycle";
import { refuse, shown, validate } from "../problems";
import { hooksOf, type Stage } from "./hooks";
import { type Hardware, hashOf, identifierComplaint, identifierText, parseIdentifier } from "./identifiers";
import { inOrder, SCRIPT_KINDS } from "./order";
import { OWN_FOLDER, type Payload, type PayloadFile, PLAN_FOLDER, VERSION_FILE } from "./payload-type";
import { DEFAULT_TIMEOUT_SECONDS, isOfBoot, scheduleText, scriptShape } from "./script";

const FORMAT = "1";
/** The folders of scripts have numbers of two digits. */
const MOST_SCRIPTS = 99;
/** Where the guest's programs are in this package. */
const PROGRAMS = join(__dirname, "..", "..", "..", "guest", "init");

const identifier = z
	.array(z.string().refine((text) => identifierComplaint(text) === undefined, identifierComplaint("")))
	.min(1)
	.max(6);

const again = z.enum(["keep", "rerun", "parametersOnly"]);

export const payloadScriptSchema = z.strictObject({
	...scriptShape,
	kind: z.enum(SCRIPT_KINDS),
	/** Identifiers that its parameters are computed from, instead of the image's. */
	identifier: identifier.optional(),
	/** Its text or its output may hold secrets: the output is not kept. */
	secret: z.boolean().optional(),
});

export const payloadSchema = z.strictObject({
	scripts: z.array(payloadScriptSchema).max(MOST_SCRIPTS, `allowed are at most ${MOST_SCRIPTS} scripts in all`),
	identifier,
	/** As `compileParameters` gives them. */
	parameters: z.object({ text: z.string(), identifiers: z.array(z.string()).readonly() }),
	/** Names of those that no report shows. */
	secretParameters: z.array(z.string()).default([]),
	policy: z
		.strictObject({ reboot: again.default("keep"), reclone: again.default("rerun"), changed: again.default("rerun") })
		.prefault({}),
	/** What becomes of it all in a clone when the scripts have ended well. */
	afterwards: z.enum(["keep", "disable", "remove"]).default("keep"),
	/** Hardware ids of the source, on which nothing runs. */
	notOn: z.record(z.string(), z.string()).default({}),
});

export type PayloadDescription = z.input<typeof payloadSchema>;
type Description = z.output<typeof payloadSchema>;
type Script = Description["scripts"][number];

/**
 * The same description gives the same payload.
 * @throws InputError that says what is wrong with it
 */
export async function makePayload(given: PayloadDescription): Promise<Payload> {
	const { inputs, problems } = validate<Description>(payloadSchema as z.ZodType<Description>, given);
	refuse("the scripts of the image", problems);
	const scripts = inOrder(inputs.scripts).map((script, index) => ({
		...script,
		number: String(index + 1).padStart(2, "0"),
	}));
	checkParameters(inputs);
	checkAfterwards(inputs);
	const hooks = hooksOf(
		stagesOf(inputs),
		scripts.flatMap(({ number, when }) =>
			isService(when?.program) ? [{ number, service: scheduleText(when).slice("program ".length) }] : [],
		),
	);
	const files = sorted([
		...(await programs()),
		...planFiles(inputs),
		...scripts.flatMap((script) => scriptFiles(script, inputs)),
		...hooks.files,
	]);
	const version = versionOf(files, hooks);
	return { files: sorted([...files, planFile("version", version)]), links: hooks.links, lines: hooks.lines, version };
}

/** Of all that the payload has in the guest, the parts of which later ones can be told. */
function versionOf(files: ReadonlyArray<PayloadFile>, { links, lines }: Pick<Payload, "links" | "lines">): string {
	const hash = createHash("sha256");
	for (const { path, mode, content } of files) hash.update(`${path}\0${mode}\0${content.length}\0`).update(content);
	return hash.update(JSON.stringify([links, lines])).digest("hex");
}

function sorted(files: ReadonlyArray<PayloadFile>): PayloadFile[] {
	return [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
}

async function programs(): Promise<PayloadFile[]> {
	const read = async (name: string, mode: number) => ({
		path: `${OWN_FOLDER}/${name}`,
		mode,
		content: await readFile(join(PROGRAMS, name)),
	});
	const parts = (await readdir(join(PROGRAMS, "parts"))).map((name) => `parts/${name}`);
	return Promise.all([
		...["run", "identify"].map((name) => read(name, 0o755)),
		...["parameters.awk", ...parts].map((name) => read(name, 0o644)),
	]);
}

function planFile(name: string, text: string, mode = 0o600): PayloadFile {
	return {
		path: name === "version" ? VERSION_FILE : `${PLAN_FOLDER}/${name}`,
		mode,
		content: Buffer.from(text.endsWith("\n") || text === "" ? text : `${text}\n`),
	};
}

function planFiles({
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

function scriptFiles(script: Script & { number: string }, { parameters, identifier }: Description): PayloadFile[] {
	const settings = settingsOf(script);
	const own = script.identifier && inFull(script.identifier).join("\n");
	// What it runs with belongs to it: another value is another script.
	const hash = createHash("sha256");
	for (const part of [script.content, settings, own ?? inFull(identifier).join("\n"), parameters.text]) {
		hash.update(`${Buffer.byteLength(part)}\0${part}`);
	}
	const folder = `scripts/${script.number}-${script.name}`;
	return [
		{ path: `${PLAN_FOLDER}/${folder}/script`, mode: 0o700, content: Buffer.from(script.content) },
		planFile(`${folder}/settings`, `${settings}hash ${hash.digest("hex")}`),
		...(own === undefined ? [] : [planFile(`${folder}/identifier`, own)]),
	];
}

function settingsOf({ kind, when, stage, timeoutSeconds, onlyOn = {}, secret, arguments: names = [] }: Script): string {
	const lines = [
		["kind", kind],
		["when", scheduleText(when)],
		["stage", stage ?? "late"],
		["timeout", String(timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS)],
		...Object.entries(onlyOn).map(([key, value]) => [`only-${key}`, value]),
		...names.map((name) => ["argument", variableOf(name)]),
		...(secret ? [["secret", "yes"]] : []),
	];
	return lines.map((words) => `${words.join(" ")}\n`).join("");
}

/** By which name a script has a parameter in its environment. */
export function variableOf(parameter: string): string {
	return `CLONE_${parameter.toUpperCase().replaceAll("-", "_")}`;
}

/** Of these a unit or a line of inittab is made. What is set up for later is set up in a stage, too. */
function stagesOf({ scripts, afterwards }: Description): Set<Stage> {
	const stages = new Set<Stage>();
	for (const { when, stage } of scripts) {
		if (isOfBoot(when)) stages.add(stage ?? "late");
		else stages.add(when?.firstLogin || when?.program !== undefined ? "early" : "late");
	}
	if (afterwards !== "keep") stages.add("late");
	return stages;
}

function isService(program: string | undefined): boolean {
	return program !== undefined && !program.startsWith("/");
}

function checkParameters({ scripts, parameters, secretParameters }: Description): void {
	const names = [...parameters.text.matchAll(/^parameter (.+)$/gm)].map(([, name]) => name!);
	const allowed = `allowed are names of parameters: ${names.join(", ") || "there are none"}`;
	for (const { kind, name, arguments: wanted = [] } of scripts) {
		for (const argument of wanted) {
			if (names.includes(argument)) continue;
			throw new InputError(kind, `${name}: arguments: got ${shown(argument)}; ${allowed}`);
		}
	}
	const unknown = secretParameters.find((name) => !names.includes(name));
	if (unknown !== undefined) throw new InputError("secretParameters", `got ${shown(unknown)}; ${allowed}`);
}

function checkAfterwards({ scripts, afterwards }: Description): void {
	const later = scripts.find(({ when }) => scheduleText(when) !== "first-boot");
	if (afterwards === "keep" || later === undefined) return;
	throw new InputError(
		"afterwards",
		`got ${shown(afterwards)}, and ${later.name} runs ${scheduleText(later.when)}; allowed with scripts that run again or later is keep`,
	);
}
