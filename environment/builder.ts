/** Makes the resources of a checked definition. */
import * as pulumi from "@pulumi/pulumi";
import type { Declaration, Declarations } from "./declarations";
import { targetOf } from "./hosts";
import { type Leaf, type PerInstance, replaceAt, type Tree, toValue } from "./tree";
import { InstanceValue } from "./variables";

interface Instance {
	name: string;
	index: number;
}

/**
 * Logical names are the environment's name and the name in the definition, and nothing else: they stay the same however
 * the definition is rearranged.
 *
 * @returns the resources in the order of the definition
 */
export function build(
	environment: pulumi.Resource,
	name: string,
	{ hosts, all }: Declarations,
): Map<Declaration, pulumi.Resource> {
	const built = new Map<Declaration, pulumi.Resource>();
	const make = (declaration: Declaration): pulumi.Resource => {
		const before = built.get(declaration);
		if (before) return before;
		const leaf = (node: Leaf): unknown => {
			if (node.kind === "link") return node.to === "host" ? hosts.get(node.name) : make(targetOf(node, all)!);
			return node.kind === "perInstance" ? textFor(node, undefined) : node.value;
		};
		const tree = (declaration.type.perInstance ?? []).reduce(
			(result, pattern) => replaceAt(result, pattern, (node) => perInstance(node, leaf)),
			declaration.tree as Tree,
		);
		const { host, ...others } = toValue(tree, leaf) as Record<string, unknown>;
		// What is on a host that is declared has its URI in place of the name.
		const args = declaration.type.hostless && host !== undefined ? { host, ...others } : others;
		const uri = declaration.host && toValue(declaration.host, leaf);
		const resource = declaration.type.build(
			`${name}-${declaration.name}`,
			{ ...args, ...(uri === undefined ? {} : { uri }) },
			{ parent: environment },
		);
		built.set(declaration, resource);
		return resource;
	};
	return new Map(all.map((declaration) => [declaration, make(declaration)]));
}

/** A function of the instance, where anything in it differs from one to the next. */
function perInstance(node: Tree, leaf: (leaf: Leaf) => unknown): Tree {
	let differs = false;
	toValue(node, (inner) => {
		differs ||= inner.kind === "perInstance";
		return undefined;
	});
	if (!differs) return node;
	const value = (instance: Instance): unknown =>
		toValue(node, (inner) => (inner.kind === "perInstance" ? textFor(inner, instance) : leaf(inner)));
	return { kind: "opaque", path: node.path, place: node.place, keyPlace: node.keyPlace, value };
}

function textFor({ parts }: PerInstance, instance: Instance | undefined): unknown {
	const values = parts.map((part) => (part instanceof InstanceValue ? instance?.[part.of] : part));
	if (values.some((value) => pulumi.Output.isInstance(value))) return pulumi.concat(...(values as string[]));
	return values.join("");
}
