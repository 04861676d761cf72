import { z } from "zod";
import { healthCheckSchema } from "../../provider/domain/schema";
import { forkPointSchema } from "../../provider/fork/schema";
import type { Rule } from "../../provider/lifecycle";
import { shown, validate } from "../../provider/problems";
import { objectName, reference, wholeText } from "../../provider/schema";
import { configurationSchema } from "../../provider/templates/configuration";
import { forkedVMSetRules, forkedVMSetSchema } from "../forked-vm-set/schema";

const configuration = configurationSchema.partial({ image: true });

export const templateCatalogSchema = z.strictObject({
	uri: forkPointSchema.shape.uri.optional(),
	pool: reference,
	network: reference.optional(),
	images: z.record(
		objectName,
		z.strictObject({
			base: reference.optional(),
			baseContentId: z.string().optional(),
			ready: healthCheckSchema.optional(),
			installCommand: z.array(wholeText).min(1).optional(),
		}),
	),
	templates: z
		.record(
			objectName,
			z.strictObject({
				parent: objectName.optional(),
				point: forkedVMSetSchema.shape.parent.optional(),
				configuration: configuration.optional(),
				ready: healthCheckSchema.optional(),
				forkableBy: forkPointSchema.shape.forkableBy,
			}),
		)
		.optional(),
	sets: z
		.record(
			objectName,
			forkedVMSetSchema.omit({ parent: true, uri: true }).extend({ configuration: configuration.optional() }),
		)
		.optional(),
	keepAfter: z.int().min(1).max(1000).optional(),
	maxLevels: z.int().min(1).max(100).optional(),
	forget: z.array(objectName).optional(),
	forkableBy: forkPointSchema.shape.forkableBy,
	timeoutSeconds: forkPointSchema.shape.timeoutSeconds.unwrap().optional(),
});

export type TemplateCatalogInputs = z.output<typeof templateCatalogSchema>;
type TemplateInputs = NonNullable<TemplateCatalogInputs["templates"]>[string];

export const templateCatalogRules: ReadonlyArray<Rule<TemplateCatalogInputs>> = [
	{
		property: "templates",
		needs: ["templates"],
		check: ({ templates = {} }) => firstOf("templates", templates, (name) => badTemplate(name, templates)),
	},
	{
		property: "templates",
		needs: ["templates", "images"],
		check: ({ templates = {}, images }) =>
			firstOf("templates", templates, (_name, { parent, point, configuration: own }) =>
				parent === undefined ? badImage(own?.image, images, templates, point === undefined) : undefined,
			),
	},
	{
		property: "sets",
		needs: ["sets", "templates", "images"],
		check: ({ sets = {}, templates = {}, images }) =>
			firstOf("sets", sets, (_name, set) => badImage(set.configuration?.image, images, templates, false)),
	},
	{
		property: "sets",
		needs: ["sets"],
		check: ({ sets = {} }) =>
			firstOf("sets", sets, (_name, { configuration: _own, ...set }) => {
				const [problem] = validate(forkedVMSetSchema, { ...set, parent: "any" }, forkedVMSetRules).problems;
				return problem && `${problem.property}: ${problem.message}`;
			}),
	},
	...(["templates", "sets"] as const).map(
		(property): Rule<TemplateCatalogInputs> => ({
			property,
			needs: [property],
			check: ({ [property]: all = {} }) =>
				firstOf<{ configuration?: { files: Array<{ path: string }> } | undefined }>(property, all, (_name, own) => {
					const paths = own.configuration?.files.map(({ path }) => path) ?? [];
					const twice = paths.find((path, index) => paths.indexOf(path) !== index);
					return twice && `configuration.files: got ${shown(twice)} twice; allowed is one file of each path`;
				}),
		}),
	),
];

/** The names of all images: those that are given, and those of templates that are. */
export function imagesOf({ images, templates = {} }: Pick<TemplateCatalogInputs, "images" | "templates">): string[] {
	const given = Object.values(templates).flatMap(({ configuration: own }) => own?.image ?? []);
	return [...new Set([...Object.keys(images), ...given])];
}

function badTemplate(name: string, templates: Record<string, TemplateInputs>): string | undefined {
	const { parent, point, configuration: own, forkableBy } = templates[name]!;
	if (point !== undefined && forkableBy !== undefined) {
		return `forkableBy: got ${shown(forkableBy)} and a point; a fork point that exists already says itself who may fork it`;
	}
	if (parent === undefined) return undefined;
	if (point !== undefined) {
		return `parent: got ${shown(parent)} and a point; a fork point that exists already has all that it has: tell that as its configuration`;
	}
	if (own?.image !== undefined || Object.keys(own?.domain ?? {}).length > 0) {
		const got = own?.image === undefined ? "domain" : "image";
		return `configuration.${got}: got ${shown(own?.[got])} with a parent, whose image and hardware it has; leave it out`;
	}
	if (!(parent in templates)) {
		return `parent: got ${shown(parent)}; allowed is the name of another template: ${Object.keys(templates).join(", ")}`;
	}
	const circle = [name];
	for (let next: string | undefined = parent; next !== undefined; next = templates[next]?.parent) {
		if (circle.includes(next))
			return `parent: got ${shown(parent)}, which goes on from it: ${[...circle, next].join(" of ")}`;
		circle.push(next);
	}
	return undefined;
}

function badImage(
	image: string | undefined,
	images: TemplateCatalogInputs["images"],
	templates: Record<string, TemplateInputs>,
	boots: boolean,
): string | undefined {
	const names = imagesOf({ images, templates });
	if (image === undefined) {
		if (names.length > 1)
			return `configuration.image: is required where there are several; allowed are ${names.join(", ")}`;
		if (names.length === 0) return "configuration.image: is required; allowed is one of images, of which there is none";
	}
	const own = image ?? names[0]!;
	if (!names.includes(own)) return `configuration.image: got ${shown(own)}; allowed are ${names.join(", ") || "none"}`;
	if (boots && images[own]?.base === undefined) {
		return `configuration.image: got ${shown(own)}, which has no base; give images.${own}.base, or the point of a fork point`;
	}
	return undefined;
}

/** The first complaint, after where it is. */
function firstOf<Item>(
	property: "templates" | "sets",
	all: Record<string, Item>,
	complaint: (name: string, item: Item) => string | undefined | "",
): string | undefined {
	for (const [name, item] of Object.entries(all)) {
		const found = complaint(name, item);
		if (found) return `${property}.${name}.${found}`;
	}
	return undefined;
}
