/** From a definition to the list of what there is to build on one stack, or to the complaints about it. */
import { dirname, isAbsolute, relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { schemaAt } from "../provider/allowed";
import { InputError, type Rule } from "../provider/lifecycle";
import { pathOf, type Validated, validate } from "../provider/problems";
import { didYouMean } from "../provider/suggestion";
import { hasUnknown, UNKNOWN } from "../provider/unknown";
import type { Complaints } from "./complaint";
import type { Configuration } from "./config-variable";
import { type DeclarableType, declarableSchema, type Target } from "./declarable";
import { assignHosts, refuseCircles } from "./hosts";
import { type Declared, link } from "./references";
import { components, sections } from "./registry";
import { forStack } from "./stacks";
import { componentKinds, hostSchema } from "./structure";
import {
	entriesOf,
	type Group,
	type Link,
	nodeAt,
	replaceAt,
	shownTree,
	type Tree,
	toValue,
	withEntries,
} from "./tree";
import { Variables } from "./variables";

/** One thing that is declared. */
export interface Declaration {
	section: string;
	name: string;
	type: DeclarableType;
	/** What is written, with variables and references resolved. */
	tree: Group;
	links: ReadonlyArray<Link>;
	/** Name of the declared host it is on, the URI of another one, or undefined for the default host. */
	host?: Link | Tree | undefined;
}

export interface Declarations {
	/** URIs by name. */
	hosts: ReadonlyMap<string, unknown>;
	all: ReadonlyArray<Declaration>;
}

export interface Circumstances {
	stack: string;
	/** Path of the definition's file; undefined for a definition that comes from a program. */
	file: string | undefined;
	/** Variables that the program gives. */
	variables: Tree;
	configuration: Configuration;
}

/** @param definition of which the outline is well-formed */
export function declare(definition: Group, circumstances: Circumstances, complaints: Complaints): Declarations {
	const own = forStack(definition, circumstances.stack);
	const given = circumstances.variables;
	const variables = new Variables(own.entries.get("variables"), given, circumstances.configuration, complaints);
	variables.check();
	const hosts = declaredHosts(own, variables, complaints);
	const raw = [...rawDeclarations(own, complaints)];
	refuseDoubles(raw, complaints);
	const declared = indexOf(raw, hosts);
	const all = raw.map((declaration): Declaration => {
		const substituted = substitute(declaration, variables);
		const { references: own, hostless } = declaration.type;
		const references = hostless ? own : { ...own, host: "host" as const };
		const { tree, links } = link(substituted, references, declared, complaints);
		const located = circumstances.file === undefined ? tree : withFiles(tree, declaration.type, circumstances.file);
		return { ...declaration, tree: located as Group, links };
	});
	for (const declaration of all) check(declaration, complaints);
	if (!refuseCircles(all, complaints)) assignHosts(all, [...hosts.keys()], complaints);
	return { hosts, all };
}

type RawDeclaration = Omit<Declaration, "links" | "host">;

function* rawDeclarations(definition: Group, complaints: Complaints): Generator<RawDeclaration> {
	for (const [section, type] of Object.entries(sections)) {
		for (const [name, tree] of entriesOf(definition.entries.get(section))) {
			yield { section, name, type: type as DeclarableType, tree: tree as Group };
		}
	}
	for (const [name, tree] of entriesOf(definition.entries.get("components"))) {
		const type = typeOf(tree as Group, complaints);
		const { kind: _kind, ...rest } = Object.fromEntries((tree as Group).entries);
		if (type) yield { section: "components", name, type, tree: withEntries(tree as Group, Object.entries(rest)) };
	}
}

function typeOf(component: Group, complaints: Complaints): DeclarableType | undefined {
	const kind = component.entries.get("kind");
	const allowed = `allowed are ${componentKinds.join(" and ")}`;
	if (!kind) {
		complaints.about(component, `is required; ${allowed}`, { missing: ["kind"] });
		return undefined;
	}
	if (kind.kind === "scalar" && componentKinds.includes(String(kind.value))) {
		return components[kind.value as keyof typeof components] as DeclarableType;
	}
	const guess = kind.kind === "scalar" ? didYouMean(String(kind.value), componentKinds) : "";
	complaints.about(kind, `got ${shownTree(kind)}; ${allowed}${guess}`);
	return undefined;
}

function declaredHosts(definition: Group, variables: Variables, complaints: Complaints): Map<string, unknown> {
	const hosts = new Map<string, unknown>();
	for (const [name, written] of entriesOf(definition.entries.get("hosts"))) {
		const tree = variables.substitute(written);
		complain(tree, validate(hostSchema, plain(tree)), hostSchema, complaints);
		hosts.set(name, tree.kind === "group" ? toValue(tree.entries.get("uri") ?? tree, given) : undefined);
	}
	return hosts;
}

/** Images and volumes share their names: a reference says only "volume". */
function refuseDoubles(raw: ReadonlyArray<RawDeclaration>, complaints: Complaints): void {
	const seen = new Map<string, RawDeclaration>();
	for (const declaration of raw) {
		const key = `${declaration.type.type}/${declaration.name}`;
		const other = seen.get(key);
		if (other) {
			const message = `the name is taken by ${other.section}.${other.name}; allowed is a name that neither section has yet`;
			complaints.about(declaration.tree, message, { key: true });
		}
		seen.set(key, declaration);
	}
}

function indexOf(raw: ReadonlyArray<RawDeclaration>, hosts: ReadonlyMap<string, unknown>): Declared {
	const declared = new Map<Target, Set<string>>([["host", new Set(hosts.keys())]]);
	for (const { type, name } of raw) {
		if (!type.provides) continue;
		declared.set(type.provides, (declared.get(type.provides) ?? new Set()).add(name));
	}
	return declared;
}

function substitute({ tree, type }: RawDeclaration, variables: Variables): Tree {
	return variables.substitute(tree, (path) => {
		const [property] = path.slice(path[0] === "stacks" ? 4 : 2);
		return (type.perInstance ?? []).includes(String(property));
	});
}

/**
 * Relative paths of local files as seen from where Pulumi runs. They stay relative, so that a definition that is checked
 * out elsewhere shows no difference.
 */
function withFiles(tree: Tree, { files = [] }: DeclarableType, file: string): Tree {
	return files.reduce(
		(result, pattern) =>
			replaceAt(result, pattern, (node) => {
				if (node.kind !== "scalar" || typeof node.value !== "string") return node;
				if (node.value === "" || isAbsolute(node.value)) return node;
				return { ...node, value: relative(process.cwd(), resolve(dirname(file), node.value)) };
			}),
		tree,
	);
}

function check({ tree, type }: Declaration, complaints: Complaints): void {
	const rules = (type.rules ?? []) as ReadonlyArray<Rule<Record<string, unknown>>>;
	const args = plain(tree);
	const schema = declarableSchema(type);
	const validated = validate(schema, type.completed?.(args) ?? args, rules);
	complain(tree, validated, schema, complaints);
	if (validated.problems.length === 0) verify(tree, type, validated.inputs, complaints);
	for (const pattern of type.known ?? []) {
		replaceAt(tree, pattern, (node) => {
			const late = node.kind === "perInstance" || (node.kind === "opaque" && pulumi.Output.isInstance(node.value));
			if (late) complaints.about(node, "got a secret or an output; allowed is a value that is known from the start");
			return node;
		});
	}
}

function verify(tree: Tree, type: DeclarableType, inputs: object, complaints: Complaints): void {
	if (hasUnknown(inputs)) return;
	try {
		type.verify?.(inputs as never);
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		const { node, missing } = nodeAt(tree, pathOf(error.property));
		complaints.about(node, error.message, { missing });
	}
}

/** What can be checked already; the rest is unknown, and checked once it is known. */
function plain(tree: Tree): Record<string, unknown> {
	return toValue(tree, () => UNKNOWN) as Record<string, unknown>;
}

function given(leaf: Tree): unknown {
	return leaf.kind === "opaque" ? leaf.value : undefined;
}

function complain(tree: Tree, { problems }: Validated<object>, schema: z.ZodType, complaints: Complaints): void {
	for (const { path, message, about } of problems) {
		const { node, missing } = nodeAt(tree, path);
		complaints.about(node, message + notes(node, schemaAt(schema, path)), { missing, key: about === "key" });
	}
}

/** What a look at the file adds to a complaint. */
function notes(node: Tree, schema: z.ZodType | undefined): string {
	const { variable } = node;
	const line = variable?.place ? `, line ${variable.place.line}` : "";
	const from = variable ? ` (from \${${variable.name}}${line})` : "";
	const takenForOther = node.kind === "scalar" && typeof node.value !== "string" && node.source !== undefined;
	const quote = takenForOther && schema?._zod.def.type === "string" ? `; write it in quotes: "${node.source}"` : "";
	return quote + from;
}
