/**
 * Joins what a schema validates with what the comments of its interface say, and finds where the two differ.
 */
import type { z } from "zod";
import { FILLED_IN } from "../../environment/declarable";
import { definitionOf, innermost, isComputed } from "../../provider/allowed";
import type { DocumentedObject, DocumentedProperty } from "./documentation";

/** One property as both sources together describe it. */
export interface Property {
	name: string;
	/** Such as `disks[].bus` and `instances.*.mac`. */
	path: string;
	schema: z.ZodType;
	required: boolean;
	description: string;
	default: string | undefined;
	examples: ReadonlyArray<string>;
	/** Objects that the value, or each item or entry of it, can be. */
	objects: ReadonlyArray<PropertyGroup>;
	/** Whether it is one value, a list of them or a group of named ones. */
	shape: "one" | "list" | "record";
}

export interface PropertyGroup {
	/** Name of the interface, where it has one. */
	name: string | undefined;
	description: string;
	properties: ReadonlyArray<Property>;
}

export class Joiner {
	/** Where schema and interface differ; empty when all is well. */
	readonly differences: string[] = [];

	/** @param what name of the whole, for the differences */
	join(what: string, schema: z.ZodType, documented: DocumentedObject): PropertyGroup {
		return this.group(what, "", schema, documented);
	}

	private group(what: string, path: string, schema: z.ZodType, documented: DocumentedObject): PropertyGroup {
		const shape = definitionOf(schema).shape ?? {};
		const properties = documented.properties();
		const at = (key: string): string => `${what}: ${path}${key}`;
		for (const key of properties.keys()) {
			if (!(key in shape)) this.differences.push(`${at(key)} is in the interface, and not in the schema`);
		}
		const joined = Object.entries(shape).flatMap(([key, own]): Property[] => {
			const property = properties.get(key);
			if (property) return [this.property(what, path + key, own, property, documented.description)];
			if (!isComputed(own)) this.differences.push(`${at(key)} is in the schema, and not in the interface`);
			return [];
		});
		const order = [...properties.keys()];
		joined.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
		return { name: documented.name, description: documented.description, properties: joined };
	}

	private property(
		what: string,
		path: string,
		schema: z.ZodType,
		documented: DocumentedProperty,
		owner: string,
	): Property {
		const difference = (text: string): void => void this.differences.push(`${what}: ${path} ${text}`);
		const required = !schema.safeParse(undefined).success;
		if (required === documented.optional && !FILLED_IN.includes(documented.name)) {
			difference(`is ${required ? "required" : "optional"} in the schema, and not in the interface`);
		}
		if (documented.optional && documented.default === undefined && !isOneOfSeveral(documented, owner)) {
			difference("has no @default in its comment");
		}
		if (documented.description === "") difference("has no sentence that says what it is");
		this.compareDefaults(schema, documented, difference);
		const { inner, shape, step } = itemsOf(schema);
		compareChoices(inner, documented, difference);
		const objects = objectsIn(inner).flatMap((own) => {
			const counterpart = likest(own, documented.objects);
			if (!counterpart) {
				difference(`has an object in the schema that the interface does not have`);
				return [];
			}
			return [this.group(what, `${path}${step}.`, own, counterpart)];
		});
		const { name, description, examples, default: text } = documented;
		return { name, path, schema, required: !documented.optional, description, default: text, examples, objects, shape };
	}

	private compareDefaults(schema: z.ZodType, documented: DocumentedProperty, difference: (text: string) => void): void {
		const own = schema.safeParse(undefined);
		if (!own.success || own.data === undefined || typeof own.data === "object") return;
		const told = literalOf(documented.default);
		if (told !== undefined && told !== own.data) {
			difference(`is ${JSON.stringify(own.data)} by default in the schema, and ${documented.default} in its comment`);
		}
	}
}

/** An interface that says "exactly one of `a`, `b`" has no defaults for them. */
function isOneOfSeveral({ name }: DocumentedProperty, owner: string): boolean {
	return owner.toLowerCase().includes("exactly one of") && owner.includes(`\`${name}\``);
}

/** The value that a `@default` begins with: `"virtio"` of `"virtio", for a cdrom "sata"`. */
export function literalOf(text: string | undefined): string | number | boolean | undefined {
	const match = /^("[^"]*"|-?\d+(\.\d+)?|true|false)(?=$|[^\w.])/.exec(text ?? "");
	return match ? (JSON.parse(match[1]!) as string | number | boolean) : undefined;
}

/** The schema of one value, item or entry, and how many there are. */
function itemsOf(schema: z.ZodType): { inner: z.ZodType; shape: Property["shape"]; step: string } {
	const inner = innermost(schema);
	const { element, valueType } = definitionOf(inner);
	if (element) return { inner: innermost(element), shape: "list", step: "[]" };
	if (valueType) return { inner: innermost(valueType), shape: "record", step: ".*" };
	const options = (definitionOf(inner).options ?? []).map(innermost);
	const record = options.find((option) => definitionOf(option).valueType);
	if (record) return { inner: innermost(definitionOf(record).valueType!), shape: "record", step: ".*" };
	return { inner, shape: "one", step: "" };
}

function objectsIn(schema: z.ZodType): z.ZodType[] {
	const { shape, options } = definitionOf(schema);
	if (shape) return [schema];
	return (options ?? []).flatMap((option) => objectsIn(innermost(option)));
}

/** Of several object types the one that shares most names with the schema. */
function likest(schema: z.ZodType, objects: ReadonlyArray<DocumentedObject>): DocumentedObject | undefined {
	const keys = Object.keys(definitionOf(schema).shape ?? {});
	const common = (object: DocumentedObject): number => keys.filter((key) => object.properties().has(key)).length;
	return [...objects].sort((a, b) => common(b) - common(a)).find((object) => common(object) > 0);
}

function compareChoices(schema: z.ZodType, documented: DocumentedProperty, difference: (text: string) => void): void {
	const { entries } = definitionOf(schema);
	if (!entries) return;
	const [inSchema, inType] = [Object.values(entries).sort(), [...documented.literals].sort()];
	if (inSchema.join() !== inType.join()) {
		difference(`allows ${inSchema.join(", ")} in the schema, and ${inType.join(", ")} in the interface`);
	}
}
