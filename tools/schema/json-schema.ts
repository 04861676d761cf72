/** The JSON Schema of an environment's file, for completion and checks in editors. */
import { z } from "zod";
import { type DeclarableType, declarableSchema } from "../../environment/declarable";
import { components, sections } from "../../environment/registry";
import { variableName } from "../../environment/structure";
import { objectName } from "../../provider/schema";
import type { DescribedEnvironment } from "./environment";
import { literalOf, type Property, type PropertyGroup } from "./properties";

/** A node of a JSON Schema. */
export interface Json {
	type?: string | string[];
	description?: string;
	default?: unknown;
	examples?: unknown[];
	properties?: Record<string, Json>;
	required?: string[];
	additionalProperties?: Json | boolean;
	propertyNames?: Json;
	items?: Json;
	anyOf?: Json[];
	[keyword: string]: unknown;
}

/** A text with a variable in it is allowed in place of any value; what it comes to is checked by the program. */
const VARIABLE: Json = { type: "string", pattern: "\\$\\{[^}]+\\}" };
const A_VARIABLE: Json = { $ref: "#/$defs/variable" };
/** In what a stack has different, null removes a property. */
const NOTHING: Json = { type: "null" };

type References = DeclarableType["references"];

/** @param override whether it is for what a stack has different: nothing is required, and null removes */
interface Mode {
	override: boolean;
}

const WHOLE: Mode = { override: false };
const OVERRIDE: Mode = { override: true };

export function environmentJsonSchema(environment: DescribedEnvironment): Json {
	return new Generator(environment).schema();
}

class Generator {
	/** Objects by the names of their interfaces. */
	private readonly definitions: Record<string, Json> = { variable: VARIABLE };

	constructor(private readonly environment: DescribedEnvironment) {}

	schema(): Json {
		const { sections: sentences } = this.environment;
		this.definitions.existing = this.plainObject(this.environment.existing);
		this.definitions.configVariable = this.plainObject(this.environment.configVariable);
		const stack = group(this.sectionsOf(OVERRIDE));
		const stacks = { ...named(stack), description: sentences.get("stacks")! };
		const properties = { $schema: { type: "string" }, ...this.sectionsOf(WHOLE), stacks };
		return {
			$schema: "https://json-schema.org/draft/2020-12/schema",
			title: "Environment of pulumi-libvirt-clones",
			...group(properties),
			$defs: this.definitions,
		};
	}

	private sectionsOf(mode: Mode): Record<string, Json> {
		const section = (name: string, entry: Json): Json => ({
			...named(entry, name === "variables" ? variableName : objectName),
			description: this.environment.sections.get(name)!,
		});
		const values = ["string", "number", "boolean", "array", "object", "null"].map((type): Json => ({ type }));
		const kinds = Object.entries(components).map(([kind, type]) => this.component(kind, type as DeclarableType, mode));
		const entries = Object.entries(sections).map(([name, type]): [string, Json] => [
			name,
			section(name, withNothing(this.define(nameOf(type, mode), this.declared(type as DeclarableType, mode)))),
		]);
		return {
			variables: section("variables", { anyOf: [{ $ref: "#/$defs/configVariable" }, ...values] }),
			hosts: section("hosts", nullable(this.plainObject(this.environment.host, mode), mode)),
			...Object.fromEntries(entries),
			components: section("components", nullable({ anyOf: kinds }, mode)),
		};
	}

	/** A component is what its type is, with its kind. */
	private component(kind: string, type: DeclarableType, mode: Mode): Json {
		const schema = this.declared(type, mode);
		return {
			...schema,
			title: kind,
			properties: { kind: { const: kind, description: this.environment.declared.kind }, ...schema.properties },
			...(mode.override ? {} : { required: ["kind", ...(schema.required ?? [])] }),
		};
	}

	private declared(type: DeclarableType, mode: Mode): Json {
		const { group: described } = this.environment.types.find((own) => own.type === type)!;
		const properties = described.properties.filter(({ name }) => name !== "uri");
		const schema = this.object({ ...described, properties }, toJson(declarableSchema(type)), type.references, mode);
		if (type.hostless) return schema;
		const host = { ...nullable(reference(), mode), description: this.environment.declared.host };
		return { ...schema, properties: { host, ...schema.properties } };
	}

