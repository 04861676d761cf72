/** The list of all arguments there are, made from the schemas, so that none is forgotten. */
import type { z } from "zod";
import { definitionOf, innermost, isComputed } from "../../../provider/allowed";

/** Paths of all properties that a user can give: `disks`, `disks[].bus`, `instances.*.mac`, ... */
export function argumentsOf(schema: z.ZodType, path = ""): string[] {
	const { element, valueType, shape, options } = definitionOf(innermost(schema));
	if (element) return argumentsOf(element, `${path}[]`);
	if (valueType) return argumentsOf(valueType, join(path, "*"));
	if (options) return [...new Set(options.flatMap((option) => argumentsOf(option, path)))];
	return Object.entries(shape ?? {}).flatMap(([key, inner]) =>
		isComputed(inner) ? [] : [join(path, key), ...argumentsOf(inner, join(path, key))],
	);
}

/** Those of them that have to be given. */
export function requiredOf(schema: z.ZodType, path = ""): string[] {
	const { element, valueType, shape, options } = definitionOf(innermost(schema));
	if (element) return requiredOf(element, `${path}[]`);
	if (valueType) return requiredOf(valueType, join(path, "*"));
	if (options) return [...new Set(options.flatMap((option) => requiredOf(option, path)))];
	return Object.entries(shape ?? {}).flatMap(([key, inner]) => [
		...(isComputed(inner) || inner.safeParse(undefined).success ? [] : [join(path, key)]),
		...requiredOf(inner, join(path, key)),
	]);
}

/** Places of all texts: a list or a group of names stands for one with one entry, called `one`. */
export function textsOf(schema: z.ZodType): string[] {
	return argumentsOf(schema)
		.map((path) => path.replaceAll("[]", "[0]").replaceAll("*", "one"))
		.flatMap((path) => [path, `${path}[0]`])
		.filter((path) => isText(schema, stepsOf(path)));
}

function isText(schema: z.ZodType, [step, ...rest]: ReadonlyArray<string | number>): boolean {
	const { type, shape, element, options, valueType } = definitionOf(innermost(schema));
	if (options) return options.some((option) => isText(option, step === undefined ? [] : [step, ...rest]));
	if (step === undefined) return type === "string";
	const next = typeof step === "number" ? element : (shape?.[step] ?? valueType);
	return next !== undefined && isText(next, rest);
}

function join(path: string, key: string): string {
	return path === "" ? key : `${path}.${key}`;
}

/** The steps of a concrete path: `disks[0].bus` is disks, 0, bus. */
export function stepsOf(path: string): Array<string | number> {
	return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
		index === undefined ? key! : Number(index),
	);
}

/** A copy with another value at a path; what is missing on the way is made. Undefined removes. */
export function withValue(given: unknown, [step, ...rest]: ReadonlyArray<string | number>, value: unknown): unknown {
	if (step === undefined) return value;
	if (typeof step === "number") {
		const list = Array.isArray(given) ? [...given] : [];
		list[step] = withValue(list[step], rest, value);
		return list;
	}
	const group = { ...(typeof given === "object" ? given : {}) } as Record<string, unknown>;
	const inner = withValue(group[step], rest, value);
	if (inner === undefined) delete group[step];
	else group[step] = inner;
	return group;
}

/** `disks[0].bus` as the list of arguments has it: `disks[].bus`; names in a record become `*`. */
export function argumentOf(path: string, known: ReadonlyArray<string>): string | undefined {
	const general = path.replaceAll(/\[\d+\]/g, "[]");
	return known.find((own) =>
		new RegExp(`^${own.replaceAll(/[.[\]]/g, "\\$&").replaceAll("*", "[^.]+")}$`).test(general),
	);
}
