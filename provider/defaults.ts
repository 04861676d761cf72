/**
 * What an input says that is also said by leaving it out. The engine is given inputs without their defaults: it writes
 * the whole state at every step, which costs by the number of properties, and a preview shows what was asked for.
 */
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { definitionOf } from "./allowed";

/** The value without what equals its default, at any depth. */
export function withoutDefaults(schema: z.ZodType, value: unknown): unknown {
	return walk(schema, value, (shape, group) =>
		Object.entries(group).flatMap(([key, inner]) => {
			const own = shape[key];
			if (own === undefined) return [[key, inner]];
			const fallback = defaultOf(own);
			if (fallback !== undefined && isDeepStrictEqual(inner, fallback.value)) return [];
			return [[key, withoutDefaults(own, inner)]];
		}),
	);
}

/** The value with the defaults of what is absent, at any depth. */
export function withDefaults(schema: z.ZodType, value: unknown): unknown {
	return walk(schema, value, (shape, group) => [
		...Object.entries(shape).flatMap(([key, own]): [string, unknown][] => {
			if (key in group) return [[key, withDefaults(own, group[key])]];
			const fallback = defaultOf(own);
			return fallback === undefined ? [] : [[key, fallback.value]];
		}),
		...Object.entries(group).filter(([key]) => !(key in shape)),
	]);
}

type Group = Record<string, unknown>;

/** Changes the groups that a schema describes; choices of shapes have no defaults inside. */
function walk(
	schema: z.ZodType,
	value: unknown,
	change: (shape: Record<string, z.ZodType>, group: Group) => [string, unknown][],
): unknown {
	const { type, innerType, shape, element } = definitionOf(schema);
	if (innerType && (type === "default" || type === "optional")) return walk(innerType, value, change);
	if (element && Array.isArray(value)) return value.map((item) => walk(element, item, change));
	if (!shape || value === null || typeof value !== "object" || Array.isArray(value)) return value;
	return Object.fromEntries(change(shape, value as Group));
}

function defaultOf(schema: z.ZodType): { value: unknown } | undefined {
	const definition = definitionOf(schema);
	return definition.type === "default" ? { value: definition.defaultValue } : undefined;
}
