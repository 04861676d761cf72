/** Puts the values of variables where `${name}` stands. */
import * as pulumi from "@pulumi/pulumi";
import { validate } from "../provider/problems";
import { didYouMean } from "../provider/suggestion";
import { UNKNOWN } from "../provider/unknown";
import type { Complaints } from "./complaint";
import { type Configuration, type ConfigVariable, configVariableSchema, convert, typeOf } from "./config-variable";
import { type Part, parseTemplate } from "./template";
import { entriesOf, type Group, nodeAt, type Opaque, type Scalar, type Tree, toValue, withEntries } from "./tree";

/** Which texts may differ from clone to clone, and so may hold `${instance.name}` and `${instance.index}`. */
export type PerInstanceAllowed = (path: ReadonlyArray<PropertyKey>) => boolean;

export class Variables {
	private readonly values = new Map<string, Tree>();
	private readonly resolving: string[] = [];

	/**
	 * @param declared the group `variables` of the definition
	 * @param given values from the program, over the declared ones
	 */
	constructor(
		private readonly declared: Tree | undefined,
		private readonly given: Tree,
		private readonly configuration: Configuration,
		private readonly complaints: Complaints,
	) {}

	/** Complains about variables that say in a wrong way where they are in the configuration, used or not. */
	check(): void {
		for (const [, written] of entriesOf(this.declared)) {
			if (isConfigured(written)) this.checked(written);
		}
	}

	/** The tree with every `${name}` replaced. A complaint is made for each that cannot be; its value is then unknown. */
	substitute(tree: Tree, perInstance: PerInstanceAllowed = () => false): Tree {
		switch (tree.kind) {
			case "group":
				return withEntries(
					tree,
					[...tree.entries].map(([key, inner]) => [key, this.substitute(inner, perInstance)]),
				);
			case "list":
				return { ...tree, items: tree.items.map((item) => this.substitute(item, perInstance)) };
			case "scalar":
				return typeof tree.value === "string" ? this.text(tree, tree.value, perInstance(tree.path)) : tree;
			default:
				return tree;
		}
	}

	private text(tree: Scalar, text: string, perInstance: boolean): Tree {
		const parts = parseTemplate(text);
		if (!parts) return tree;
		const [only] = parts;
		if (parts.length === 1 && "variable" in only! && !isInstance(only.variable)) {
			const value = this.resolve(only.variable, tree);
			if (!value) return unknown(tree);
			const variable = { name: only.variable, place: value.place };
			return { ...value, path: tree.path, place: tree.place, keyPlace: tree.keyPlace, variable };
		}
		const values = parts.map((part) => this.part(part, tree, perInstance));
		if (values.includes(UNKNOWN)) return unknown(tree);
		if (values.some((value) => value instanceof InstanceValue)) return { ...tree, kind: "perInstance", parts: values };
		if (values.some(isLater)) return { ...tree, kind: "opaque", value: pulumi.concat(...(values as string[])) };
		return { ...tree, value: values.map(String).join(""), source: undefined };
	}

	/** The value of one part of a text: a plain one, an output, or what an instance has. */
	private part(part: Part, use: Tree, perInstance: boolean): unknown {
		if ("text" in part) return part.text;
		if (isInstance(part.variable)) {
			if (perInstance) return new InstanceValue(part.variable === "instance.name" ? "name" : "index");
			this.complaints.about(
				use,
				`got \${${part.variable}}; allowed is it only in what customises each clone of a pool`,
			);
			return UNKNOWN;
		}
		const value = this.resolve(part.variable, use);
		if (value?.kind === "scalar") return value.value ?? "";
		if (value?.kind === "opaque") return value.value;
		if (value) {
			const message = `\${${part.variable}} is a ${value.kind}; allowed inside a text are texts, numbers, true and false`;
			this.complaints.about(use, message);
		}
		return UNKNOWN;
	}

	private resolve(name: string, use: Tree): Tree | undefined {
		const known = this.values.get(name);
		if (known) return known;
		if (this.resolving.includes(name)) {
			this.complaints.about(
				use,
				`variables refer to each other in a circle: ${[...this.resolving, name].join(" -> ")}; give one of them a value`,
			);
			return undefined;
		}
		const written = entryOf(this.given, name) ?? entryOf(this.declared, name);
		if (!written) {
			const names = [...new Set([...entriesOf(this.given), ...entriesOf(this.declared)].map(([key]) => key))];
			const declared = names.length === 0 ? "none" : names.join(", ");
			this.complaints.about(
				use,
				`there is no variable ${JSON.stringify(name)}${didYouMean(name, names) || `; declared: ${declared}`}; ` +
					"for a literal ${ write $${",
			);
			return undefined;
		}
		this.resolving.push(name);
		try {
			const value = isConfigured(written) ? this.configured(written) : this.substitute(written);
			this.values.set(name, value);
			return value;
		} finally {
			this.resolving.pop();
		}
	}

	/** @returns undefined, with complaints, where anything is wrong */
	private checked(written: Group): ConfigVariable | undefined {
		const given = toValue(written, () => UNKNOWN) as Record<string, unknown>;
		const { inputs, problems } = validate(configVariableSchema, given);
		for (const { path, message, about } of problems) {
			const { node, missing } = nodeAt(written, path);
			this.complaints.about(node, message, { missing, key: about === "key" });
		}
		return problems.length > 0 ? undefined : inputs;
	}

	private configured(written: Group): Tree {
		const inputs = this.checked(written);
		if (!inputs) return unknown(written);
		const found = this.configuration.get(inputs.config);
		if (found === "unknown") return unknown(written);
		if (found === undefined) return this.fallback(written, inputs);
		const value = convert(found.text, inputs);
		if (value === undefined) {
			const got = found.secret || inputs.secret ? "a secret that is none" : `got ${JSON.stringify(found.text)}`;
			const wanted = typeOf(inputs) === "number" ? "a number" : "true or false";
			this.complaints.about(written, `configuration ${inputs.config}: ${got}; allowed is ${wanted}`);
			return unknown(written);
		}
		if (found.secret || inputs.secret) return { ...at(written), kind: "opaque", value: pulumi.secret(value) };
		return { ...at(written), kind: "scalar", value };
	}

	private fallback(written: Group, variable: ConfigVariable): Tree {
		if (variable.default !== undefined) {
			if (variable.secret) return { ...at(written), kind: "opaque", value: pulumi.secret(variable.default) };
			return { ...at(written), kind: "scalar", value: variable.default };
		}
		const secret = variable.secret ? "--secret " : "";
		this.complaints.about(
			written,
			`configuration ${JSON.stringify(variable.config)} is not set; run: pulumi config set ${secret}${variable.config} ` +
				"VALUE, or give the variable a default",
		);
		return unknown(written);
	}
}

/** Stands in a text for what the instance of a pool has. */
export class InstanceValue {
	constructor(readonly of: "name" | "index") {}
}

function isConfigured(tree: Tree): tree is Group {
	return tree.kind === "group" && tree.entries.has("config");
}

function isInstance(variable: string): boolean {
	return variable === "instance.name" || variable === "instance.index";
}

function isLater(value: unknown): boolean {
	return typeof value === "object" && value !== null;
}

function entryOf(tree: Tree | undefined, name: string): Tree | undefined {
	return tree?.kind === "group" ? tree.entries.get(name) : undefined;
}

function unknown(tree: Tree): Opaque {
	return { ...at(tree), kind: "opaque", value: UNKNOWN };
}

function at({ path, place, keyPlace }: Tree): Pick<Tree, "path" | "place" | "keyPlace"> {
	return { path, place, keyPlace };
}
