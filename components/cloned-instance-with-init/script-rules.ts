/** What is wrong with scripts and parameters, as far as they are known: told before anything is made. */

import { checkedDescription } from "../../provider/init/description";
import { settingProblems } from "../../provider/init/library";
import { type CompiledParameters, outcomes, parameterProblems } from "../../provider/init/parameters";
import { isLater } from "../../provider/later";
import { type Path, type Problem, propertyName, refuse, shown } from "../../provider/problems";
import { didYouMean } from "../../provider/suggestion";
import { naming } from "../args";
import type { ClonedInstanceWithInitArgs } from "./args";
import { compiled, descriptionOf, nameOf, parameterIn, scriptsIn, settingsOf, subjectOf } from "./payload";
import type { Planned } from "./planned";

/** @throws InputError that names everything that is wrong */
export function checkScripts(what: string, args: ClonedInstanceWithInitArgs, planned: ReadonlyArray<Planned>): void {
	const scripts = scriptsIn(args as Parameters<typeof scriptsIn>[0]);
	refuse(what, [...scripts.flatMap(sourceProblems), ...nameProblems(scripts)]);
	// What is known later is checked then.
	if (hasLater([args.init, args.customize, args.cleanup, args.parameters])) return;
	refuse(what, [...unknownParameters(args, scripts), ...parameterProblems(args.parameters ?? {})]);
	refuse(what, settingsProblems(args, scripts));
	const parameters = naming(what, () => compiled(args as Parameters<typeof compiled>[0]));
	refuse(what, args.withState ? untoldProblems(planned, parameters) : []);
	refuse(what, valueProblems(args, planned, parameters));
	naming(what, () => checkedDescription(descriptionOf(args, args as Parameters<typeof descriptionOf>[1], [])));
}

type Scripts = ReturnType<typeof scriptsIn>;

function about(path: Path, message: string): Problem {
	return { property: propertyName(path), path, message };
}

/** A script of the library, or a text. */
function sourceProblems({ script, path }: Scripts[number]): Problem[] {
	const given = (["library", "content", "file"] as const).filter((key) => script[key] !== undefined);
	const problem = (message: string, ...more: string[]): Problem => about([...path, ...more], message);
	if (given.length !== 1) {
		const got = given.length === 0 ? "none of library, content and file" : given.join(" and ");
		return [problem(`got ${got}; allowed is exactly one of library, content and file`)];
	}
	if (script.library === undefined && script.name === undefined) {
		return [problem(`is required with ${given[0]}; allowed is a name by which its results are told`, "name")];
	}
	if (script.library === undefined && script.with !== undefined) {
		return [problem(`got settings with ${given[0]}; allowed are they with a script of the library`, "with")];
	}
	return [];
}

function nameProblems(scripts: Scripts): Problem[] {
	const names = scripts.map(({ script }) => nameOf(script));
	return scripts.flatMap(({ path }, index) => {
		const first = names.indexOf(names[index]!);
		if (first === index) return [];
		const other = propertyName(scripts[first]!.path);
		const message = `got ${shown(names[index])}, which is the name of ${other}; allowed is another one: give name`;
		return [about([...path, "name"], message)];
	});
}

/** Settings that are said to be a parameter. */
function unknownParameters({ parameters = {} }: ClonedInstanceWithInitArgs, scripts: Scripts): Problem[] {
	return scripts.flatMap(({ script, path }) =>
		Object.entries(script.with ?? {}).flatMap(([setting, value]): Problem[] => {
			const name = parameterIn(value);
			if (name === undefined || Object.hasOwn(parameters, name)) return [];
			const names = Object.keys(parameters);
			const allowed =
				names.length === 0 ? "there are none" : `allowed are ${names.join(", ")}${didYouMean(name, names)}`;
			return [about([...path, "with", setting], `got the parameter ${shown(name)}; ${allowed}`)];
		}),
	);
}

function settingsProblems({ parameters }: ClonedInstanceWithInitArgs, scripts: Scripts): Problem[] {
	return scripts.flatMap(({ script, path }) => {
		if (script.library === undefined) return [];
		const problems = settingProblems(script.library, settingsOf(script, parameters as never), [...path, "with"]);
		return problems.map((problem) =>
			problem.property === "library" ? about([...path, "library"], problem.message) : problem,
		);
	});
}

/** Ids that a clone with state is not told of, and cannot see. */
function untoldProblems([clone]: ReadonlyArray<Planned>, { identifiers }: CompiledParameters): Problem[] {
	const untold = clone ? identifiers.filter((identifier) => !Object.hasOwn(clone.hardware, identifier)) : [];
	return untold.map((identifier) =>
		about(
			["parameters"],
			`got id(${shown(identifier)}) with withState, which a clone does not see before its next boot; allowed are ${Object.keys(clone!.hardware).join(", ")}: name it in identifier`,
		),
	);
}

/** What cannot be computed on one of the clones, and names or addresses that two of them would have. */
function valueProblems(
	args: ClonedInstanceWithInitArgs,
	planned: ReadonlyArray<Planned>,
	parameters: CompiledParameters,
): Problem[] {
	const seen = new Map<string, string>();
	const problems: Problem[] = [];
	for (const { name: clone, hardware } of planned) {
		for (const [name, outcome] of Object.entries(outcomes(parameters, subjectOf(args, hardware)))) {
			const complain = (message: string) => problems.push(about(["parameters", name], message));
			if ("error" in outcome) complain(`of ${clone}: ${outcome.error}`);
			if (!("value" in outcome) || !ONE_EACH.has(name)) continue;
			const other = seen.get(`${name} ${outcome.value}`);
			if (other !== undefined)
				complain(`comes to ${shown(outcome.value)} for ${other} and ${clone}; allowed is one for each`);
			seen.set(`${name} ${outcome.value}`, clone);
		}
	}
	return problems.slice(0, MOST_SHOWN);
}

/** Of these two machines on a network cannot have the same. */
const ONE_EACH: ReadonlySet<string> = new Set(["hostname", "address", "hostname-name", "static-address-address"]);
const MOST_SHOWN = 5;

function hasLater(value: unknown): boolean {
	if (isLater(value)) return true;
	return typeof value === "object" && value !== null && Object.values(value).some(hasLater);
}
