/** What a catalog is asked for, out of its checked arguments. Pure. */
import * as pulumi from "@pulumi/pulumi";
import { refuse } from "../../provider/problems";
import {
	type Configuration,
	configurationSchema,
	type Steps,
	stepsSchema,
	withSteps,
} from "../../provider/templates/configuration";
import type { Wish } from "../../provider/templates/decide";
import type { Template } from "../../provider/templates/search";
import type { TemplateCatalogArgs, TemplateConfigurationArgs } from "./args";
import { imagesOf, type TemplateCatalogInputs } from "./schema";

const INSTALL = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"];

/** @param args whose configurations are plain values */
export function wishOf(name: string, args: TemplateCatalogArgs): Wish {
	const [onlyImage] = imagesOf(args as unknown as TemplateCatalogInputs);
	const whole = (own: TemplateConfigurationArgs = {}): Configuration =>
		configurationSchema.parse({ ...own, image: own.image ?? onlyImage });
	return {
		name,
		templates: templatesOf(args, whole),
		bootable: Object.entries(args.images).flatMap(([image, { base }]) => (base === undefined ? [] : [image])),
		requests: Object.entries(args.sets ?? {}).map(([set, own]) => ({ set, configuration: whole(own.configuration) })),
		keepAfter: args.keepAfter ?? 2,
		maxLevels: args.maxLevels ?? 3,
		forget: args.forget ?? [],
	};
}

/** Each after its parent. */
function templatesOf(
	{ templates = {} }: TemplateCatalogArgs,
	whole: (own?: TemplateConfigurationArgs) => Configuration,
): Template[] {
	const found: Template[] = [];
	const add = (name: string): Template => {
		const there = found.find((template) => template.name === name);
		if (there) return there;
		const { parent, configuration } = templates[name]!;
		const from = parent === undefined ? undefined : add(parent);
		const template = {
			name,
			...(from && { parent: from.name }),
			configuration: from
				? withSteps(from.configuration, stepsSchema.parse(configuration ?? {}))
				: whole(configuration),
		};
		found.push(template);
		return template;
	};
	for (const name of Object.keys(templates)) add(name);
	return found;
}

/** All programs to run, in their order. */
export function commandsOf({ packages, commands }: Steps, installCommand = INSTALL): string[][] {
	return [...(packages.length > 0 ? [[...installCommand, ...packages]] : []), ...commands];
}

/**
 * Templates are told apart by what they have, so that has to be known when the program runs.
 * @throws InputError naming each output or promise in a configuration
 */
export function refuseLaterConfigurations(what: string, { templates = {}, sets = {} }: TemplateCatalogArgs): void {
	const found = [
		...Object.entries(templates).flatMap(([name, own]) =>
			laterIn(own.configuration, ["templates", name, "configuration"]),
		),
		...Object.entries(sets).flatMap(([name, own]) => laterIn(own.configuration, ["sets", name, "configuration"])),
	];
	refuse(
		what,
		found.map((path) => ({
			property: path.join("."),
			path,
			message:
				"got a value that is only known later; allowed is a plain value, as templates are told apart by what they have. What is " +
				"secret, or an output, belongs to a set's own files",
		})),
	);
}

function laterIn(value: unknown, path: string[]): string[][] {
	if (pulumi.Output.isInstance(value) || value instanceof Promise) return [path];
	if (value === null || typeof value !== "object") return [];
	return Object.entries(value).flatMap(([key, inner]) => laterIn(inner, [...path, key]));
}
