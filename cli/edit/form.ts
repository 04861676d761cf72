/** What the page asks for of each step, from the schema that checks it: a field that is added there is one here. */
import { z } from "zod";
import { morphStepSchema, PHASES, pathOf } from "../../provider/morph/template";

export interface Field {
	name: string;
	/** `lines`: a list of texts, one a line. */
	type: "choice" | "number" | "switch" | "text" | "lines";
	/** Of a choice. */
	choices?: string[];
	/** What holds where it is not given. */
	default?: unknown;
	/** Of a number. */
	min?: number;
	max?: number;
}

export interface Form {
	phases: readonly string[];
	fields: Field[];
}

interface Property {
	type?: string;
	enum?: string[];
	default?: unknown;
	minimum?: number;
	maximum?: number;
}

const TYPES: Record<string, Field["type"]> = {
	number: "number",
	integer: "number",
	boolean: "switch",
	string: "text",
	array: "lines",
};

export function form(): Form {
	const { properties = {} } = z.toJSONSchema(morphStepSchema, { io: "input", unrepresentable: "any" });
	return {
		phases: PHASES.map(pathOf),
		fields: Object.entries(properties).map(([name, one]) => fieldOf(name, one as Property)),
	};
}

function fieldOf(name: string, { type = "", enum: choices, default: otherwise, minimum, maximum }: Property): Field {
	const field = choices ? "choice" : TYPES[type];
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
