/** Rules that the arguments of several components have in common. */
import type { Rule } from "../provider/lifecycle";
import { isUnknown } from "../provider/unknown";

/**
 * Which machines there are: by their number, by their names, or both.
 * @param property that lists the names
 * @param machines what they are called: "clones"
 */
export function namesRules<Property extends string>(
	property: Property,
	machines: string,
): ReadonlyArray<Rule<{ count?: number | undefined } & { [P in Property]?: string[] | object | undefined }>> {
	type Inputs = { count?: number | undefined } & { [P in Property]?: string[] | object | undefined };
	return [
		{
			property: "count",
			needs: ["count", property] as Array<keyof Inputs & string>,
			check: (inputs) =>
				inputs.count === undefined && inputs[property] === undefined
					? `got neither count nor ${property}; give the number of ${machines}, or their names`
					: undefined,
		},
		{
			property,
			needs: ["count", property] as Array<keyof Inputs & string>,
			check(inputs) {
				const { count = 0 } = inputs;
				const named = inputs[property];
				const names: string[] = Array.isArray(named) ? named : Object.keys(named ?? {});
				const twice = names.find(
					(name, index) => names.indexOf(name) !== index || (/^\d+$/.test(name) && Number(name) < count),
				);
				return twice === undefined
					? undefined
					: `got ${JSON.stringify(twice)} twice; allowed are names that differ from each other and from 0 to count - 1`;
			},
		},
	];
}

/** @param property that says what a change of what the machines stand on means */
export function rollingRule<Property extends string>(
	property: Property,
): Rule<{ rolling?: unknown } & { [P in Property]?: string | undefined }> {
	return {
		property: "rolling",
		needs: [],
		check: (inputs) =>
			inputs.rolling !== undefined && inputs[property] !== "rolling"
				? `is given, and ${property} is ${inputs[property] ?? "keep"}; give ${property}: "rolling", or leave rolling out`
				: undefined,
	};
}

/**
 * @param property that says what is cloned
 * @param what is made in the pool: "the clones' volumes"
 */
export function poolRule<Property extends string>(
	property: Property,
	what: string,
): Rule<{ pool?: unknown } & { [P in Property]?: unknown }> {
	return {
		property: "pool",
		needs: [],
		check: (inputs) =>
			// A resource is unknown at this point and knows its pool; a path or a domain does not.
			inputs.pool === undefined && !isUnknown(inputs[property])
				? `is required where ${property} is not a volume resource; give the pool that ${what} are made in`
				: undefined,
	};
}
