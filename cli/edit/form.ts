/** What the page asks for of each tool and step, from the schemas that check them: a field that is added there is one here. */
import { z } from "zod";
import { morphStepSchema, PHASES, pathOf } from "../../provider/morph/template";
import { toolSchema } from "../../provider/morph/tool";

export interface Field {
	/** With a dot where it is of a group: "script.text". */
	name: string;
	/** `lines`: a list of texts, one a line; `long`: a text of many lines; `pairs`: texts by name, one a line. */
	type: "choice" | "number" | "switch" | "text" | "lines" | "long" | "pairs";
	/** Of a choice. */
	choices?: string[];
	/** What holds where it is not given. */
	default?: unknown;
	/** Of a number. */
	min?: number;
	max?: number;
}

/** A list in a template. */
export interface List {
	/** Where it is: "tools", "preMigration", "migration.duringMigration". */
	path: string;
	/** What it is of. */
	of: "tool" | "step";
	fields: Field[];
}

interface Property {
	type?: string;
	enum?: string[];
	default?: unknown;
	minimum?: number;
	maximum?: number;
	maxLength?: number;
	properties?: Record<string, Property>;
}

const TYPES: Record<string, Field["type"]> = {
	number: "number",
	integer: "number",
	boolean: "switch",
	string: "text",
	array: "lines",
	object: "pairs",
};
/** Above that a text is of many lines. */
const LINE_LENGTH = 10_000;

/** In the order of a template. */
export const PATHS: readonly string[] = ["tools", ...PHASES.map(pathOf)];

export function form(): List[] {
	const ofStep = fieldsOf(morphStepSchema);
	return PATHS.map((path) =>
		path === "tools" ? { path, of: "tool", fields: fieldsOf(toolSchema) } : { path, of: "step", fields: ofStep },
	);
}

function fieldsOf(schema: z.ZodType): Field[] {
	return among((z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Property).properties);
}

function among(properties: Record<string, Property> = {}, group = ""): Field[] {
	return Object.entries(properties).flatMap(([name, one]) =>
		one.properties ? among(one.properties, `${group}${name}.`) : [fieldOf(`${group}${name}`, one)],
	);
}

function fieldOf(name: string, property: Property): Field {
	const { type = "", enum: choices, default: otherwise, minimum, maximum, maxLength = 0 } = property;
	const field = choices ? "choice" : type === "string" && maxLength > LINE_LENGTH ? "long" : TYPES[type];
	if (!field) throw new Error(`the editor has no field for ${name}, which is of type ${JSON.stringify(type)}`);
	return {
		name,
		type: field,
		...(choices && { choices }),
		...(otherwise !== undefined && { default: otherwise }),
		...(field === "number" && minimum !== undefined && { min: minimum }),
		...(field === "number" && maximum !== undefined && { max: maximum }),
	};
}
