/** A template's file while it is edited: comments stay, and what somebody else has written meanwhile is not overwritten. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isSeq, parseDocument, type YAMLSeq } from "yaml";
import { PATHS } from "./form";

/** Tools, and steps, by where they are in a template ("migration.duringMigration"), checked for their form alone. */
export type Draft = Record<string, Array<Record<string, unknown>>>;

/** The template that a draft stands for. */
export function templateOf(draft: Draft): unknown {
	if (!isGroup(draft)) return draft;
	const template: Record<string, unknown> = {};
	for (const [path, steps] of Object.entries(draft)) {
		const [group, phase] = path.split(".") as [string, string?];
		if (phase === undefined) template[group] = steps;
		else template[group] = { ...(template[group] as object), [phase]: steps };
	}
	return template;
}

export interface Opened {
	draft: Draft;
	/** Of the file's content; "none" where there is no file yet. */
	version: string;
}

/** The file was changed by somebody else. */
export class ChangedError extends Error {}

/** @throws Error for a file that cannot be read, and one whose form no fields can show */
export function open(file: string): Opened {
	const text = read(file);
	return { draft: draftOf(documentOf(file, text ?? ""), file), version: versionOf(text) };
}

/**
 * Writes it whole or not at all.
 * @param version of the content that the draft was made from
 * @returns the new version
 * @throws ChangedError when the file has another one now
 */
export function save(file: string, draft: Draft, version: string): string {
	const text = read(file);
	if (versionOf(text) !== version) {
		throw new ChangedError(`${file} was changed by somebody else after it was opened: nothing was written`);
	}
	const content = file.endsWith(".json")
		? `${JSON.stringify(templateOf(draft), undefined, 2)}\n`
		: edited(documentOf(file, text ?? ""), draft);
	const path = text === undefined ? file : realpathSync(file);
	const beside = `${path}.${randomBytes(4).toString("hex")}`;
	try {
		writeFileSync(beside, content, { flag: "wx", mode: text === undefined ? 0o644 : statSync(path).mode });
		renameSync(beside, path);
	} finally {
		rmSync(beside, { force: true });
	}
	return versionOf(content);
}

function read(file: string): string | undefined {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

function versionOf(text: string | undefined): string {
	return text === undefined ? "none" : createHash("sha256").update(text).digest("hex");
}

function documentOf(file: string, text: string): Document {
	const document = parseDocument(text);
	const [error] = document.errors;
	if (error) throw new Error(`${file}: ${error.message}`);
	return document;
}

function draftOf(document: Document, file: string): Draft {
	const given: unknown = document.toJS() ?? {};
	if (!isGroup(given)) throw new Error(`${file}: allowed is a group with ${PATHS.join(", ")}`);
	const flat = flattened(given);
	for (const [phase, steps] of Object.entries(flat)) {
		if (!PATHS.includes(phase)) {
			throw new Error(`${file}: there is no ${phase}; allowed are ${PATHS.join(", ")}`);
		}
		if (!Array.isArray(steps) || !steps.every(isGroup)) {
			throw new Error(
				`${file}: ${phase} is to be a list of ${phase === "tools" ? "tools" : "steps"}, each of them a group`,
			);
		}
	}
	return flat as Draft;
}

/** Groups of phases by their phases. */
function flattened(given: Record<string, unknown>): Record<string, unknown> {
	const groups = PATHS.flatMap((path) => (path.includes(".") ? path.split(".")[0]! : []));
	const entries = Object.entries(given).flatMap(([name, value]) =>
		groups.includes(name) && isGroup(value)
			? Object.entries(value).map(([phase, steps]): [string, unknown] => [`${name}.${phase}`, steps])
			: [[name, value] as [string, unknown]],
	);
	return Object.fromEntries(entries);
}

function isGroup(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The document with what has changed put into it: phases and steps that are as they were keep their comments and form. */
function edited(document: Document, draft: Draft): string {
	const before = flattened(document.toJS() ?? {}) as Draft;
	if (!isMap(document.contents)) document.contents = document.createNode({});
	for (const phase of PATHS) {
		const steps = draft[phase];
		if (isDeepStrictEqual(steps, before[phase])) continue;
		const path = phase.split(".");
		if (steps !== undefined && steps.length > 0) {
			document.setIn(path, listOf(document, path, before[phase] ?? [], steps));
			continue;
		}
		document.deleteIn(path);
		const group = path.length > 1 ? document.getIn(path.slice(0, -1)) : undefined;
		if (isMap(group) && group.items.length === 0) document.deleteIn(path.slice(0, -1));
	}
	return document.toString({ lineWidth: 120 });
}

function listOf(document: Document, path: string[], before: Draft[string], steps: Draft[string]): YAMLSeq {
	const former = document.getIn(path);
	const nodes = isSeq(former) ? [...former.items] : [];
	const left = [...before];
	const items = steps.map((step) => {
		const index = left.findIndex((one) => isDeepStrictEqual(one, step));
		if (index < 0) return document.createNode(step);
		left.splice(index, 1);
		return nodes.splice(index, 1)[0];
	});
	const list = isSeq(former) ? former : (document.createNode([]) as YAMLSeq);
	list.flow = false;
	list.items = items;
	return list;
}
