/** What a template has, and what is asked for: the same kind of thing, so that one can be measured against the other. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { defaultsOf } from "../domain/defaults";
import { guestFileSchema } from "../domain/guest-file";
import { commandsSchema, service } from "../fork/forked";
import { forkDomainSchema } from "../fork/schema";
import { objectName } from "../schema";

const packageName = z
	.string()
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9+._:=~/-]{0,254}$/,
		"allowed is the name of a package, such as nginx or nginx=1.22.1-9",
	);

/** What is done to a machine, in this order. */
export const stepsSchema = z.strictObject({
	files: z.array(guestFileSchema).default([]),
	packages: z.array(packageName).default([]),
	commands: commandsSchema.default([]),
	startBeforeFork: z.array(service).default([]),
	restartAfterFork: z.array(service).default([]),
});

export const configurationSchema = stepsSchema.extend({
	image: objectName,
	domain: forkDomainSchema.default({}),
});

/** What is done to a machine before or after it is forked. */
export type Steps = z.output<typeof stepsSchema>;
/** All that a machine has: its image, its size and what was done to it since. */
export type Configuration = z.output<typeof configurationSchema>;

/** A configuration with more done to it: a file of the same path is written over. */
export function withSteps(before: Configuration, more: Steps): Configuration {
	const paths = new Set(more.files.map(({ path }) => path));
	return {
		...before,
		files: [...before.files.filter(({ path }) => !paths.has(path)), ...more.files],
		packages: union(before.packages, more.packages),
		commands: [...before.commands, ...more.commands],
		startBeforeFork: union(before.startBeforeFork, more.startBeforeFork),
		restartAfterFork: union(before.restartAfterFork, more.restartAfterFork),
	};
}

/**
 * Whether a machine that has the one can become the other by doing more: it has nothing that is unwanted. The same image;
 * the size as far as it is asked for; files, packages and services that are all asked for; commands that the others begin
 * with, in their order.
 */
export function fits(template: Configuration, wanted: Configuration): boolean {
	return (
		template.image === wanted.image &&
		hasSize(template.domain, wanted.domain) &&
		template.files.every((file) => wanted.files.some((other) => isDeepStrictEqual(file, other))) &&
		template.commands.every((command, index) => isDeepStrictEqual(command, wanted.commands[index])) &&
		template.packages.every((name) => wanted.packages.includes(name)) &&
		template.startBeforeFork.every((name) => wanted.startBeforeFork.includes(name)) &&
		template.restartAfterFork.every((name) => wanted.restartAfterFork.includes(name))
	);
}

/** What is to be done to a machine that has the one for it to become the other, which it fits. */
export function left(template: Configuration, wanted: Configuration): Steps {
	const without = (names: string[], has: string[]) => names.filter((name) => !has.includes(name));
	return {
		files: wanted.files.filter((file) => !template.files.some((other) => isDeepStrictEqual(file, other))),
		packages: without(wanted.packages, template.packages),
		commands: wanted.commands.slice(template.commands.length),
		startBeforeFork: without(wanted.startBeforeFork, template.startBeforeFork),
		restartAfterFork: without(wanted.restartAfterFork, template.restartAfterFork),
	};
}

/** Eight hex digits that are the same for configurations that come to the same, in whatever order they are written. */
export function keyOf({
	image,
	domain,
	files,
	packages,
	commands,
	startBeforeFork,
	restartAfterFork,
}: Configuration): string {
	const content = [
		image,
		sorted(Object.entries(askedOf(domain))),
		sorted(files.map(({ path, content, mode, encoding }) => [path, content, mode, encoding])),
		sorted(packages),
		commands,
		sorted(startBeforeFork),
		sorted(restartAfterFork),
	];
	return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 8);
}

function hasSize(has: Configuration["domain"], wanted: Configuration["domain"]): boolean {
	const own: Record<string, unknown> = { ...defaultsOf({}), ...askedOf(has) };
	return Object.entries(askedOf(wanted)).every(([key, value]) => isDeepStrictEqual(own[key], value));
}

/** What says something: with the accelerator `auto` any will do. */
function askedOf(domain: Configuration["domain"]): object {
	return Object.fromEntries(
		Object.entries(domain).filter(([key, value]) => value !== undefined && !(key === "type" && value === "auto")),
	);
}

function union(some: string[], others: string[]): string[] {
	return [...new Set([...some, ...others])];
}

function sorted<Item>(items: ReadonlyArray<Item>): Item[] {
	const text = (item: Item) => JSON.stringify(item);
	return [...items].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}
