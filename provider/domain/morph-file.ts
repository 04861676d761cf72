/**
 * Steps of a change that are in a file or stored: read where the program runs, so that what is recorded are the steps.
 */
import * as pulumi from "@pulumi/pulumi";
import { isLater } from "../later";
import { InputError } from "../lifecycle";
import { readTemplate } from "../morph/template-file";
import { isTemplateOf } from "../morph-template/users";
import { shown } from "../problems";
import type { MorphArgs } from "./morph-args";

/**
 * The steps themselves. What is wrong beside a file's content goes as it is to the check, which refuses it.
 *
 * @param machine logical name of the machine that they are for: a stored template tells whom it concerns
 * @throws InputError for a file that cannot be read, naming everything in it that is wrong, and for a template that is none
 */
export function readSteps(
	morph: pulumi.Input<MorphArgs> | undefined,
	machine?: string,
): pulumi.Input<MorphArgs> | undefined {
	return isLater(morph) ? afterwards(morph as pulumi.Input<MorphArgs>, machine) : read(morph as MorphArgs, machine);
}

function read(morph: MorphArgs | undefined, machine: string | undefined): pulumi.Input<MorphArgs> | undefined {
	if (typeof morph !== "object" || morph === null) return morph;
	const { file, template, ...phases } = morph;
	if (template !== undefined) return stored(template, { file, ...phases }, machine);
	if (file === undefined) return withSecrets(morph);
	if (isLater(file)) return afterwards(morph, machine);
	return typeof file === "string" && givenOf(phases) === undefined ? withSecrets(readTemplate(file)) : morph;
}

/** Credentials are secrets, whatever they were given as. What is no list, or no group, goes as it is to the check. */
function withSecrets(morph: MorphArgs): MorphArgs {
	return morph.tools === undefined ? morph : { ...morph, tools: secretly(morph.tools) as MorphArgs["tools"] };
}

function secretly(tools: unknown): unknown {
	if (isLater(tools)) return (pulumi.output(tools) as pulumi.Output<unknown>).apply(secretly);
	return Array.isArray(tools) ? tools.map(withSecret) : tools;
}

function withSecret(tool: unknown): unknown {
	if (isLater(tool)) return (pulumi.output(tool) as pulumi.Output<unknown>).apply(withSecret);
	if (typeof tool !== "object" || tool === null || !("credentials" in tool)) return tool;
	return tool.credentials === undefined ? tool : { ...tool, credentials: pulumi.secret(tool.credentials) };
}

/** Whoever refers to a template waits for it. */
function stored(template: unknown, others: object, machine: string | undefined): pulumi.Input<MorphArgs> {
	const also = givenOf(others);
	if (also !== undefined) throw new InputError("morph.template", `got it with ${also}; allowed is it alone`);
	if (machine !== undefined && isTemplateOf(template, machine)) return template.steps as pulumi.Output<MorphArgs>;
	const got = pulumi.Resource.isInstance(template) || isLater(template) ? "something else" : shown(template);
	throw new InputError("morph.template", `got ${got}; allowed is a MorphTemplate`);
}

function givenOf(group: object): string | undefined {
	return Object.entries(group).find(([, value]) => value !== undefined)?.[0];
}

function afterwards(morph: pulumi.Input<MorphArgs>, machine: string | undefined): pulumi.Output<MorphArgs> {
	const steps = (pulumi.output(morph) as pulumi.Output<MorphArgs>).apply((known) => read(known, machine));
	return steps as pulumi.Output<MorphArgs>;
}
