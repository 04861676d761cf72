/** From a component's arguments to what is put into its image, and to what its clones will compute from it. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { checkedDescription } from "../../provider/init/description";
import { type Hardware, identifierText } from "../../provider/init/identifiers";
import { type SettingValue, scriptOf } from "../../provider/init/library";
import { SCRIPT_KINDS, type ScriptKind } from "../../provider/init/order";
import { type CompiledParameters, compileParameters, evaluate } from "../../provider/init/parameters";
import type { Parameters } from "../../provider/init/parameters-schema";
import { makePayload, type PayloadDescription } from "../../provider/init/payload";
import type { Payload } from "../../provider/init/payload-type";
import { isOfBoot } from "../../provider/init/script";
import type { CloneSourceFacts } from "../../provider/init/source/schema";
import { InputError } from "../../provider/lifecycle";
import { type Path, propertyName } from "../../provider/problems";
import { secretPaths } from "../../provider/secret-inputs";
import { overlaps } from "../../provider/secrets";
import { naming } from "../args";
import type { ClonedInstanceWithInitArgs, InitScriptArgs } from "./args";
import { identifiersOf } from "./planned";

type Kind = ScriptKind;

type PlainScript = pulumi.Unwrap<InitScriptArgs>;
/** The arguments with everything known. */
type Plain = pulumi.Unwrap<
	Pick<ClonedInstanceWithInitArgs, Kind | "parameters" | "afterwards" | "onReboot" | "onReclone">
>;

/** What the clones are given; a secret when anything in the scripts is. */
export function payloadFor(
	what: string,
	args: ClonedInstanceWithInitArgs,
	source: pulumi.Input<CloneSourceFacts["ids"]>,
): pulumi.Output<Payload> {
	return pulumi.all([plainOf(args), source, secretPaths(args)]).apply(async ([plain, notOn, secret = []]) => {
		// What was not known before is checked now.
		const description = naming(what, () => checkedDescription(descriptionOf(args, plain, notOn, secret)));
		return makePayload(description);
	});
}

/** What a clone computes of `parameters`; left out is what only the machine itself can tell. */
export function parametersOf(
	what: string,
	args: ClonedInstanceWithInitArgs,
	hardware: Hardware,
): pulumi.Output<Record<string, string>> {
	return pulumi.output(args.parameters ?? {}).apply((parameters) => {
		const values = naming(what, () => evaluate(compileParameters(parameters as Parameters), subjectOf(args, hardware)));
		const known = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
		return Object.fromEntries(known);
	});
}

export function subjectOf(args: ClonedInstanceWithInitArgs, hardware: Hardware) {
	return { identifier: identifiersOf(args).map(identifierText), hardware };
}

/** Names of the scripts that run at the first boot. */
export function scriptsOfBoot(args: ClonedInstanceWithInitArgs): string[] {
	return SCRIPT_KINDS.flatMap((kind) => args[kind] ?? [])
		.filter(({ when }) => isOfBoot(when))
		.map(nameOf);
}

export function nameOf({ name, library }: Pick<InitScriptArgs, "name" | "library">): string {
	return name ?? library ?? "";
}

/** All parameters: the component's own, and those that the library's scripts take their settings from. */
export function compiled(plain: Pick<Plain, Kind | "parameters">): CompiledParameters {
	const all: Parameters = { ...(plain.parameters as Parameters | undefined) };
	for (const { script, path } of scriptsIn(plain)) {
		if (script.library === undefined) continue;
		for (const [name, value] of Object.entries(readyOf(script, plain.parameters).parameters)) {
			if (name in all) {
				throw new InputError(
					`parameters.${name}`,
					`got a parameter of the name that a setting of ${propertyName(path)} has; allowed is another name`,
				);
			}
			all[name] = value as Parameters[string];
		}
	}
	return compileParameters(all);
}

