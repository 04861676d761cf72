/** Puts what one stack has different over what all stacks have. */
import { entriesOf, type Group, isNull, type Tree, withEntries } from "./tree";

/** The definition as it applies to a stack; without the group `stacks`. */
export function forStack(definition: Group, stack: string): Group {
	const { stacks, ...rest } = Object.fromEntries(definition.entries);
	const base = filled(withEntries(definition, Object.entries(rest)));
	const own = entriesOf(stacks).find(([name]) => name === stack)?.[1];
	return own?.kind === "group" ? merge(base, own, []) : base;
}

/** Names of the stacks that have something different. */
export function stacksOf(definition: Group): string[] {
	return entriesOf(definition.entries.get("stacks")).map(([name]) => name);
}

/** Declared with nothing after the name: everything has its default. */
function filled(definition: Group): Group {
	const sections = [...definition.entries].map(([section, tree]): [string, Tree] => {
		if (tree.kind !== "group" || section === "variables") return [section, tree];
		const entries = [...tree.entries].map(([name, entry]): [string, Tree] => [
			name,
			isNull(entry) ? { ...entry, kind: "group", entries: new Map() } : entry,
		]);
		return [section, withEntries(tree, entries)];
	});
	return withEntries(definition, sections);
}

/** Groups are merged property by property, null removes, anything else replaces. */
function merge(base: Group, over: Group, path: ReadonlyArray<string>): Group {
	const entries = new Map(base.entries);
	for (const [key, value] of over.entries) {
		const before = entries.get(key);
		if (isNull(value)) entries.delete(key);
		else if (before?.kind === "group" && value.kind === "group" && !isOneThing(before, value, [...path, key])) {
			entries.set(key, merge(before, value, [...path, key]));
		} else entries.set(key, value);
	}
	return withEntries(base, entries);
}

/** Variables, references and components of another kind are replaced as a whole: half of the old one makes no sense. */
function isOneThing(before: Group, over: Group, path: ReadonlyArray<string>): boolean {
	if (path[0] === "variables" && path.length > 1) return true;
	if (before.entries.has("existing") || over.entries.has("existing")) return true;
	return path[0] === "components" && path.length === 2 && kindChanges(before, over);
}

function kindChanges(before: Group, over: Group): boolean {
	const [old, kind] = [before.entries.get("kind"), over.entries.get("kind")];
	return kind?.kind === "scalar" && (old?.kind !== "scalar" || old.value !== kind.value);
}
