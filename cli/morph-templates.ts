/** Templates that are stored in a stack's state. Changes nothing. */
import { stringify } from "yaml";
import { type MorphTemplate, morphSchema, morphStepSchema, PHASES, stepsIn } from "../provider/morph/template";
import { deploymentOf, TYPES } from "./state";
import { table } from "./table";

interface Stored {
	name: string;
	/** Undefined where it is a secret, and the state has it encrypted. */
	steps: MorphTemplate | undefined;
	machines: string[];
}

/** @returns lines of a table, one for each */
export function listTemplates(stack: string, state: string): string[] {
	const all = templatesIn(state);
	if (all.length === 0) return [`no templates in the state of ${stack}`];
	const rows = all.map(({ name, steps, machines }) => [
		name,
		steps ? String(PHASES.reduce((count, phase) => count + stepsIn(steps, phase).length, 0)) : "secret",
		machines.join(", ") || "-",
	]);
	return table([["template", "steps", "machines"], ...rows]);
}

/** @returns lines of YAML, as in a file of steps @throws Error when there is none, and for one that is a secret */
export function showTemplate(name: string, stack: string, state: string): string[] {
	const all = templatesIn(state);
	const found = all.find((one) => one.name === name);
	if (!found) {
		const names = all.map((one) => one.name).join(", ") || "it has none";
		throw new Error(`there is no template ${JSON.stringify(name)} in the state of ${stack}: ${names}`);
	}
	if (found.steps) return [stringify(asWritten(found.steps), { lineWidth: 120 }).trimEnd()];
	throw new Error(`the steps of ${name} have secrets; give a state that \`pulumi stack export --show-secrets\` wrote`);
}

/** The engine sorts what it keeps by name. */
function asWritten(steps: MorphTemplate): MorphTemplate {
	const order: string[] = [...Object.keys(morphSchema.shape), ...Object.keys(morphStepSchema.shape)];
	const sorted = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(sorted);
		if (typeof value !== "object" || value === null) return value;
		const entries = Object.entries(value).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
		return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
	};
	return sorted(steps) as MorphTemplate;
}

function templatesIn(state: string): Stored[] {
	const own = (deploymentOf(state).resources ?? []).filter(({ type }) => type === `${TYPES}MorphTemplate`);
	return own.map(({ outputs = {} }) => ({
		name: String(outputs.name),
		steps: plain(outputs.steps),
		machines: (outputs.machines as string[] | undefined) ?? [],
	}));
}

/** Secrets are in an export as JSON of their own, or encrypted. */
function plain(steps: unknown): MorphTemplate | undefined {
	const { plaintext, ciphertext } = Object(steps) as { plaintext?: string; ciphertext?: string };
	if (ciphertext !== undefined) return undefined;
	const whole = plaintext === undefined ? steps : JSON.parse(plaintext);
	return JSON.stringify(whole).includes('"ciphertext"') ? undefined : (whole as MorphTemplate);
}
