/**
 * Which template each set of machines goes on from, and which templates are made by themselves: a pure function of what is
 * declared, what is asked for and what was decided before.
 */
import { InputError } from "../lifecycle";
import { type Configuration, fits, keyOf, left } from "./configuration";
import { distanceOf, isZero, levelOf, nearest, type Template } from "./search";

export interface Request {
	/** Name of the set of machines that asks. */
	set: string;
	configuration: Configuration;
}

/** A template that was made by itself. Its name ends with the key of its configuration. */
export type Automatic = Template;

export interface Choice {
	set: string;
	/** Of what it asks for. */
	key: string;
	/** Name of the template that it goes on from. */
	template: string;
}

export interface Wish {
	/** Start of the names of templates that are made by themselves. */
	name: string;
	/** The declared ones, each after its parent. */
	templates: Template[];
	/** Images that a template can boot. */
	bootable: string[];
	requests: Request[];
	/** How often a configuration is asked for until it has a template of its own. */
	keepAfter: number;
	/** Most levels that the tree grows to by itself. */
	maxLevels: number;
	/** Names of automatic templates that are not to be kept. */
	forget: string[];
}

export interface Decision {
	/** How often each configuration was asked for, by its key. */
	counts: Record<string, number>;
	choices: Choice[];
	/** Each after its parent. */
	automatic: Automatic[];
}

export const NOTHING_BEFORE: Decision = { counts: {}, choices: [], automatic: [] };

/**
 * A set that asked for the same before stays with its template, and does not count again.
 * @throws InputError when nothing can become what a set asks for
 */
export function decide(wish: Wish, before: Decision = NOTHING_BEFORE): Decision {
	const { requests, templates } = wish;
	const counts = countsOf(wish, before);
	const all = [...templates];
	for (const { name, configuration, parent } of before.automatic) {
		if (isForgotten(wish, before, name)) continue;
		const template = rooted(wish, all, { name, configuration, parent });
		if (template) all.push(template);
	}
	for (const { configuration } of bySize(requests)) grow(wish, counts, all, configuration);

	const choices = requests.map(({ set, configuration }): Choice => {
		const key = keyOf(configuration);
		const former = before.choices.find((choice) => choice.set === set && choice.key === key);
		const same = all.find(({ name }) => name === former?.template);
		const chosen = same && fits(same.configuration, configuration) ? same : nearest(all, configuration);
		return { set, key, template: chosen!.name };
	});
	return { counts, choices, automatic: needed(wish, counts, choices, all.slice(templates.length)) };
}

/** Of a configuration that is one of this catalog's own. */
export function automaticName(catalog: string, key: string): string {
	return `${catalog}-${key}`;
}

function countsOf({ name, requests, forget }: Wish, before: Decision): Record<string, number> {
	const counts = { ...before.counts };
	for (const { set, configuration } of requests) {
		const key = keyOf(configuration);
		const isNew = !before.choices.some((choice) => choice.set === set && choice.key === key);
		if (isNew) counts[key] = (counts[key] ?? 0) + 1;
	}
	return Object.fromEntries(Object.entries(counts).filter(([key]) => !forget.includes(automaticName(name, key))));
}

/** What machines go on from cannot be forgotten. */
function isForgotten({ forget, requests }: Wish, { choices, automatic }: Decision, name: string): boolean {
	if (!forget.includes(name)) return false;
	const isUsed = choices.some(({ set, key, template }) => {
		const request = requests.find((own) => own.set === set);
		return template === name && request !== undefined && keyOf(request.configuration) === key;
	});
	return !isUsed && !automatic.some(({ parent }) => parent === name);
}

/** With the parent that it had, while that fits; else with the nearest one. Undefined when it cannot be made any more. */
function rooted({ bootable }: Wish, all: Template[], template: Template): Template | undefined {
	const { configuration, name } = template;
	if (all.some((other) => other.name === name)) return undefined;
	const former = all.find((other) => other.name === template.parent);
	const parent = former && fits(former.configuration, configuration) ? former : undefined;
	if (parent || (template.parent === undefined && bootable.includes(configuration.image))) return template;
	const other = nearest(all, configuration);
	if (other) return { name, configuration, parent: other.name };
	return bootable.includes(configuration.image) ? { name, configuration } : undefined;
}

/** Adds a template for what is asked for, where that is asked for often enough, or there is none to go on from. */
function grow(
	{ name: catalog, ...wish }: Wish,
	counts: Record<string, number>,
	all: Template[],
	wanted: Configuration,
): void {
	const parent = nearest(all, wanted);
	const name = automaticName(catalog, keyOf(wanted));
	if (!parent) {
		if (!wish.bootable.includes(wanted.image)) throw refusal(wish.bootable, wanted);
		all.push({ name, configuration: wanted });
		return;
	}
	if (isZero(distanceOf(left(parent.configuration, wanted)))) return;
	if (!isRepeated(wish, counts, wanted) || levelOf(all, parent.name) >= wish.maxLevels) return;
	all.push({ name, parent: parent.name, configuration: wanted });
}

function isRepeated(
	{ keepAfter }: Pick<Wish, "keepAfter">,
	counts: Record<string, number>,
	wanted: Configuration,
): boolean {
	return (counts[keyOf(wanted)] ?? 0) >= keepAfter;
}

/** Without those that were asked for once and that nothing goes on from any more. */
function needed(wish: Wish, counts: Record<string, number>, choices: Choice[], automatic: Automatic[]): Automatic[] {
	const kept = automatic.filter(
		({ name, configuration }) =>
			isRepeated(wish, counts, configuration) ||
			choices.some(({ template }) => template === name) ||
			automatic.some(({ parent }) => parent === name),
	);
	return kept.length === automatic.length ? kept : needed(wish, counts, choices, kept);
}

/** The smaller ones first: they can be parents of the others. */
function bySize(requests: ReadonlyArray<Request>): Request[] {
	const size = ({ configuration: { files, packages, commands, startBeforeFork, restartAfterFork } }: Request) =>
		files.length + packages.length + commands.length + startBeforeFork.length + restartAfterFork.length;
	return requests.toSorted((a, b) => size(a) - size(b));
}

function refusal(bootable: string[], { image }: Configuration): InputError {
	const known = bootable.length === 0 ? "there are none with a base" : `those with a base are ${bootable.join(", ")}`;
	return new InputError(
		"requests",
		`got the image "${image}", and no template of it fits what is asked for; allowed is an image that a template can boot (${known}), or one of a template that has nothing else`,
	);
}
