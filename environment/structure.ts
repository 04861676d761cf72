/** The outline of a definition: which sections there are, and how things in them may be called. */
import { z } from "zod";
import { validate } from "../provider/problems";
import { objectName, reference } from "../provider/schema";
import type { Complaints } from "./complaint";
import { components, sections } from "./registry";
import { entriesOf, type Group, isNull, nodeAt, type Tree, toValue, withEntries } from "./tree";

export const variableName = z
	.string()
	.regex(
		/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
		"allowed are 1 to 63 letters, digits, underscores and hyphens, starting with a letter or underscore",
	);

/** A connection to a host. */
export const hostSchema = z.strictObject({
	uri: z
		.string()
		.regex(/^[a-z]+(\+[a-z0-9]+)?:\/\//, "allowed is a libvirt URI such as qemu:///system or qemu+ssh://host/system"),
});

/** Something that is there on the host already: its name, UUID or path. */
export const existingSchema = z.strictObject({ existing: reference });

export const componentKinds = Object.keys(components);
export const sectionNames = ["hosts", ...Object.keys(sections), "components"];

const declared = z.record(objectName, z.looseObject({})).optional();
const sectionShape = {
	variables: z.record(variableName, z.any()).optional(),
	hosts: declared,
	...Object.fromEntries(Object.keys(sections).map((section) => [section, declared])),
	components: declared,
};
const outlineSchema = z.strictObject({
	/** Editors look here for the JSON Schema. */
	$schema: z.string().optional(),
	...sectionShape,
	stacks: z.record(z.string().min(1), z.strictObject(sectionShape, "allowed is a group of sections")).optional(),
});

/** @returns the well-formed part of the definition, so that what is in it is checked in the same run */
export function checkOutline(tree: Tree, complaints: Complaints): Group {
	const empty: Group = { ...tree, kind: "group", entries: new Map() };
	if (tree.kind !== "group") {
		if (!isNull(tree)) complaints.about(tree, "got no sections; allowed are variables, hosts, networks and so on");
		return empty;
	}
	const { problems } = validate(outlineSchema, toValue(tree, () => "(only known later)") as Record<string, unknown>);
	for (const { path, message, about } of problems) {
		const { node, missing } = nodeAt(tree, path);
		complaints.about(node, message, { missing, key: about === "key" });
	}
	for (const section of tree.entries.values()) {
		// The schema's records pass over it.
		const node = section.kind === "group" ? section.entries.get("__proto__") : undefined;
		if (node) complaints.about(node, 'got the name "__proto__"; allowed is any other', { key: true });
	}
	return wellFormed(tree);
}

function wellFormed(tree: Group): Group {
	const known = ["variables", ...sectionNames, "stacks"];
	const entries = [...tree.entries].filter(([name, section]) => known.includes(name) && section.kind === "group");
	return withEntries(
		tree,
		entries.map(([name, section]) => {
			if (name === "variables") return [name, section];
			if (name !== "stacks") return [name, entriesOnly(section as Group)];
			const stacks = entriesOf(section).filter(([, own]) => own.kind === "group");
			return [
				name,
				withEntries(
					section as Group,
					stacks.map(([stack, own]) => [stack, wellFormed(own as Group)]),
				),
			];
		}),
	);
}

/** Null stays: it stands for "all defaults", or in a stack for "not there". */
function entriesOnly(section: Group): Group {
	return withEntries(
		section,
		[...section.entries].filter(([, entry]) => entry.kind === "group" || isNull(entry)),
	);
}
