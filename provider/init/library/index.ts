/** The library of ready scripts: from a name and settings to a script and its parameters. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { listed } from "../../allowed";
import { InputError } from "../../lifecycle";
import { type Path, type Problem, propertyName, refuse, shown, validate } from "../../problems";
import { quoted } from "../../shell";
import { didYouMean } from "../../suggestion";
import type { Stage } from "../hooks";
import { compileMapping } from "../mappings";
import type { LooseMapping } from "../parameters-schema";
import { variableOf } from "../plan-files";
import { type LibraryScript, type LibraryScriptName, libraryScripts } from "./scripts";
import { type Setting, type SettingValue, schemaOf, textOf, valueIsAccepted } from "./settings";

export type { LibraryScript, LibraryScriptName } from "./scripts";
export type { Setting, SettingValue } from "./settings";
export { libraryScripts };

/** Where the scripts are in this package. */
const SOURCE = join(__dirname, "..", "..", "..", "..", "guest", "init", "library");

export interface ReadyScript {
	/** With everything that it needs; without values of parameters. */
	content: string;
	/** The part of it that is not this package's: its name and settings. */
	source: string;
	/** Which list it usually stands in. */
	kind: "init" | "customize";
	/** Part of the boot that it is made for. */
	stage: Stage;
	/** Whether it has to run at every boot. */
	everyBoot: boolean;
	/** What it reads, by name: `<script>-<setting>`, as a template or mapping. */
	parameters: Record<string, LooseMapping>;
	/** Names of the parameters that are secrets. */
	secretParameters: string[];
}

export function isLibraryScript(name: string): name is LibraryScriptName {
	return Object.hasOwn(libraryScripts, name);
}

/**
 * Everything that is wrong with a name and settings of a script.
 *
 * @param path of the settings, for the problems
 */
export function settingProblems(
	name: string,
	settings: Readonly<Record<string, SettingValue>>,
	path: Path = [],
): Problem[] {
	if (!isLibraryScript(name)) return [{ property: "library", path: ["library"], message: unknownScript(name) }];
	const script: LibraryScript = libraryScripts[name];
	const shape = Object.fromEntries(script.settings.map((own) => [own.name, schemaOf(own)]));
	const secrets = script.settings.filter(({ secret }) => secret).map((own) => own.name);
	const schema = z.strictObject(shape) as unknown as z.ZodType<Record<string, SettingValue>>;
	const { problems } = validate(schema, settings, script.rules, secrets);
	if (problems.length === 0)
		problems.push(...script.settings.flatMap((own) => templateProblems(own, settings[own.name])));
	return problems.map((problem) => {
		const whole = [...path, ...problem.path];
		return { ...problem, path: whole, property: propertyName(whole) };
	});
}

function templateProblems({ name, kind, secret }: Setting, given: SettingValue | undefined): Problem[] {
	if (given === undefined || kind === "text") return [];
	const { problems } = compileMapping(textOf(kind, given), [name]);
	if (!secret) return problems;
	const hidden =
		"got a value that is not shown, whose expressions cannot be read; braces that are none are written twice";
	return problems.slice(0, 1).map((problem) => ({ ...problem, message: hidden }));
}

/**
 * What is wrong with the parameters of a script once they are computed, which its settings did not show.
 *
 * @param values by the parameter's name
 * @param as the name that the script was made under
 */
export function valueProblems(name: LibraryScriptName, values: Record<string, string>, as: string = name): Problem[] {
	return libraryScripts[name].settings.flatMap((setting: Setting) => {
		const parameter = parameterName(as, setting);
		const value = values[parameter];
		if (value === undefined || setting.kind === "text" || valueIsAccepted(setting, value)) return [];
		const got = setting.secret ? "a value that is not shown" : shown(value);
		return [{ property: parameter, path: [parameter], message: `comes to ${got}; ${setting.allowed}` }];
	});
}

/**
 * @param as the name of the script among the others, where one of the library is used more than once
 * @throws InputError that names all settings that are wrong
 */
export function scriptOf(
	name: string,
	settings: Readonly<Record<string, SettingValue>>,
	as: string = name,
): ReadyScript {
	if (!isLibraryScript(name)) throw new InputError("library", unknownScript(name));
	refuse(`script ${name}`, settingProblems(name, settings));
	const script: LibraryScript = libraryScripts[name];
	const ready: ReadyScript = {
		content: "",
		source: "",
		kind: script.kind,
		stage: script.stage,
		everyBoot: script.everyBoot ?? false,
		parameters: {},
		secretParameters: [],
	};
	const head = script.settings.map((setting) => {
		const given = settings[setting.name];
		const variable = `SETTING_${kebab(setting.name).toUpperCase().replaceAll("-", "_")}`;
		if (given === undefined) return `${variable}=`;
		const text = textOf(setting.kind, given);
		// Parameters are one line. In the script it is in no process list, either.
		if (setting.kind === "text") return `${variable}=${quoted(text as string)}`;
		const parameter = parameterName(as, setting);
		ready.parameters[parameter] = text;
		if (setting.secret) ready.secretParameters.push(parameter);
		return `${variable}=\${${variableOf(parameter)}-}`;
	});
	const [shebang, ...lines] = librarySource(name).split("\n");
	ready.content = [shebang, ...head, ...lines].join("\n");
	// A setting that a later version adds is not given.
	ready.source = [name, ...head.filter((_, index) => settings[script.settings[index]!.name] !== undefined)].join("\n");
	return ready;
}

/** A script with the parts that it shares with others in it, without its settings. */
export function librarySource(name: LibraryScriptName): string {
	const text = readFileSync(join(SOURCE, name), "utf8");
	return text.replaceAll(/^\. "\$\{0%\/\*\}\/(parts\/[a-z0-9]+)"\n/gm, (_, part: string) =>
		readFileSync(join(SOURCE, part), "utf8"),
	);
}

function parameterName(as: string, { name }: Setting): string {
	return `${as}-${kebab(name)}`;
}

function kebab(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function unknownScript(name: string): string {
	const names = Object.keys(libraryScripts);
	return `got ${shown(name)}; allowed are ${listed(names, "and")}${didYouMean(name, names)}`;
}
