/**
 * A definition while it is worked on: values that know where they were written, so that a complaint about a value that
 * was merged, substituted or defaulted still points at the line a person has to change.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Path, propertyName, shown } from "../provider/problems";

/** Place in a file, both counted from 1. */
export interface Place {
	/** Line. */
	line: number;
	/** Column. */
	column: number;
}

interface Written {
	/** Where it is written: `["stacks", "prod", "components", "web", "count"]`. */
	path: Path;
	/** Absent for definitions that come from a program. */
	place?: Place | undefined;
	/** Place of the name in front of it. */
	keyPlace?: Place | undefined;
	/** The variable whose value this is, and where that is set. */
	variable?: { name: string; place: Place | undefined } | undefined;
}

export interface Scalar extends Written {
	kind: "scalar";
	value: string | number | boolean | null;
	/** The text in the file. */
	source?: string | undefined;
}

export interface Group extends Written {
	kind: "group";
	entries: Map<string, Tree>;
}

export interface List extends Written {
	kind: "list";
	items: Tree[];
}

/** Something that only a program can give: an output, a resource, a function. */
export interface Opaque extends Written {
	kind: "opaque";
	value: unknown;
}

/** The name of something that is declared in the same definition. */
export interface Link extends Written {
	kind: "link";
	to: string;
	name: string;
}

/** A text that differs from one clone to the next. */
export interface PerInstance extends Written {
	kind: "perInstance";
	parts: ReadonlyArray<unknown>;
}

export type Tree = Scalar | Group | List | Opaque | Link | PerInstance;
export type Leaf = Opaque | Link | PerInstance;

/** What a program gives, as a tree. Outputs, resources, promises and functions are kept as they are. */
export function treeOf(value: unknown, path: Path = []): Tree {
	if (value === undefined || value === null) return { kind: "scalar", path, value: null };
	if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
		return { kind: "scalar", path, value };
	}
	if (Array.isArray(value)) {
		return { kind: "list", path, items: value.map((item, index) => treeOf(item, [...path, index])) };
	}
	if (!isPlainObject(value)) return { kind: "opaque", path, value };
	const given = Object.entries(value).filter(([, inner]) => inner !== undefined);
	return { kind: "group", path, entries: new Map(given.map(([key, inner]) => [key, treeOf(inner, [...path, key])])) };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
	if (typeof value !== "object" || pulumi.Output.isInstance(value) || pulumi.Resource.isInstance(value)) return false;
	const prototype = Object.getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null;
}

/**
 * The plain value of a tree. What is null is left out of groups: it means "not given".
 * @param leaf gives the value of what is not plain
 */
export function toValue(tree: Tree, leaf: (leaf: Leaf) => unknown): unknown {
	switch (tree.kind) {
		case "scalar":
			return tree.value;
		case "list":
			return tree.items.map((item) => toValue(item, leaf));
		case "group":
			return Object.fromEntries(
				[...tree.entries].filter(([, inner]) => !isNull(inner)).map(([key, inner]) => [key, toValue(inner, leaf)]),
			);
		default:
			return leaf(tree);
	}
}

/** A value for a message. */
export function shownTree(tree: Tree): string {
	return shown(toValue(tree, () => "(only known later)"));
}

export function isNull(tree: Tree): boolean {
	return tree.kind === "scalar" && tree.value === null;
}

/** The entries of a group; none for anything else. */
export function entriesOf(tree: Tree | undefined): Array<[string, Tree]> {
	return tree?.kind === "group" ? [...tree.entries] : [];
}

/** A group with other entries in the same place. */
export function withEntries(group: Group, entries: Iterable<[string, Tree]>): Group {
	return { ...group, entries: new Map(entries) };
}

/** The node at a path, or the nearest one above it with the part of the path that is missing. */
export function nodeAt(tree: Tree, path: Path): { node: Tree; missing: Path } {
	const [step, ...rest] = path;
	if (step === undefined) return { node: tree, missing: [] };
	const inner =
		tree.kind === "group"
			? tree.entries.get(String(step))
			: tree.kind === "list"
				? tree.items[Number(step)]
				: undefined;
	return inner ? nodeAt(inner, rest) : { node: tree, missing: path };
}

/**
 * Replaces what a pattern leads to.
 * @param pattern such as `disks[].volume` or `instances.*.mac`
 */
export function replaceAt(tree: Tree, pattern: string, replace: (node: Tree) => Tree): Tree {
	return replaceSteps(tree, pattern.replaceAll("[]", ".[]").split("."), replace);
}

function replaceSteps(tree: Tree, steps: ReadonlyArray<string>, replace: (node: Tree) => Tree): Tree {
	const [step, ...rest] = steps;
	if (step === undefined) return isNull(tree) ? tree : replace(tree);
	if (step === "[]") {
		if (tree.kind !== "list") return tree;
		return { ...tree, items: tree.items.map((item) => replaceSteps(item, rest, replace)) };
	}
	if (tree.kind !== "group") return tree;
	return withEntries(
		tree,
		[...tree.entries].map(([key, inner]) => [
			key,
			step === "*" || step === key ? replaceSteps(inner, rest, replace) : inner,
		]),
	);
}

/** Where it is written, for a message: `components.web.count`. */
export function writtenAt(node: Tree, missing: Path = []): string {
	return propertyName([...node.path, ...missing]);
}
