/**
 * What is asked of a catalog of templates, counted over all runs. It is on no host: the decision is made where inputs are
 * checked, from what was recorded before, so that a preview decides as the run after it.
 */
import { isDeepStrictEqual } from "node:util";
import type { Change, Lifecycle } from "../lifecycle";
import { left } from "./configuration";
import { type Decision, decide } from "./decide";
import { type TemplateRequestsInputs, templateRequestsSchema } from "./schema";
import { distanceOf, isZero, levelOf, told } from "./search";

export const templateRequests: Lifecycle<TemplateRequestsInputs, object> = {
	name: "TemplateRequests",
	schema: templateRequestsSchema,
	sensitive: ["templates", "requests", "automatic"],
	outputs: ["counts", "choices"],

	settle: async (olds, news) => ({ ...news, ...decisionOf(olds) }),

	resolve: async (inputs) => ({ ...inputs, ...decide(inputs, decisionOf(inputs)) }),

	/** Pure. */
	changes(olds, news) {
		const before = new Map(linesOf(olds));
		const changed = linesOf(news).filter(([property, note]) => before.get(property) !== note);
		const gone = [...before.keys()].filter((property) => !linesOf(news).some(([own]) => own === property));
		const changes = [
			...changed.map(([property, note]): Change => ({ property, effect: "live", note })),
			...gone.map((property): Change => ({ property, effect: "live", note: "goes" })),
		];
		if (changes.length > 0) return changes;
		const keys = Object.keys(templateRequestsSchema.shape) as Array<keyof TemplateRequestsInputs>;
		return keys
			.filter((key) => OWN.has(key) && !isDeepStrictEqual(olds[key], news[key]))
			.map((property) => ({ property, effect: "live", note: "recorded" }));
	},

	plan: async (inputs, { makes }) =>
		makes === "new" || makes === undefined ? linesOf(inputs).map(([property, note]) => `${property}: ${note}`) : [],

	create: async (inputs) => ({ id: inputs.name, state: inputs }),
	read: async (_id, state) => state,
	update: async (_id, _olds, news) => news,
	async delete() {},
};

/** What is not about the engine or the owner. */
const OWN = new Set<string>([
	"name",
	"templates",
	"bootable",
	"requests",
	"keepAfter",
	"maxLevels",
	"forget",
	"counts",
	"choices",
	"automatic",
]);

function decisionOf({ counts = {}, choices = [], automatic = [] }: TemplateRequestsInputs): Decision {
	return { counts, choices, automatic };
}

/** What a preview says: of each set the template, how far that is and why; of each automatic template where it comes from. */
function linesOf(inputs: TemplateRequestsInputs): Array<[property: string, note: string]> {
	const { templates, requests, keepAfter, maxLevels } = inputs;
	const { counts, choices, automatic } = decisionOf(inputs);
	const all = [...templates, ...automatic];
	const sets = choices.map(({ set, key, template }): [string, string] => {
		const wanted = requests.find((request) => request.set === set)!.configuration;
		const rest = left(all.find(({ name }) => name === template)!.configuration, wanted);
		const level = levelOf(all, template);
		const from = `goes on from ${template} (level ${level})`;
		if (isZero(distanceOf(rest))) return [`sets.${set}`, `${from}, which has all that is asked for`];
		const asked = counts[key] ?? 0;
		const isKept = all.some(({ name }) => name === `${inputs.name}-${key}`);
		const why = isKept
			? "it was made before there was a template for it"
			: asked >= keepAfter
				? `a template for it would be of level ${level + 1}, and maxLevels is ${maxLevels}`
				: `asked for ${times(asked)}, and keepAfter is ${keepAfter}`;
		return [`sets.${set}`, `${from}, the nearest; left: ${told(rest)}, done in each child (${why})`];
	});
	const made = automatic.map(({ name, parent, configuration }): [string, string] => {
		const from = all.find((template) => template.name === parent);
		const asked = counts[name.slice(inputs.name.length + 1)] ?? 0;
		const what = from
			? `of ${parent}, and ${told(left(from.configuration, configuration))} more`
			: `of the image ${configuration.image}, which no template is of that fits`;
		const why = asked >= keepAfter ? `kept: asked for ${times(asked)}` : "for as long as it is used";
		return [`templates.${name}`, `made by itself, ${what}; ${why}`];
	});
	return [...made, ...sets];
}

function times(count: number): string {
	return count === 1 ? "once" : `${count} times`;
}