	/** A group for which there is nothing but the schemas of its properties. */
	private plainObject(described: PropertyGroup, mode: Mode = WHOLE): Json {
		const shape = Object.fromEntries(described.properties.map(({ name, schema }) => [name, schema]));
		return this.object(described, toJson(z.strictObject(shape)), {}, mode);
	}

	private object(described: PropertyGroup, own: Json, references: References, mode: Mode): Json {
		const properties = described.properties.map((property): [string, Json] => [
			property.name,
			this.property(property, own.properties?.[property.name] ?? {}, references, mode),
		]);
		const required = mode.override ? [] : (own.required ?? []);
		return {
			type: "object",
			...(described.description === "" ? {} : { description: described.description }),
			properties: Object.fromEntries(properties),
			...(required.length === 0 ? {} : { required }),
			additionalProperties: false,
		};
	}

	private property(property: Property, own: Json, references: References, mode: Mode): Json {
		const { default: _default, ...bare } = own;
		const value = this.described(bare, property, references, mode);
		const schema = property.path in references ? reference(furtherOptions(value)) : withVariable(value);
		return { ...nullable(schema, mode), ...documentationOf(property) };
	}

	/** The schema of a value with the objects in it described. Lists are replaced as a whole, so what is in them is whole. */
	private described(own: Json, property: Property, references: References, mode: Mode): Json {
		const again = (schema: Json, as = mode): Json => this.described(schema, property, references, as);
		if (own.anyOf) return { ...own, anyOf: own.anyOf.map((option) => again(option)) };
		if (own.items) return { ...own, items: again(own.items, WHOLE) };
		if (typeof own.additionalProperties === "object") {
			return { ...own, additionalProperties: nullable(again(own.additionalProperties), mode) };
		}
		const { properties } = own;
		if (!properties) return own;
		const described = property.objects.find((object) => object.properties.every(({ name }) => name in properties));
		if (!described) return own;
		const object = this.object(described, own, references, mode);
		return described.name ? this.define(described.name + (mode.override ? "Override" : ""), object) : object;
	}

	/** An interface is described once; in place where the same name stands for something else. */
	private define(name: string, schema: Json): Json {
		const before = this.definitions[name];
		if (before && JSON.stringify(before) !== JSON.stringify(schema)) return schema;
		this.definitions[name] = schema;
		return { $ref: `#/$defs/${name}` };
	}
}

function group(properties: Record<string, Json>): Json {
	return { type: ["object", "null"], properties, additionalProperties: false };
}

/** Named things of one type. */
function named(entry: Json, name?: z.ZodType): Json {
	const names = name ? { propertyNames: toJson(name) } : {};
	return { type: ["object", "null"], ...names, additionalProperties: entry };
}

/** The name of something declared, or something that exists, or what else stands there. */
function reference(further: Json[] = []): Json {
	return { anyOf: [{ type: "string" }, { $ref: "#/$defs/existing" }, ...further] };
}

function furtherOptions(schema: Json): Json[] {
	return (schema.anyOf ?? [schema]).filter(({ type }) => type !== "string");
}

function withVariable(schema: Json): Json {
	// A text of any form holds a variable anyway.
	if (schema.type === "string" && !schema.pattern && !schema.enum && !schema.format) return schema;
	return { anyOf: [...(schema.anyOf ?? [schema]), A_VARIABLE] };
}

function nullable(schema: Json, mode: Mode): Json {
	return mode.override ? withNothing(schema) : schema;
}

function withNothing(schema: Json): Json {
	return { anyOf: [...(schema.anyOf ?? [schema]), NOTHING] };
}

function documentationOf({ description, default: text, examples, required }: Property): Json {
	const literal = literalOf(text);
	const told = text === undefined || required ? "" : ` Default: ${text}.`;
	return {
		description: description + told,
		...(literal === undefined ? {} : { default: literal }),
		...(examples.length === 0 ? {} : { examples: examples.map((example) => literalOf(example) ?? example) }),
	};
}

function toJson(schema: z.ZodType): Json {
	const { $schema: _, ...own } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
	return own;
}

function nameOf({ type }: { type: string }, { override }: Mode): string {
	return override ? `${type}Override` : type;
}
