/** In which order scripts run: those of kind init, customize, cleanup, each straight followed by those that are after it. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";

export type ScriptKind = "init" | "customize" | "cleanup";

export const SCRIPT_KINDS: ReadonlyArray<ScriptKind> = ["init", "customize", "cleanup"];

interface Ordered {
	name: string;
	kind: ScriptKind;
	after?: string | undefined;
}

/** @throws InputError about a name that is there twice, or an `after` that leads nowhere or in a circle */
export function inOrder<Script extends Ordered>(scripts: ReadonlyArray<Script>): Script[] {
	const known = new Map<string, Script>();
	for (const script of scripts) {
		if (known.has(script.name)) {
			throw new InputError(
				script.kind,
				`got two scripts named ${shown(script.name)}; allowed are names of which none is there twice`,
			);
		}
		known.set(script.name, script);
	}
	for (const script of scripts) checkAfter(script, known);
	const ordered: Script[] = [];
	const place = (script: Script) => {
		ordered.push(script);
		for (const next of scripts) if (next.after === script.name) place(next);
	};
	for (const kind of SCRIPT_KINDS) {
		for (const script of scripts) if (script.kind === kind && script.after === undefined) place(script);
	}
	if (ordered.length === scripts.length) return ordered;
	const circle = scripts.filter((script) => !ordered.includes(script)).map(({ name }) => name);
	throw new InputError(
		"customize",
		`got ${circle.join(", ")} after each other in a circle; allowed is an after that leads to a script without one`,
	);
}

function checkAfter(script: Ordered, known: ReadonlyMap<string, Ordered>): void {
	if (script.after === undefined) return;
	const complain = (message: string) => {
		throw new InputError(script.kind, `${script.name}: after: got ${shown(script.after)}; ${message}`);
	};
	if (script.kind !== "customize")
		complain("allowed is it for customize only: the others run in the order of their list");
	const other = known.get(script.after);
	if (other && other.kind !== "cleanup") return;
	const names = [...known.values()].filter(({ kind, name }) => kind !== "cleanup" && name !== script.name);
	complain(
		`allowed are names of scripts of init and customize: ${names.map(({ name }) => name).join(", ") || "there are none"}`,
	);
}
