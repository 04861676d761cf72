/** Reads a definition and checks all of it, for every stack that it mentions. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { didYouMean } from "../provider/suggestion";
import { UNKNOWN } from "../provider/unknown";
import { Complaints, EnvironmentError } from "./complaint";
import type { Configuration } from "./config-variable";
import { type Declarations, declare } from "./declarations";
import { stacksOf } from "./stacks";
import { checkOutline } from "./structure";
import { entriesOf, type Group, type Tree, treeOf, withEntries } from "./tree";
import { parseYaml } from "./yaml";

export interface Sources {
	/** Name of the environment, for errors. */
	name: string;
	file?: string | undefined;
	definition?: object | undefined;
	stack: string;
	variables?: object | undefined;
	configuration: Configuration;
}

/**
 * What there is to build on the stack.
 * @throws EnvironmentError with everything that is wrong, on this and on the other stacks of the definition: so that a
 * mistake in what production has different shows in the preview of development
 */
export function load(sources: Sources): Declarations {
	const { name, file, definition, stack } = sources;
	if ((file === undefined) === (definition === undefined)) {
		const got = file === undefined ? "neither" : "both";
		throw new EnvironmentError(name, undefined, [
			{ property: "file", message: `got ${got} file and definition; allowed is one of them` },
		]);
	}
	const shownFile = file === undefined ? undefined : basename(file);
	const complaints = new Complaints();
	const tree = file === undefined ? treeOf(definition) : readFile(name, file, complaints);
	const refuse = (): void => {
		if (complaints.all.length > 0) throw new EnvironmentError(name, shownFile, complaints.all);
	};
	if (!tree) refuse();
	const outline = checkOutline(tree!, complaints);
	const variables = treeOf(sources.variables ?? {});
	const declarations = declare(outline, { stack, file, variables, configuration: sources.configuration }, complaints);
	for (const other of stacksOf(outline).filter((own) => own !== stack)) {
		const circumstances = {
			stack: other,
			file,
			variables: allUnknown(variables),
			configuration: UNKNOWN_CONFIGURATION,
		};
		declare(outline, circumstances, complaints);
	}
	refuse();
	return declarations;
}

/** The configuration of a stack that is not the running one. */
const UNKNOWN_CONFIGURATION: Configuration = { get: () => "unknown" };

function allUnknown(variables: Tree): Group {
	const unknown = entriesOf(variables).map(([key, { path }]): [string, Tree] => [
		key,
		{ kind: "opaque", path, value: UNKNOWN },
	]);
	return withEntries(variables as Group, unknown);
}

function readFile(name: string, file: string, complaints: Complaints): Tree | undefined {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
		throw new EnvironmentError(name, undefined, [
			{ property: "file", message: `got ${JSON.stringify(file)}; ${why}; it is looked for from ${process.cwd()}` },
		]);
	}
	return parseYaml(text, complaints);
}

/** For a name that is asked for and was not declared. */
export function notDeclared(what: string, name: string, names: ReadonlyArray<string>): string {
	const declared = names.length === 0 ? "none" : names.join(", ");
	return `no ${what} is declared as ${JSON.stringify(name)}${didYouMean(name, names) || `; declared: ${declared}`}`;
}
