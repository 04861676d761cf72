/** What the stack's configuration says of sets. Pure: programs of operators write what the sets read. */
import { z } from "zod";
import { forkedSchema } from "../../provider/fork/forked";
import { InputError } from "../../provider/lifecycle";
import { refuse, validate } from "../../provider/problems";
import { objectName } from "../../provider/schema";
import { defined } from "../defined";
import type { Instance } from "../instances";
import type { ForkedChildArgs } from "./args";
import { power } from "./schema";

/** Namespace and name of the key. */
export const NAMESPACE = "pulumi-libvirt-clones";
export const FORKS = "forks";
export const FORKS_KEY = `${NAMESPACE}:${FORKS}`;

const onReset = forkedSchema.shape.onReset.unwrap();

const configuredChildSchema = z.strictObject({
	exists: z.boolean().optional(),
	power: power.optional(),
	resetTrigger: forkedSchema.shape.resetTrigger,
	onReset: onReset.optional(),
});

const configuredSetSchema = z.strictObject({
	count: z.int("allowed is a whole number").min(0).max(100_000).optional(),
	power: power.optional(),
	resetTrigger: forkedSchema.shape.resetTrigger,
	onReset: onReset.optional(),
	children: z.record(objectName, configuredChildSchema).optional(),
});

const configuredSchema = z.strictObject({ [FORKS]: z.record(objectName, configuredSetSchema) });

/** What is said of one child, by what the set calls it: "ann", or "0" for the first one of a count. */
export interface ConfiguredChild {
	/** Whether it is there: `true` adds a named one, `false` takes away whichever the program has. */
	exists?: boolean | undefined;
	/** Whether it runs. */
	power?: "on" | "off" | undefined;
	/** Another text resets it. */
	resetTrigger?: string | undefined;
	/** What a reset of it comes to. */
	onReset?: "boot" | "refork" | undefined;
}

/** What is said of a set; of a child it goes before what is said of its set, and all of it before the program. */
export interface ConfiguredSet {
	/** Number of its counted children. */
	count?: number | undefined;
	/** Whether its children run. */
	power?: "on" | "off" | undefined;
	/** Another text resets all of its children. */
	resetTrigger?: string | undefined;
	/** What a reset of them comes to. */
	onReset?: "boot" | "refork" | undefined;
	/** What is said of single ones. */
	children?: Record<string, ConfiguredChild> | undefined;
}

/** By the names of the sets. */
export type ConfiguredForks = Record<string, ConfiguredSet>;

/** @throws InputError that names each property that is wrong, the value got and what is allowed */
export function checkedForks(given: unknown): ConfiguredForks {
	const { inputs, problems } = validate(configuredSchema, { [FORKS]: given });
	refuse(
		"configuration",
		problems.map((problem) => ({ ...problem, property: `${NAMESPACE}:${problem.property}` })),
	);
	return inputs[FORKS];
}

/** @param text of the key in the stack's configuration; undefined where it is not there @throws InputError */
export function configuredForks(text: string | undefined): ConfiguredForks {
	if (text === undefined) return {};
	let given: unknown;
	try {
		given = JSON.parse(text);
	} catch {
		given = text;
	}
	return checkedForks(given);
}

interface Declared {
	count?: number | undefined;
	power?: unknown;
	onReset?: unknown;
	children?: string[] | Record<string, ForkedChildArgs> | undefined;
}

/**
 * The arguments of a set with what is configured for it as a whole, and the named children that are added.
 * @throws InputError for a number of children where the program names them
 */
export function withConfigured<Args extends Declared>(args: Args, set: ConfiguredSet): Args {
	const { count, power, onReset, children = {} } = set;
	if (count !== undefined && args.count === undefined) {
		throw new InputError(
			"count",
			`got ${count}, and the program names this set's children; allowed are those: children`,
		);
	}
	const names = Array.isArray(args.children) ? args.children : Object.keys(args.children ?? {});
	const added = Object.entries(children)
		.filter(([name, { exists }]) => exists === true && !names.includes(name) && !isCounted(name))
		.map(([name]) => name);
	return {
		...args,
		...defined({ count, power, onReset }),
		...(added.length > 0 && {
			children: Array.isArray(args.children)
				? [...args.children, ...added]
				: { ...args.children, ...Object.fromEntries(added.map((name) => [name, {}])) },
		}),
	};
}

/** What a child has different from its set; `reset` are the texts of which another one resets it. */
export type ConfiguredOwn = Omit<ForkedChildArgs, "resetTrigger"> & {
	onReset?: "boot" | "refork" | undefined;
	resets: string[];
	resetTrigger?: ForkedChildArgs["resetTrigger"];
};

/**
 * The children with what is configured for each.
 * @param children of the arguments that `withConfigured` returned
 * @throws InputError for a child that there is not
 */
export function childrenConfigured(
	prefix: string,
	children: ReadonlyArray<Instance<ForkedChildArgs>>,
	set: ConfiguredSet,
): Instance<ConfiguredOwn>[] {
	const nameOf = ({ name }: { name: string }) => name.slice(prefix.length + 1);
	const all = children.map(nameOf);
	for (const [name, { exists }] of Object.entries(set.children ?? {})) {
		// One that is taken away may be gone from the program meanwhile, and a count comes and goes.
		if (all.includes(name) || exists === false || (isCounted(name) && exists !== true)) continue;
		const allowed = all.length === 0 ? "none, as there are none" : all.slice(0, 20).join(", ");
		throw new InputError(
			`children.${name}`,
			`got a child that this set does not have; allowed are ${allowed}${all.length > 20 ? ", ..." : ""}. ` +
				(isCounted(name)
					? "One more of a count is a larger count"
					: "Take it from the configuration, or let it be added by exists: true"),
		);
	}
	return children.flatMap((child) => {
		const own = set.children?.[nameOf(child)] ?? {};
		if (own.exists === false) return [];
		const power = own.power ?? set.power;
		const resets = [set.resetTrigger, own.resetTrigger].filter((text) => text !== undefined);
		return [{ ...child, own: { ...child.own, ...defined({ power, onReset: own.onReset }), resets } }];
	});
}

/** The first ones of a set are called by their number. */
export function isCounted(name: string): boolean {
	return /^\d+$/.test(name);
}
