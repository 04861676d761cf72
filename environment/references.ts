/** Turns names of things that are declared in the same definition into links. */
import { didYouMean } from "../provider/suggestion";
import { UNKNOWN } from "../provider/unknown";
import type { Complaints } from "./complaint";
import type { Target } from "./declarable";
import { type Group, type Link, replaceAt, shownTree, type Tree } from "./tree";

const ON_HOST = "for one that is on the host already write";

const NAMED: Record<Target, { what: string; existing: string; otherwise?: string }> = {
	host: { what: "host", existing: "its libvirt URI" },
	pool: { what: "pool", existing: "its name or UUID" },
	network: { what: "network", existing: "its name or UUID" },
	volume: { what: "image or volume", existing: "its path or key" },
	domain: { what: "component of kind Domain", existing: "its name or UUID" },
	identityPool: {
		what: "identity pool",
		existing: "its output access",
		otherwise: "for one of another stack write",
	},
	forkPoint: { what: "fork point", existing: "its uuid" },
	morphTemplate: {
		what: "template of steps",
		existing: "its output steps",
		otherwise: "for steps of another stack write",
	},
};

/** Names that are declared, by what a reference to them is. */
export type Declared = ReadonlyMap<Target, ReadonlySet<string>>;

/** @param references patterns of the properties that name something else, with what they name */
export function link(
	tree: Tree,
	references: Readonly<Record<string, Target>>,
	declared: Declared,
	complaints: Complaints,
): { tree: Tree; links: Link[] } {
	const links: Link[] = [];
	let result = tree;
	for (const [pattern, kind] of Object.entries(references)) {
		// `base: { domain: jump }` is a group of its own beside `base: debian`.
		const inner = Object.keys(references).flatMap((other) =>
			other.startsWith(`${pattern}.`) ? [other.slice(pattern.length + 1)] : [],
		);
		result = replaceAt(result, pattern, (node) => {
			// A list of what is referred to, in its place: the schema says whether it may stand there.
			if (node.kind === "opaque" || node.kind === "list") return node;
			if (node.kind === "group" && inner.some((key) => node.entries.has(key))) return node;
			const replaced = resolve(node, kind, declared, complaints);
			if (replaced.kind === "link") links.push(replaced);
			return replaced;
		});
	}
	return { tree: result, links };
}

function resolve(node: Tree, kind: Target, declared: Declared, complaints: Complaints): Tree {
	const names = [...(declared.get(kind) ?? [])];
	const { what, existing, otherwise = ON_HOST } = NAMED[kind];
	const unknown: Tree = { ...node, kind: "opaque", value: UNKNOWN };
	if (node.kind === "scalar" && typeof node.value === "string") {
		if (names.includes(node.value)) return { ...node, kind: "link", to: kind, name: node.value };
		const known = didYouMean(node.value, names) || `; declared: ${names.join(", ") || "none"}`;
		complaints.about(
			node,
			`no ${what} is declared as ${shownTree(node)}${known}; ${otherwise} { existing: ${existing} }`,
		);
		return unknown;
	}
	const given = existingOf(node);
	if (given) return given;
	complaints.about(
		node,
		`got ${shownTree(node)}; allowed is the name of a declared ${what} (${names.join(", ") || "none is"}) ` +
			`or { existing: ${existing} }`,
	);
	return unknown;
}

function existingOf(node: Tree): Tree | undefined {
	if (node.kind !== "group" || (node as Group).entries.size !== 1) return undefined;
	const existing = node.entries.get("existing");
	return existing?.kind === "scalar" || existing?.kind === "opaque" ? existing : undefined;
}
