/** Templates in files: YAML, or JSON, which is YAML. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { InputError } from "../lifecycle";
import { shown, validate } from "../problems";
import { completed, deedOf, type MorphTemplate, morphRules, morphSchema, PHASES, pathOf, whereOf } from "./template";
import { toolLine } from "./tool";

/**
 * @param file path, from where Pulumi runs the program: its project's folder
 * @throws InputError for a file that cannot be read, and naming everything in it that is wrong
 */
export function readTemplate(file: string): MorphTemplate {
	const given = parsed(file);
	if (typeof given !== "object" || Array.isArray(given)) {
		throw new InputError(
			"morph",
			`template ${file}: got ${shown(given)}; allowed is a group with ${Object.keys(morphSchema.shape).join(", ")}`,
		);
	}
	const { template, problems } = checkTemplate(given);
	const lines = problems.map(({ property, message }) => [property, message].filter(Boolean).join(": "));
	if (lines.length === 0) return template;
	throw new InputError("morph", `template ${file}: ${lines.length === 1 ? lines[0] : `\n  ${lines.join("\n  ")}`}`);
}

/** @returns all that is wrong, each with where: `hotPlug[0].exec`, or nothing where it is about the whole */
export function checkTemplate(given: unknown): { template: MorphTemplate; problems: TemplateProblem[] } {
	const { inputs, problems } = validate(whole, { morph: given }, morphRules);
	const found = problems.map(({ property, message }) => ({ property: property.replace(/^morph\.?/, ""), message }));
	return { template: inputs.morph, problems: found };
}

export interface TemplateProblem {
	property: string;
	message: string;
}

const whole = z.strictObject({ morph: morphSchema });

function parsed(file: string): unknown {
	try {
		return parse(readFileSync(file, "utf8")) ?? {};
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		const why = code === "ENOENT" ? `there is no such file; give its path from ${process.cwd()}` : message;
		throw new InputError("morph", `template ${file}: ${why}`);
	}
}

/** What a template comes to: a line for each phase and, below it, one for each step. */
export function templateLines(template: MorphTemplate): string[] {
	const phases = completed(template);
	const tools = (template.tools ?? []).map((tool) => `  ${toolLine(tool)}`);
	const steps = PHASES.flatMap((phase) => [
		pathOf(phase),
		...phases[phase].flatMap((group) =>
			group.map((step, index) => {
				const { kind, exec, undo, check, timeoutSeconds, onFailure } = step;
				const what = exec ? `run ${shown(exec)} ${whereOf(step)}` : (deedOf(step) ?? `change ${kind}`);
				const until = check ? `, until ${shown(check)} succeeds` : "";
				const back = undo ? `; taken back by ${shown(undo)}` : "";
				return `  ${index > 0 ? "beside that: " : ""}${what}${until}, within ${timeoutSeconds} s, on failure ${onFailure}${back}`;
			}),
		),
	]);
	return [...(tools.length > 0 ? ["tools", ...tools] : []), ...steps];
}
