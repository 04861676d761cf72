/** A stack by Pulumi's Automation API: what a preview says with other settings, and an `up` with them. */
import { randomUUID } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { parse } from "yaml";
import { withTemporaryFolder } from "../provider/temporary";
import type { Step } from "./judge";
import { nameOf } from "./sets";

/** Only who needs the Automation API loads it: it takes long. @throws Error for a project or stack that is not there */
export async function openStack(project: string, name: string): Promise<Stack> {
	const { LocalWorkspace, StackNotFoundError } = await import("@pulumi/pulumi/automation/index.js");
	const workDir = resolve(project);
	try {
		return await LocalWorkspace.selectStack({ stackName: name, workDir });
	} catch (error) {
		if (!(error instanceof StackNotFoundError)) throw error;
		throw new Error(
			`stack: got ${JSON.stringify(name)}, which ${workDir} does not have; allowed is one that pulumi stack ls lists there`,
			{ cause: error },
		);
	}
}

/** The file of a stack's settings, which need not exist yet. @throws Error where there is no project */
export async function settingsFile(project: string, stack: string): Promise<string> {
	for (const name of ["Pulumi.yaml", "Pulumi.yml"]) {
		const text = await readIfThere(join(project, name));
		if (text === undefined) continue;
		const { stackConfigDir, config } = (parse(text) ?? {}) as { stackConfigDir?: string; config?: unknown };
		const folder = stackConfigDir ?? (typeof config === "string" ? config : ".");
		return resolve(project, folder, `Pulumi.${stack.split("/").at(-1)}${extname(name)}`);
	}
	throw new Error(
		`project: got ${JSON.stringify(project)}, in which there is no Pulumi.yaml; allowed is a project's folder`,
	);
}

export async function readIfThere(file: string): Promise<string | undefined> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

/** In one step: whoever reads it finds the former or the new text. "" takes it away. */
export async function writeSettings(file: string, text: string): Promise<void> {
	const real = await realpath(file).catch(() => file);
	if (text === "") return rm(real, { force: true });
	const beside = join(dirname(real), `.${basename(real)}.${randomUUID()}`);
	try {
		const { mode } = await stat(real).catch(() => ({ mode: 0o644 }));
		await writeFile(beside, text, { mode: mode & 0o777 });
		await rename(beside, real);
	} catch (error) {
		await rm(beside, { force: true });
		throw error;
	}
}

/**
 * What an `up` would do with these settings; the stack's own stay as they are.
 * @throws Error with what the program or the provider refuses
 */
export async function previewWith(stack: Stack, settings: string, signal?: AbortSignal): Promise<Step[]> {
	return withTemporaryFolder("settings", async (folder) => {
		// One that was aborted before is heard of by nobody.
		signal?.throwIfAborted();
		const configFile = join(folder, "settings.yaml");
		await writeFile(configFile, settings, { mode: 0o600 });
		const steps = new Map<string, Step>();
		const complaints: string[] = [];
		const onEvent = (event: EngineEvent) => {
			complaints.push(...complaintIn(event));
			const step = stepIn(event);
			if (step && steps.get(step.urn)?.operation !== "replace") steps.set(step.urn, step);
		};
		await telling(complaints, () => stack.preview({ configFile, color: "never", onEvent, ...(signal && { signal }) }));
		return [...steps.values()];
	});
}

/** @throws Error with what failed */
export async function bringAbout(stack: Stack, log: (text: string) => void, signal?: AbortSignal): Promise<void> {
	signal?.throwIfAborted();
	const complaints: string[] = [];
	await telling(complaints, () =>
		stack.up({
			color: "never",
			onOutput: (text) => log(text.trimEnd()),
			onEvent: (event) => complaints.push(...complaintIn(event)),
			...(signal && { signal }),
		}),
	);
}

/** The errors themselves in place of all that the command has printed. */
async function telling(complaints: string[], work: () => Promise<unknown>): Promise<void> {
	try {
		await work();
	} catch (error) {
		if (complaints.length === 0) throw error;
		throw new Error([...new Set(complaints)].join("\n"), { cause: error });
	}
}

function complaintIn({ diagnosticEvent }: EngineEvent): string[] {
	if (diagnosticEvent?.severity !== "error") return [];
	// Colours are told by marks of the engine's own.
	const text = diagnosticEvent.message.replace(/<\{%[^%]*%\}>/g, "").trim();
	// What fails in a resource is told once more of the update.
	return text === "" || /^(preview|update) failed$/.test(text) ? [] : [text];
}

const OPERATIONS: Record<string, string> = {
	create: "create",
	update: "update",
	delete: "delete",
	replace: "replace",
	"create-replacement": "replace",
	"delete-replaced": "replace",
	import: "create",
};

function stepIn({ resourcePreEvent }: EngineEvent): Step | undefined {
	if (!resourcePreEvent) return undefined;
	const { op, urn, type, old, new: after } = resourcePreEvent.metadata;
	const operation = OPERATIONS[op];
	// The stack itself and its providers are no machines of anybody.
	if (operation === undefined || type.startsWith("pulumi:")) return undefined;
	const parent = after?.parent ?? old?.parent;
	return { urn, parent, name: nameOf(urn), type: type.slice(type.lastIndexOf(":") + 1), operation };
}
