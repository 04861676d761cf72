/**
 * A template that is stored in the state: machines that refer to it take its steps over when it changes. It goes after
 * them, as the engine removes what nothing depends on any more last.
 */
import { isDeepStrictEqual } from "node:util";
import type { Change, Lifecycle, Rule } from "../lifecycle";
import { fileRule, morphRules, PHASES, pathOf, stepsIn } from "../morph/template";
import { isUnknown } from "../unknown";
import { type MorphTemplateInputs, morphTemplateSchema } from "./schema";

export const morphTemplateRules: ReadonlyArray<Rule<MorphTemplateInputs>> = [
	{
		property: "steps",
		needs: ["steps"],
		check: ({ steps }) => {
			for (const { check } of [fileRule, ...morphRules]) {
				const complaint = check({ morph: steps });
				if (complaint !== undefined) return complaint;
			}
			return undefined;
		},
	},
];

export const morphTemplate: Lifecycle<MorphTemplateInputs, object> = {
	name: "MorphTemplate",
	schema: morphTemplateSchema,
	outputs: ["name", "steps", "machines"],
	rules: morphTemplateRules,

	/** Pure. */
	changes(olds, news) {
		const changes: Change[] = [];
		if (olds.name !== news.name) changes.push({ property: "name", effect: "live", note: "listed under that name" });
		if (!isDeepStrictEqual(olds.steps, news.steps)) {
			changes.push({
				property: "steps",
				effect: "live",
				note: [...differing(olds, news), concerning(news)].join("; "),
			});
		} else if (!isDeepStrictEqual(olds.machines ?? [], news.machines ?? [])) {
			changes.push({ property: "machines", effect: "live", note: concerning(news) });
		}
		return changes;
	},

	plan: async (inputs, { makes }) => (makes === false ? [] : [concerning(inputs)]),

	create: async (inputs) => ({ id: inputs.ownerId, state: inputs }),
	read: async (_id, state) => state,
	update: async (_id, _olds, news) => news,
	async delete() {},
};

function differing({ steps: olds }: MorphTemplateInputs, { steps: news }: MorphTemplateInputs): string[] {
	if (isUnknown(news) || isUnknown(olds)) return [];
	const phases = PHASES.filter((phase) => !isDeepStrictEqual(stepsIn(olds, phase), stepsIn(news, phase)));
	const places = [...(isDeepStrictEqual(olds.tools, news.tools) ? [] : ["tools"]), ...phases.map(pathOf)];
	return places.length === 0 ? [] : [`others in ${places.join(", ")}`];
}

function concerning({ machines = [] }: MorphTemplateInputs): string {
	if (isUnknown(machines)) return "which machines it concerns is known later";
	return machines.length === 0
		? "no machine refers to it"
		: `concerns the next change of ${machines.join(", ")}; what is under way there goes on by the former steps`;
}