function plainOf(args: ClonedInstanceWithInitArgs): pulumi.Output<Plain> {
	const { init, customize, cleanup, parameters, afterwards, onReboot, onReclone } = args;
	return pulumi.output({
		init,
		customize,
		cleanup,
		parameters,
		afterwards,
		onReboot,
		onReclone,
	}) as pulumi.Output<Plain>;
}

export function descriptionOf(
	args: ClonedInstanceWithInitArgs,
	plain: Plain,
	notOn: CloneSourceFacts["ids"],
	secret: ReadonlyArray<Path> = [],
): PayloadDescription {
	const scripts = scriptsIn(plain);
	const isSecret = (path: Path) => secret.some((one) => overlaps(one, path));
	return {
		identifier: identifiersOf(args).map(identifierText),
		parameters: compiled(plain),
		secretParameters: [
			...Object.keys(plain.parameters ?? {}).filter((name) => isSecret(["parameters", name])),
			...scripts.flatMap(({ script, path }) => {
				if (script.library === undefined) return [];
				const ready = readyOf(script, plain.parameters);
				return isSecret([...path, "with"]) ? Object.keys(ready.parameters) : ready.secretParameters;
			}),
		],
		policy: {
			reboot: plain.onReboot,
			reclone: plain.onReclone,
			changed: args.onScriptChange === "parametersOnly" ? "parametersOnly" : "rerun",
		},
		afterwards: plain.afterwards,
		notOn: Object.fromEntries(notOn.map(({ identifier, value }) => [identifier, value])),
		scripts: scripts.map(({ kind, script, path }) => ({
			...descriptionOfScript(kind, script, plain.parameters),
			...(isSecret(path) && { secret: true }),
		})),
	};
}

export function scriptsIn(plain: Pick<Plain, Kind>): Array<{ kind: Kind; script: PlainScript; path: Path }> {
	return SCRIPT_KINDS.flatMap((kind) =>
		(plain[kind] ?? []).map((script, index) => ({ kind, script: script as PlainScript, path: [kind, index] })),
	);
}

function readyOf(script: PlainScript, parameters: Plain["parameters"]) {
	return scriptOf(script.library!, settingsOf(script, parameters), nameOf(script));
}

/** The settings, with what is said of a parameter in place of its name. */
export function settingsOf(script: PlainScript, parameters: Plain["parameters"]): Record<string, SettingValue> {
	const settings = Object.entries(script.with ?? {}).map(([name, value]): [string, SettingValue] => {
		const wanted = parameterIn(value);
		return [name, wanted === undefined ? (value as SettingValue) : (parameters?.[wanted] as SettingValue)];
	});
	return Object.fromEntries(settings);
}

/** The name in `{ parameter: NAME }`. */
export function parameterIn(value: unknown): string | undefined {
	if (typeof value !== "object" || value === null || !("parameter" in value)) return undefined;
	return String(value.parameter);
}

function descriptionOfScript(
	kind: Kind,
	script: PlainScript,
	parameters: Plain["parameters"],
): PayloadDescription["scripts"][number] {
	const { library, file, with: _, identifier, ...own } = script;
	const ready = library === undefined ? undefined : readyOf(script, parameters);
	return {
		...own,
		name: nameOf(script),
		kind,
		content: ready?.content ?? (file === undefined ? script.content! : readScript(file, `${kind}, ${nameOf(script)}`)),
		...(ready && { source: ready.source }),
		stage: script.stage ?? ready?.stage,
		when: script.when ?? (ready?.everyBoot ? { everyBoot: true } : undefined),
		...(identifier !== undefined && { identifier: [identifier].flat() }),
		...(ready && ready.secretParameters.length > 0 && { secret: true }),
	};
}

/** @throws InputError where it cannot be read */
function readScript(file: string, what: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw new InputError(
			"file",
			`${what}: file: got ${file}: ${(error as Error).message}; allowed is a file that can be read`,
		);
	}
}
