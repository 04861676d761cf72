/** What is said of an image's scripts, all in all, and what is not allowed in it. */
import { z } from "zod";
import { InputError } from "../lifecycle";
import { refuse, shown, validate } from "../problems";
import { identifierComplaint } from "./identifiers";
import { inOrder, SCRIPT_KINDS } from "./order";
import { scheduleText, scriptShape } from "./script";
import { checkSystem } from "./windows/rules";

/** The folders of scripts have numbers of two digits. */
const MOST_SCRIPTS = 99;

const identifier = z
	.array(z.string().refine((text) => identifierComplaint(text) === undefined, identifierComplaint("")))
	.min(1)
	.max(6);

const again = z.enum(["keep", "rerun", "parametersOnly"]);

export const payloadScriptSchema = z.strictObject({
	...scriptShape,
	kind: z.enum(SCRIPT_KINDS),
	/** Identifiers that its parameters are computed from, instead of the image's. */
	identifier: identifier.optional(),
	/** Of a text that is this package's: what the user has said of it. Another version of the package is no other script. */
	source: z.string().optional(),
	/** Its text or its output may hold secrets: the output is not kept. */
	secret: z.boolean().optional(),
});

export const payloadSchema = z.strictObject({
	scripts: z.array(payloadScriptSchema).max(MOST_SCRIPTS, `allowed are at most ${MOST_SCRIPTS} scripts in all`),
	identifier,
	/** As `compileParameters` gives them. */
	parameters: z.object({ text: z.string(), identifiers: z.array(z.string()).readonly() }),
	/** Names of those that no report shows. */
	secretParameters: z.array(z.string()).default([]),
	policy: z
		.strictObject({ reboot: again.default("keep"), reclone: again.default("rerun"), changed: again.default("rerun") })
		.prefault({}),
	/** What becomes of it all in a clone when the scripts have ended well. */
	afterwards: z.enum(["keep", "disable", "remove"]).default("keep"),
	/** Hardware ids of the source, on which nothing runs. */
	notOn: z.record(z.string(), z.string()).default({}),
});

export type PayloadDescription = z.input<typeof payloadSchema>;
export type Description = z.output<typeof payloadSchema>;
export type DescribedScript = Description["scripts"][number];

/**
 * @returns it with the scripts in the order in which they run
 * @throws InputError that says what is wrong
 */
export function checkedDescription(given: PayloadDescription): Description {
	const { inputs, problems } = validate<Description>(payloadSchema as z.ZodType<Description>, given);
	refuse("the scripts of the image", problems);
	const scripts = inOrder(inputs.scripts);
	checkParameters(inputs);
	checkAfterwards(inputs);
	checkSystem(inputs);
	return { ...inputs, scripts };
}

function checkParameters({ scripts, parameters, secretParameters }: Description): void {
	const names = [...parameters.text.matchAll(/^parameter (.+)$/gm)].map(([, name]) => name!);
	const allowed = `allowed are names of parameters: ${names.join(", ") || "there are none"}`;
	for (const { kind, name, arguments: wanted = [] } of scripts) {
		for (const argument of wanted) {
			if (names.includes(argument)) continue;
			throw new InputError(kind, `${name}: arguments: got ${shown(argument)}; ${allowed}`);
		}
	}
	const unknown = secretParameters.find((name) => !names.includes(name));
	if (unknown !== undefined) throw new InputError("secretParameters", `got ${shown(unknown)}; ${allowed}`);
}

function checkAfterwards({ scripts, afterwards }: Description): void {
	const later = scripts.find(({ when }) => scheduleText(when) !== "first-boot");
	if (afterwards === "keep" || later === undefined) return;
	throw new InputError(
		"afterwards",
		`got ${shown(afterwards)}, and ${later.name} runs ${scheduleText(later.when)}; allowed with scripts that run again or later is keep`,
	);
}
