/** The file that says what is watched, and what is done about it. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { Rule } from "../../provider/lifecycle";
import { refuse, validate } from "../../provider/problems";

const percent = z.number().min(0, "allowed is a percentage").max(100, "allowed is a percentage");
const seconds = z.number().min(1).max(86_400);

const ruleSchema = z.strictObject({
	/** Key of the configuration that is the declared number of machines: "web:nodes". */
	count: z
		.string()
		.regex(/^([A-Za-z0-9_.-]+:)?[A-Za-z0-9_.-]+$/, "allowed is a key of the configuration such as web:nodes"),
	/** What is measured: processor time of the machines, or of all machines on the host, as a part of what there is. */
	of: z.enum(["guestCpu", "hostCpu"]).default("guestCpu"),
	/** Names of the machines that are measured; * stands for anything. */
	machines: z
		.string()
		.regex(/^[A-Za-z0-9._*-]+$/, "allowed is a name in which * stands for anything")
		.optional(),
	/** libvirt URI of their host. */
	uri: z
		.string()
		.regex(/^[a-z]+(\+[a-z0-9]+)?:\/\//, "allowed is a libvirt URI")
		.optional(),
	/** One more when it is above this for so long. */
	above: percent,
	forSeconds: seconds.default(60),
	/** One less when it is below this for so long; absent: never. */
	below: percent.optional(),
	belowForSeconds: seconds.default(300),
	/** How many more or less at once. */
	step: z.int().min(1).max(1000).default(1),
	min: z.int().min(0).max(100_000).default(1),
	max: z.int().min(1).max(100_000),
	/** Seconds after a change in which there is no other. */
	cooldownSeconds: z.number().min(0).max(86_400).default(300),
});

export const watchSchema = z.strictObject({
	/** Folder of the Pulumi project, relative to the file. */
	project: z.string().min(1).default("."),
	stack: z.string().min(1),
	/** Seconds between two measurements. */
	intervalSeconds: z.number().min(1).max(3600).default(10),
	rules: z.array(ruleSchema).min(1).max(64),
});

export type Watch = z.output<typeof watchSchema>;
export type WatchRule = Watch["rules"][number];

const together: ReadonlyArray<Rule<Watch>> = [
	{
		property: "rules",
		needs: ["rules"],
		check({ rules }) {
			for (const [index, { min, max, above, below, of, machines }] of rules.entries()) {
				if (min > max) return `got min ${min} and max ${max} in [${index}]; allowed is a min that is not above max`;
				if (below !== undefined && below >= above) {
					return `got below ${below} and above ${above} in [${index}]; allowed is a below that is less`;
				}
				if (of === "guestCpu" && machines === undefined) {
					return `got guestCpu without machines in [${index}]; allowed are names of machines, such as web-*`;
				}
			}
			return undefined;
		},
	},
	{
		property: "rules",
		needs: ["rules"],
		check({ rules }) {
			const twice = rules.find(({ count }, index) => rules.findIndex((other) => other.count === count) !== index);
			return twice && `got ${twice.count} in two rules; allowed is one rule for each count`;
		},
	},
];

/** @throws Error that names the file and everything that is wrong in it */
export async function readWatch(file: string): Promise<Watch> {
	const text = await readFile(file, "utf8");
	let given: unknown;
	try {
		given = parse(text);
	} catch (error) {
		throw new Error(`${file} is not well-formed YAML: ${(error as Error).message}`);
	}
	if (typeof given !== "object" || given === null || Array.isArray(given)) {
		throw new Error(`${file}: got no group of properties; allowed are project, stack, intervalSeconds and rules`);
	}
	const { inputs, problems } = validate<Watch>(watchSchema as z.ZodType<Watch>, given as never, together);
	refuse(file, problems);
	return { ...inputs, project: resolve(dirname(file), inputs.project) };
}
